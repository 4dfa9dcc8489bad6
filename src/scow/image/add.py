"""Layers out: entries and contents → a blob in the store, and its index beside it. The other half of unpacking."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from scow.content.layout import BlobDraft, Layout, disk_error
from scow.image.mutate import Layer, manifest
from scow.image.unpack import unpacking_into
from scow.layer.index import Writer
from scow.layer.pack import Item, Packed, Watch, compress, pack
from scow.layer.placement import Placement
from scow.layer.store import Draft, Layers
from scow.layer.tar import Reader
from scow.oci import media_types
from scow.oci.descriptor import Descriptor
from scow.oci.digest import DiffId, Digest
from scow.oci.documents import encode


def add_layer(layout: Layout, layers: Layers, items: Iterable[Item], tree: Path | None = None) -> Layer:
    """Make a layer of ``items``; ``tree``, when given, is that layer unpacked already, and is moved into the store."""
    try:
        with layers.draft() as draft, layout.draft() as blob:
            with draft.index.open("xb") as file:
                writer, placement = Writer(file), Placement()
                packed = pack(_placed(items, placement), blob.file, writer)
                writer.finish(packed.tar_size, plain=placement.plain)
            if tree is not None:
                tree.rename(draft.tree)
            return _keep(layout, layers, draft, blob, packed)
    except OSError as error:
        raise disk_error(error, layout.root) from None


def add_tar(layout: Layout, layers: Layers, reader: Reader) -> Layer:
    """Make a layer of a tar as it is; it is judged and unpacked while it is compressed."""
    return _add_unpacked(layout, layers, lambda output, watch: compress(reader, output, watch))


def add_unpacked(layout: Layout, layers: Layers, items: Iterable[Item]) -> Layer:
    """As :func:`add_layer`; it is unpacked meanwhile, for somebody who needs its tree next."""
    return _add_unpacked(layout, layers, lambda output, watch: pack(items, output, watch=watch))


def _add_unpacked(layout: Layout, layers: Layers, write: Callable[[BinaryIO, Watch], Packed]) -> Layer:
    try:
        with layers.draft() as draft, layout.draft() as blob, unpacking_into(draft, trees=True) as stages:
            packed = write(blob.file, stages.feed)
            stages.feed(b"")
            return _keep(layout, layers, draft, blob, packed)
    except OSError as error:
        raise disk_error(error, layout.root) from None


def _keep(layout: Layout, layers: Layers, draft: Draft, blob: BlobDraft, packed: Packed) -> Layer:
    """Blob, index and tree into their places, under the names that packing found."""
    digest, diff_id = Digest(f"sha256:{packed.blob}"), DiffId(f"sha256:{packed.tar}")
    layout.hold(diff_id)
    blob.keep(digest)
    layers.keep(draft, diff_id)
    return Layer(Descriptor(media_types.OCI_LAYER_GZIP, digest, packed.blob_size), diff_id)


def _placed(items: Iterable[Item], placement: Placement) -> Iterator[Item]:
    """The same items, noted by ``placement`` as they go by."""
    for entry, content in items:
        placement.place(entry)
        yield entry, content


def add_image(
    layout: Layout,
    config: dict[str, object],
    layers: Iterable[Descriptor],
    annotations: Mapping[str, str] | None = None,
) -> Descriptor:
    """Put a config document and the manifest that joins it with ``layers``; returns the manifest's descriptor."""
    raw = encode(config)
    layout.put(media_types.OCI_CONFIG, raw)
    return layout.put(media_types.OCI_MANIFEST, manifest(raw, tuple(layers), annotations))
