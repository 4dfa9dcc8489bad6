"""Where the in-process registry keeps things: plain files, written beside their place and renamed into it.

::

    blobs/<algorithm>/<hex>                          the bytes
    repositories/<name>/_blobs/<algorithm>/<hex>     empty: this repository has the blob
    repositories/<name>/_manifests/<algorithm>/<hex> the media type
    repositories/<name>/_tags/<tag>                  the digest
    repositories/<name>/_referrers/<subject>/<digest>
    uploads/<id>
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from scow.errors import Invalid, NotFound, ScowError
from scow.oci import media_types
from scow.oci.descriptor import Descriptor
from scow.oci.digest import Digest
from scow.oci.manifest import Index, Manifest, parse


class Storage:
    """Names are checked by the caller; digests by their type."""

    def __init__(self, root: Path) -> None:
        self._root = root
        for name in ("blobs/sha256", "blobs/sha512", "repositories", "uploads"):
            (root / name).mkdir(parents=True, exist_ok=True)

    # -- blobs

    def blob(self, name: str, digest: Digest) -> Path:
        """The file of a blob that the repository has. Raises :class:`NotFound`."""
        path = self._blob(digest)
        if not self._link(name, "_blobs", digest).exists() or not path.exists():
            raise NotFound("blob unknown", subject=digest)
        return path

    def mount(self, name: str, digest: Digest, source: str) -> bool:
        """Let another repository have a blob too."""
        if not self._link(source, "_blobs", digest).exists():
            return False
        _write(self._link(name, "_blobs", digest), b"")
        return True

    def forget_blob(self, name: str, digest: Digest) -> None:
        """Take a blob out of a repository."""
        self.blob(name, digest)
        self._link(name, "_blobs", digest).unlink(missing_ok=True)

    # -- uploads

    def start_upload(self) -> str:
        """Begin an upload; its name."""
        upload = secrets.token_hex(16)
        (self._root / "uploads" / upload).touch()
        return upload

    def upload(self, upload: str) -> Path:
        """The file of an upload."""
        path = self._root / "uploads" / upload
        if not path.exists():
            raise NotFound("blob upload unknown")
        return path

    def finish_upload(self, name: str, upload: str, digest: Digest, actual: Digest | None) -> bool:
        """Move an upload to its place if it is ``digest``; ``actual`` is what was hashed on the way, if it was."""
        path = self.upload(upload)
        if (actual or file_digest(path, digest.algorithm)) != digest:
            path.unlink()
            return False
        os.replace(path, self._blob(digest))
        _write(self._link(name, "_blobs", digest), b"")
        return True

    # -- manifests and tags

    def manifest(self, name: str, reference: str) -> tuple[Digest, str, bytes]:
        """Digest, media type and bytes by tag or digest. Raises :class:`NotFound`."""
        try:
            tag = self._root / "repositories" / name / "_tags" / reference
            digest = Digest(reference if ":" in reference else tag.read_text())
            return digest, self._link(name, "_manifests", digest).read_text(), self._blob(digest).read_bytes()
        except OSError:
            raise NotFound("manifest unknown", subject=reference) from None

    def put_manifest(self, name: str, reference: str, media_type: str, raw: bytes) -> tuple[Digest, Digest | None]:
        """Keep a manifest whose children are there; returns its digest and that of its subject."""
        algorithm = Digest(reference).algorithm if ":" in reference else "sha256"
        digest = Digest(f"{algorithm}:{hashlib.new(algorithm, raw).hexdigest()}")
        if ":" in reference and digest != reference:
            raise Invalid("DIGEST_INVALID")
        document = parse(raw, media_type)
        for child in document.children:
            self._must_have(name, child, isinstance(document, Index))
        _write(self._blob(digest), raw)
        _write(self._link(name, "_manifests", digest), media_type.encode())
        if ":" not in reference:
            _write(self._root / "repositories" / name / "_tags" / reference, digest.encode())
        subject = document.subject.digest if document.subject else None
        if subject:
            _write(self._referrers(name, subject) / digest.replace(":", "-"), b"")
        return digest, subject

    def delete_manifest(self, name: str, reference: str) -> None:
        """By digest with every tag of it; by tag the tag alone."""
        digest, _, _ = self.manifest(name, reference)
        tags = self._root / "repositories" / name / "_tags"
        doomed = [reference] if ":" not in reference else [t for t in _names(tags) if (tags / t).read_text() == digest]
        for tag in doomed:
            (tags / tag).unlink(missing_ok=True)
        if ":" in reference:
            self._link(name, "_manifests", digest).unlink(missing_ok=True)

    def tags(self, name: str) -> list[str]:
        """In order. Raises :class:`NotFound` for a repository that never was."""
        folder = self._root / "repositories" / name
        if not any((folder / part).exists() for part in ("_tags", "_manifests", "_blobs")):
            raise NotFound("name unknown", subject=name)
        return sorted(_names(folder / "_tags"))

    def repositories(self) -> list[str]:
        """Every repository."""
        top = self._root / "repositories"
        return sorted(str(path.parent.relative_to(top)) for path in top.rglob("_manifests"))

    def referrers(self, name: str, subject: Digest) -> list[Descriptor]:
        """The manifests whose subject is a digest."""
        found = []
        for entry in sorted(_names(self._referrers(name, subject))):
            with contextlib.suppress(ScowError):  # deleted since
                digest, media_type, raw = self.manifest(name, entry.replace("-", ":", 1))
                document = parse(raw, media_type)
                found.append(
                    Descriptor(
                        media_type,
                        digest,
                        len(raw),
                        annotations=document.annotations,
                        artifact_type=_artifact_type(document),
                    )
                )
        return found

    def _must_have(self, name: str, child: Descriptor, is_manifest: bool) -> None:
        if media_types.is_foreign(child.media_type):
            return
        kind = "_manifests" if is_manifest else "_blobs"
        if not self._link(name, kind, child.digest).exists():
            raise NotFound("MANIFEST_BLOB_UNKNOWN", subject=child.digest)

    def _blob(self, digest: Digest) -> Path:
        return self._root / "blobs" / digest.algorithm / digest.hex

    def _link(self, name: str, kind: str, digest: Digest) -> Path:
        return self._root / "repositories" / name / kind / digest.algorithm / digest.hex

    def _referrers(self, name: str, subject: Digest) -> Path:
        return self._root / "repositories" / name / "_referrers" / subject.replace(":", "-")


def file_digest(path: Path, algorithm: str) -> Digest:
    """A file's sha256 digest."""
    with open(path, "rb") as stream:
        return Digest(f"{algorithm}:{hashlib.file_digest(stream, algorithm).hexdigest()}")


def _artifact_type(document: Manifest | Index) -> str | None:
    if document.artifact_type or isinstance(document, Index):
        return document.artifact_type
    return document.config.media_type


def _names(folder: Path) -> Iterable[str]:
    return [entry.name for entry in folder.iterdir() if not entry.name.startswith("~")] if folder.exists() else []


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"~{secrets.token_hex(8)}")
    temporary.write_bytes(content)
    os.replace(temporary, path)
