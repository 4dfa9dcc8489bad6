"""Images in one tar: what ``docker save`` writes, old and new, and OCI layouts in a tar.

Reading: :class:`OciArchive` and :class:`DockerArchive` are sources over a seekable, uncompressed tar. Writing:
:func:`write` makes one tar that is both, so that docker since 1.10, podman and skopeo all load it.
"""

from __future__ import annotations

import hashlib
import io
import os
import sys
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, BinaryIO, Final

import msgspec

from scow.content.copy import all_children, reachable
from scow.content.layout import LAYOUT, Layout
from scow.content.tar import Tar
from scow.content.target import Reader
from scow.errors import Invalid, NotFound, Unsupported
from scow.oci import media_types
from scow.oci.config import parse as parse_config
from scow.oci.descriptor import REF_NAME, Descriptor
from scow.oci.digest import Digest
from scow.oci.documents import decode, encode
from scow.oci.manifest import Index, Manifest, parse
from scow.oci.reference import Reference

#: containerd's annotation for an image's full name; docker and containerd write it.
FULL_NAME: Final = "io.containerd.image.name"
_CHUNK: Final = 1 << 20


class OciArchive:
    """An OCI layout in a tar, as a source; names are those of :meth:`names`."""

    def __init__(self, tar: Tar) -> None:
        self._tar = tar
        index = decode(tar.read("index.json"), Index, "index.json")
        self._entries = index.manifests

    def names(self) -> list[tuple[str | None, Descriptor]]:
        """Every image with its familiar name, if it has one that is a reference."""
        tagged = self._docker_names()
        found: list[tuple[str | None, Descriptor]] = []
        for entry in self._entries:
            annotations = entry.annotations or {}
            name = _reference(annotations.get(FULL_NAME)) or _reference(annotations.get(REF_NAME), whole=True)
            names: Iterable[str | None] = [name] if name else self._names_of(entry, tagged) or [None]
            found += [(one, entry.plain) for one in names]
        return found

    def resolve(self, name: str) -> Descriptor:
        """The image of that name."""
        return _of_name(self.names(), name)

    def open(self, descriptor: Descriptor, offset: int = 0) -> AbstractContextManager[Reader]:
        """A blob's bytes."""
        return self._tar.open(_blob(descriptor.digest), offset)

    def _docker_names(self) -> dict[str, list[str]]:
        """Config path → names, from the ``manifest.json`` that docker puts beside the layout."""
        if "manifest.json" not in self._tar:
            return {}
        return {entry.config: list(entry.repo_tags or ()) for entry in _docker_manifest(self._tar)}

    def _names_of(self, entry: Descriptor, tagged: Mapping[str, list[str]]) -> list[str]:
        if not tagged or entry.media_type not in media_types.MANIFESTS:
            return []
        manifest = parse(self._tar.read(_blob(entry.digest)), entry.media_type)
        config = _blob(manifest.config.digest) if isinstance(manifest, Manifest) else ""
        return [name for tag in tagged.get(config, []) if (name := _reference(tag))]


class _DockerEntry(msgspec.Struct, rename="pascal"):
    config: str
    layers: list[str] | None = None  # what Go writes for none
    repo_tags: list[str] | None = None


class DockerArchive:
    """What ``docker save`` wrote before it wrote OCI layouts, as a source: its manifests are made up here."""

    def __init__(self, tar: Tar) -> None:
        self._tar = tar
        self._paths: dict[str, str] = {}
        self._made: dict[str, bytes] = {}
        self._names: list[tuple[str | None, Descriptor]] = []
        for entry in _docker_manifest(tar):
            descriptor = self._manifest(entry)
            names = [name for tag in entry.repo_tags or () if (name := _reference(tag))]
            self._names += [(name, descriptor) for name in names] or [(None, descriptor)]

    def names(self) -> list[tuple[str | None, Descriptor]]:
        """Every image with its familiar name, if it has one."""
        return self._names

    def resolve(self, name: str) -> Descriptor:
        """The image of that name."""
        return _of_name(self._names, name)

    def open(self, descriptor: Descriptor, offset: int = 0) -> AbstractContextManager[Reader]:
        """A blob's bytes."""
        if descriptor.digest in self._made:
            return io.BytesIO(self._made[descriptor.digest][offset:])
        path = self._paths.get(descriptor.digest)
        if path is None:
            raise NotFound("archive has no such content", subject=descriptor.digest)
        return self._tar.open(path, offset)

    def _manifest(self, entry: _DockerEntry) -> Descriptor:
        raw = self._tar.read(entry.config)
        config = Descriptor.of(media_types.OCI_CONFIG, raw)
        diff_ids, paths = parse_config(raw, entry.config).diff_ids, entry.layers or ()
        if len(diff_ids) != len(paths):
            raise Invalid(f"archive lists {len(paths)} layers but the config {len(diff_ids)}", subject=entry.config)
        layers = tuple(self._layer(path, diff_id) for path, diff_id in zip(paths, diff_ids, strict=True))
        self._paths[config.digest] = entry.config
        document = encode(Manifest(2, config, layers, media_types.OCI_MANIFEST))
        descriptor = Descriptor.of(media_types.OCI_MANIFEST, document)
        self._made[descriptor.digest] = document
        return descriptor

    def _layer(self, path: str, diff_id: str) -> Descriptor:
        """An uncompressed layer has its diff_id as digest; a compressed one is hashed, unless its name says it."""
        _, size = self._tar.find(path)
        with self._tar.open(path) as reader:
            head = reader.read(6)
            media_type = media_types.LAYER_OF.get(media_types.sniff(head), "")
            if not media_type:
                raise Unsupported("layer is compressed in a way that no registry knows", subject=path)
            digest = Digest(diff_id) if media_type == media_types.OCI_LAYER else self._hashed(path)
        self._paths[digest] = path
        return Descriptor(media_type, digest, size)

    def _hashed(self, path: str) -> Digest:
        parts = path.split("/")
        if parts[:2] == ["blobs", "sha256"] and len(parts) == 3:
            return Digest(f"sha256:{parts[2]}")  # verified when it is read
        digest = hashlib.sha256()
        with self._tar.open(path) as reader:
            while chunk := reader.read(_CHUNK):
                digest.update(chunk)
        return Digest(f"sha256:{digest.hexdigest()}")


def _of_name(names: Iterable[tuple[str | None, Descriptor]], name: str) -> Descriptor:
    for known, descriptor in names:
        if known == name:
            return descriptor
    raise NotFound("archive has no such image", subject=name)


def open_archive(tar: Tar) -> OciArchive | DockerArchive:
    """The archive in ``tar``. Raises :class:`Invalid` when it is neither kind."""
    if "oci-layout" in tar and "index.json" in tar:
        return OciArchive(tar)
    if "manifest.json" in tar:
        return DockerArchive(tar)
    raise Invalid(
        "archive holds no images: neither index.json nor manifest.json", hint="for a file system: scow import"
    )


def write(
    layout: Layout,
    images: Iterable[tuple[Descriptor, tuple[Reference, ...]]],
    output: BinaryIO,
    single: Mapping[Digest, Descriptor] | None = None,
) -> None:
    """Write images and their names to ``output`` as one tar of both kinds. The same images give the same bytes.

    docker's kind knows no index: of one it has the manifest that ``single`` says.
    """
    entries: list[Descriptor] = []
    docker: list[dict[str, Any]] = []
    repositories: dict[str, dict[str, str]] = {}
    blobs: dict[str, Descriptor] = {}
    for descriptor, references in images:
        entries += [_named_entry(descriptor, reference) for reference in references] or [descriptor.plain]
        for node in _graph(layout, descriptor):
            blobs[node.digest] = node
        shown = (single or {}).get(descriptor.digest, descriptor)
        manifest = parse(layout.read(shown), shown.media_type)
        if isinstance(manifest, Manifest):
            tags = [reference.familiar for reference in references if reference.tag]
            layers = [_blob(layer.digest) for layer in manifest.layers]
            docker.append({"Config": _blob(manifest.config.digest), "RepoTags": tags or None, "Layers": layers})
            top = manifest.layers[-1].digest.hex if manifest.layers else ""
            for reference in references:
                if reference.tag and top:
                    repositories.setdefault(reference.familiar_name, {})[reference.tag] = top
    _directory(output, "blobs/")
    _directory(output, "blobs/sha256/")
    for _, node in sorted(blobs.items()):
        _blob_member(output, layout, node)
    _member(output, "index.json", encode(Index(2, tuple(entries), media_types.OCI_INDEX)))
    _member(output, "manifest.json", encode(docker))
    _member(output, "oci-layout", LAYOUT)
    if repositories:
        _member(output, "repositories", encode(repositories))
    output.write(bytes(1024))
    output.flush()


def _named_entry(descriptor: Descriptor, reference: Reference) -> Descriptor:
    annotations = {FULL_NAME: str(reference), REF_NAME: reference.familiar}
    return descriptor.plain.annotated(annotations=annotations)


def whole(layout: Layout, descriptor: Descriptor) -> bool:
    """Whether everything below ``descriptor`` is in the store."""
    try:
        return all(layout.exists(node) for node in _graph(layout, descriptor))
    except NotFound:
        return False


def _graph(layout: Layout, root: Descriptor) -> Iterator[Descriptor]:
    """All that has to be there."""

    def below(node: Descriptor) -> tuple[Descriptor, ...]:
        document = media_types.is_document(node.media_type)
        return all_children(node, parse(layout.read(node), node.media_type)) if document else ()

    return reachable(root, below)


def _header(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.type, info.mode = size, kind, 0o755 if kind == tarfile.DIRTYPE else 0o644
    return info.tobuf(tarfile.USTAR_FORMAT if size < 8 << 30 else tarfile.GNU_FORMAT)


def _directory(output: BinaryIO, name: str) -> None:
    output.write(_header(name, 0, tarfile.DIRTYPE))


def _member(output: BinaryIO, name: str, data: bytes) -> None:
    output.write(_header(name, len(data)) + data + bytes(-len(data) % 512))


def _blob_member(output: BinaryIO, layout: Layout, node: Descriptor) -> None:
    output.write(_header(_blob(node.digest), node.size))
    output.flush()
    with layout.open(node) as file:
        _send(file, output, node.size)
    output.write(bytes(-node.size % 512))


def _send(file: BinaryIO, output: BinaryIO, size: int) -> None:
    """Copy ``size`` bytes, inside the kernel where it can."""
    left = size
    try:
        while left and sys.platform == "linux":
            sent = os.sendfile(output.fileno(), file.fileno(), None, left)
            if not sent:
                break
            left -= sent
    except OSError:
        if left != size:
            raise
    if left == size:
        while left and (data := file.read(min(left, _CHUNK))):
            output.write(data)
            left -= len(data)
    if left:
        raise Invalid("blob is shorter than its descriptor says")


def _docker_manifest(tar: Tar) -> list[_DockerEntry]:
    return decode(tar.read("manifest.json"), list[_DockerEntry], "manifest.json")


def _blob(digest: Digest) -> str:
    return f"blobs/{digest.algorithm}/{digest.hex}"


def _reference(text: str | None, *, whole: bool = False) -> str | None:
    """``text`` as a familiar reference; with ``whole`` a bare word (a tag alone) is none."""
    if not text or (whole and ":" not in text and "/" not in text):
        return None
    try:
        return Reference.parse(text).familiar
    except Invalid:
        return None
