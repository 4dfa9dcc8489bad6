"""The advisory database as an OCI artifact (image-spec manifest.md, "Artifact Usage"): one layer for a file."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from io import BufferedReader
from pathlib import Path
from typing import Final

from scow.content.target import Reader, Source
from scow.content.verify import read_document
from scow.errors import Invalid
from scow.image.artifact import TITLE
from scow.oci import media_types
from scow.oci.descriptor import Descriptor
from scow.oci.digest import Digest
from scow.oci.documents import encode
from scow.oci.manifest import Index, Manifest, parse_manifest
from scow.scan.database import SUFFIX
from scow.scan.holding import Holding

ARTIFACT: Final = "application/vnd.scow.advisories.v1"
_FILE: Final = "application/vnd.scow.advisories.v1.sqlite3"
_CREATED: Final = "org.opencontainers.image.created"
_CHUNK: Final = 1 << 20


class Files:
    """Open files and small documents by digest, as a source."""

    def __init__(self, files: Mapping[Digest, BufferedReader], documents: Mapping[Digest, bytes]) -> None:
        self._files, self._documents = files, documents

    def open(self, descriptor: Descriptor, offset: int = 0) -> AbstractContextManager[Reader]:
        """A file's bytes from ``offset`` on."""
        if descriptor.digest in self._documents:
            return contextlib.closing(io.BytesIO(self._documents[descriptor.digest][offset:]))
        return contextlib.nullcontext(_From(self._files[descriptor.digest], offset))


class _From:
    """An open file's bytes from ``offset`` on, whoever else reads it."""

    def __init__(self, file: BufferedReader, offset: int) -> None:
        self._descriptor, self._at = file.fileno(), offset

    def read(self, size: int = -1, /) -> bytes:
        chunk = os.pread(self._descriptor, size if size >= 0 else _CHUNK, self._at)
        self._at += len(chunk)
        return chunk


@contextlib.contextmanager
def packed(files: Mapping[Holding, Path]) -> Iterator[tuple[Source, Descriptor]]:
    """The files as one artifact: where its bytes are, and its manifest. A file that is replaced stays as it was."""
    with contextlib.ExitStack() as stack:
        yield _packed({holding: stack.enter_context(path.open("rb")) for holding, path in files.items()})


def _packed(files: Mapping[Holding, BufferedReader]) -> tuple[Source, Descriptor]:
    layers = [_layer(holding, file) for holding, file in files.items()]
    config = b"{}"
    created = max((holding.imported for holding in files), default="")
    manifest = Manifest(
        2,
        Descriptor.of(media_types.OCI_EMPTY, config),
        tuple(layers),
        media_types.OCI_MANIFEST,
        artifact_type=ARTIFACT,
        annotations={_CREATED: created},
    )
    raw = encode(manifest)
    documents = {Digest.of(raw): raw, Digest.of(config): config}
    by_digest = {layer.digest: file for layer, file in zip(layers, files.values(), strict=True)}
    return Files(by_digest, documents), Descriptor.of(media_types.OCI_MANIFEST, raw)


def _layer(holding: Holding, file: BufferedReader) -> Descriptor:
    digest, size = hashlib.file_digest(file, "sha256"), file.tell()
    annotations = {TITLE: f"{holding.ecosystem}{SUFFIX}", _CREATED: holding.imported}
    return Descriptor(_FILE, Digest(f"sha256:{digest.hexdigest()}"), size, annotations=annotations)


@contextlib.contextmanager
def unpacked(
    source: Source, root: Descriptor, ingest: Path, wanted: Callable[[str], bool]
) -> Iterator[dict[str, Path]]:
    """Ecosystem → its file, of those that are wanted, for the length of the block. Raises :class:`Invalid`."""
    from scow.content.copy import copy
    from scow.content.layout import Layout
    from scow.layer.scratch import scratch

    manifest = parse_manifest(read_document(source, root), root.media_type, str(root.digest))
    if manifest.artifact_type != ARTIFACT:
        raise Invalid("is not an advisory database", subject=str(root.digest), hint="scow db push makes one")
    chosen = {name: layer for layer in manifest.layers if (name := _named(layer)) and wanted(name)}

    def below(_node: Descriptor, _document: Manifest | Index) -> tuple[Descriptor, ...]:
        return tuple(chosen.values())

    with scratch(ingest, "advisories") as directory:
        layout = Layout(directory)
        with layout.working():
            copy(source, layout, root, children=below)
        yield {name: layout.path(layer.digest) for name, layer in chosen.items()}


def _named(layer: Descriptor) -> str:
    title = (layer.annotations or {}).get(TITLE, "")
    return title.removesuffix(SUFFIX) if layer.media_type == _FILE and title.endswith(SUFFIX) else ""
