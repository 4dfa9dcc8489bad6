"""An artifact: files under a manifest that is no image's (image-spec manifest.md, "Guidelines for Artifact Usage")."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from typing import Final

from scow.content.layout import Layout
from scow.errors import Invalid, NotFound
from scow.oci import media_types
from scow.oci.descriptor import Descriptor
from scow.oci.digest import Digest
from scow.oci.documents import encode
from scow.oci.manifest import Manifest

TITLE: Final = "org.opencontainers.image.title"
UNKNOWN: Final = "application/vnd.unknown.artifact.v1"
_BYTES: Final = "application/octet-stream"
_CHUNK: Final = 1 << 20
_EMPTY: Final = b"{}"


def add_artifact(
    layout: Layout,
    files: Sequence[tuple[str, str]],
    *,
    artifact_type: str = "",
    annotations: Mapping[str, str] | None = None,
    subject: Descriptor | None = None,
) -> Descriptor:
    """Put an artifact of ``files``, (path, media type or ``""``) each, to ``layout``; returns its manifest.

    The same files give the same digest. Raises :class:`NotFound`.
    """
    config = layout.put(media_types.OCI_EMPTY, _EMPTY)
    blobs = [_blob(layout, path, media_type or _BYTES) for path, media_type in files]
    manifest = Manifest(
        2,
        config,
        tuple(blobs) or (config,),  # the specification wants at least one
        media_types.OCI_MANIFEST,
        artifact_type or UNKNOWN,
        subject.plain if subject else None,
        dict(annotations) if annotations else None,
    )
    return layout.put(media_types.OCI_MANIFEST, encode(manifest)).annotated(artifact_type=manifest.artifact_type)


def file_and_type(text: str) -> tuple[str, str]:
    """``PATH`` or ``PATH:MEDIA/TYPE``."""
    path, colon, media_type = text.rpartition(":")
    if colon and "/" in media_type and not os.path.exists(text):
        if not path:
            raise Invalid("names no file", subject=repr(text))
        return path, media_type
    return text, ""


def _blob(layout: Layout, path: str, media_type: str) -> Descriptor:
    hashed, size = hashlib.sha256(), 0
    try:
        with open(path, "rb") as file, layout.draft() as draft:
            while chunk := file.read(_CHUNK):
                hashed.update(chunk)
                size += len(chunk)
                draft.write(chunk)
            digest = Digest(f"sha256:{hashed.hexdigest()}")
            draft.keep(digest)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise NotFound("no such file", subject=path) from None
    return Descriptor(media_type, digest, size, annotations={TITLE: os.path.basename(path)})
