"""An image said otherwise: other compression, other family of media types, fewer platforms. A source that rewrites.

The parts that change are made in a staging layout; all others are still read where they are. The copy itself is the
same as ever. What does not change keeps its bytes, and so its digest.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import msgspec

from scow.content.layout import Layout
from scow.content.target import Reader, Source
from scow.content.verify import Verifier, read_document
from scow.errors import Limit
from scow.image.recompress import recompress, squeeze
from scow.layer.compression import detected, inflated
from scow.oci import conversion, media_types
from scow.oci.conversion import Family
from scow.oci.descriptor import Descriptor
from scow.oci.digest import Digest
from scow.oci.manifest import Index, Manifest, parse
from scow.oci.platform import Platform

_DEPTH_LIMIT: Final = 8
_LAYERS_AT_ONCE: Final = 2


class Wish(msgspec.Struct, frozen=True):
    """What is to change; an empty one changes nothing. ``level`` alone means gzip's or zstd's, whichever there is."""

    compression: str = ""
    level: int | None = None
    family: Family | None = None
    platforms: tuple[Platform, ...] = ()

    @property
    def empty(self) -> bool:
        """Nothing is to change."""
        return self == Wish()


def rewrite(source: Source, root: Descriptor, wish: Wish, staging: Layout) -> tuple[Source, Descriptor]:
    """A source that has ``root`` as wished, and what it is called there.

    Raises :class:`~scow.errors.Unsupported` for what the family wished for has no words for.
    """
    if wish.compression or wish.level is not None:
        squeeze(wish.compression or "gzip", wish.level)  # a level that there is not is refused before the work begins
    return Staged(source, staging), _Rewriting(source, wish, staging).document(root, 0)


class Staged:
    """What is in ``staging`` comes from there, all else from ``source``."""

    def __init__(self, source: Source, staging: Layout) -> None:
        self._source, self._staging = source, staging

    @contextlib.contextmanager
    def open(self, descriptor: Descriptor, offset: int = 0) -> Iterator[Reader]:
        """The bytes of a part."""
        place: Source = self._staging if self._staging.exists(descriptor) else self._source
        with place.open(descriptor, offset) as reader:
            yield reader


class _Rewriting:
    def __init__(self, source: Source, wish: Wish, staging: Layout) -> None:
        self._source, self._wish, self._staging = source, wish, staging
        self._layers: dict[str, Descriptor] = {}
        self._documents: dict[str, Descriptor] = {}

    def document(self, node: Descriptor, depth: int) -> Descriptor:
        """What a manifest or index becomes, found once: indexes may come to it on any number of ways."""
        if node.digest not in self._documents:
            self._documents[node.digest] = self._document(node, depth)
        return self._documents[node.digest]

    def _document(self, node: Descriptor, depth: int) -> Descriptor:
        if depth > _DEPTH_LIMIT:
            raise Limit(f"indexes nest more than {_DEPTH_LIMIT} deep", subject=str(node.digest))
        document = parse(read_document(self._source, node), node.media_type, str(node.digest))
        if isinstance(document, Index):
            return self._index(node, document, depth)
        return self._manifest(node, document)

    def _index(self, node: Descriptor, document: Index, depth: int) -> Descriptor:
        entries = document.manifests
        if self._wish.platforms and depth == 0:
            entries = conversion.chosen(document, self._wish.platforms)
        digests: dict[str, str] = {}
        changed = []
        for entry in entries:
            new = self.document(entry, depth + 1) if media_types.is_document(entry.media_type) else entry
            digests[entry.digest] = new.digest
            changed.append(conversion.moved(entry, new, digests))
        family = self._wish.family or conversion.family_of(node.media_type)
        if tuple(changed) == document.manifests and conversion.said(node.media_type, family) == node.media_type:
            return node.plain
        made = conversion.index(document, family, changed)
        return self._staging.put(conversion.said(media_types.OCI_INDEX, family), made)

    def _manifest(self, node: Descriptor, document: Manifest) -> Descriptor:
        family = self._wish.family or conversion.family_of(node.media_type)
        layers = self._recompressed(document.layers, family)
        if layers == document.layers and conversion.said(node.media_type, family) == node.media_type:
            return node.plain
        made = conversion.manifest(document, family, layers)
        return self._staging.put(conversion.said(media_types.OCI_MANIFEST, family), made)

    def _recompressed(self, layers: tuple[Descriptor, ...], family: Family) -> tuple[Descriptor, ...]:
        with ThreadPoolExecutor(_LAYERS_AT_ONCE, "layers") as pool:
            return tuple(pool.map(lambda layer: self._layer(layer, family), layers))

    def _layer(self, layer: Descriptor, family: Family) -> Descriptor:
        now = media_types.LAYERS.get(layer.media_type)
        wanted = self._wish.compression or (now if self._wish.level is not None else "")
        if now is None or not wanted or media_types.is_foreign(layer.media_type):
            return layer
        if wanted == now and (self._wish.level is None or now == "none"):
            return layer
        if layer.digest not in self._layers:
            self._layers[layer.digest] = squeezed(self._source, self._staging, layer, wanted, self._wish.level)
        made = self._layers[layer.digest]
        return made.annotated(media_type=conversion.layer_type(wanted, family))


def squeezed(source: Source, target: Layout, layer: Descriptor, compression: str, level: int | None) -> Descriptor:
    """A layer of ``source`` compressed anew (:func:`~scow.image.recompress.squeeze`) into ``target``."""
    with target.draft() as draft, source.open(layer) as reader:
        checked = _Checked(reader, layer)
        plain = inflated(*detected(checked))
        hexdigest, size = recompress(plain, draft, compression, level)
        checked.finish()
        digest = Digest(f"sha256:{hexdigest}")
        draft.keep(digest)
    return Descriptor(media_types.LAYER_OF[compression], digest, size)


class _Checked:
    """A reader whose bytes are checked against their descriptor as they go by."""

    def __init__(self, reader: Reader, descriptor: Descriptor) -> None:
        self._reader, self._verifier = reader, Verifier(descriptor)

    def read(self, size: int = -1, /) -> bytes:
        data = self._reader.read(size)
        self._verifier.update(data)
        return data

    def finish(self) -> None:
        """Read to the end and judge."""
        while self.read(1 << 20):
            pass
        self._verifier.finish()
