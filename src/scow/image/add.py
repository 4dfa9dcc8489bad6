"""Layers out: entries and contents → a blob in the store, and its index beside it. The other half of unpacking."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from scow.content.disk import disk_error
from scow.content.ingest import BlobDraft
from scow.content.layout import Layout
from scow.content.target import Reader
from scow.image.layer import Layer
from scow.image.trees import maker, unpacking_into
from scow.layer.compression import encoder
from scow.layer.earlier import MOST, Earlier
from scow.layer.entry import Entry
from scow.layer.index import Writer
from scow.layer.members import Members
from scow.layer.mountable import TAR, Mountable
from scow.layer.pack import Item, Note, Output, Packed, Watch, compress, pack
from scow.layer.placement import Placement
from scow.layer.store import Draft, Layers
from scow.oci import media_types
from scow.oci.descriptor import Descriptor
from scow.oci.digest import DiffId, Digest


def add_layer(
    layout: Layout, layers: Layers, items: Iterable[Item], tree: Path | None = None, earlier: Earlier | None = None
) -> Layer:
    """Make a layer of ``items``; ``tree``, when given, is that layer unpacked already, and is moved into the store.

    Where layers can be mounted, a new one is ready to be: the tar's bytes are written once more as they go by. What
    ``earlier`` has in common with it is taken from there. Raises :class:`Integrity` when that is damaged.
    """
    mountable = tree is None and layers.mounts()
    try:
        with layers.draft() as draft, layout.draft() as blob:
            write = _packed_mountable if mountable else _packed
            packed = write(items, draft, blob, earlier)
            if tree is not None:
                tree.rename(draft.tree)
            return _keep(layout, layers, draft, blob, packed)
    except OSError as error:
        raise disk_error(error, layout.root) from None


def before(layout: Layout, layers: Layers, layer: Layer) -> Earlier | None:
    """A layer of the store as the one before another; ``None`` when nothing of it could be taken over."""
    cut = layers.members(layer.diff_id)
    if cut is None or (cut.blob, cut.encoder) != (layer.descriptor.digest.hex, encoder()):
        return None
    index = layers.index(layer.diff_id) if layout.exists(layer.descriptor) else None
    if index is None:
        return None
    with index:
        entries = list(index) if index.header.entries <= MOST else []
    return Earlier(entries, layout.path(layer.descriptor.digest), cut) if entries else None


def _packed(
    items: Iterable[Item],
    draft: Draft,
    blob: BlobDraft,
    earlier: Earlier | None,
    note: Note = lambda entry: None,
    watch: Watch | None = None,
) -> Packed:
    with draft.index.open("xb") as file:
        writer, placement = Writer(file), Placement()

        def noted(entry: Entry) -> None:
            writer.add(entry)
            note(entry)

        packed = pack(_placed(items, placement), blob, noted, watch, earlier)
        writer.finish(packed.tar_size, plain=placement.plain)
        return packed


def _packed_mountable(items: Iterable[Item], draft: Draft, blob: BlobDraft, earlier: Earlier | None) -> Packed:
    made = Mountable()
    draft.mountable.mkdir()
    with (draft.mountable / TAR).open("xb") as tar:

        def copied(plain: memoryview) -> None:
            tar.write(plain)

        packed = _packed(items, draft, blob, earlier, made.add, copied)
    made.write(draft.mountable, packed.tar_size)
    return packed


def add_tar(layout: Layout, layers: Layers, reader: Reader) -> Layer:
    """Make a layer of a tar as it is; it is judged and unpacked while it is compressed."""
    return _add_unpacked(layout, layers, lambda output, watch: compress(reader, output, watch))


def add_unpacked(layout: Layout, layers: Layers, items: Iterable[Item], earlier: Earlier | None = None) -> Layer:
    """As :func:`add_layer`; it is unpacked meanwhile, for somebody who needs its tree next."""
    if layers.mounts():
        return add_layer(layout, layers, items, earlier=earlier)
    return _add_unpacked(layout, layers, lambda output, watch: pack(items, output, None, watch, earlier))


def _add_unpacked(layout: Layout, layers: Layers, write: Callable[[Output, Watch], Packed]) -> Layer:
    try:
        with layers.draft() as draft, layout.draft() as blob, unpacking_into(draft, maker(layers)) as stages:
            packed = write(blob, lambda plain: stages.feed(bytes(plain)))
            stages.feed(b"")
            return _keep(layout, layers, draft, blob, packed)
    except OSError as error:
        raise disk_error(error, layout.root) from None


def _keep(layout: Layout, layers: Layers, draft: Draft, blob: BlobDraft, packed: Packed) -> Layer:
    """Blob, index and tree into their places, under the names that packing found."""
    digest, diff_id = Digest(f"sha256:{packed.blob}"), DiffId(f"sha256:{packed.tar}")
    layout.hold(diff_id)
    blob.keep(digest)
    if len(packed.members) > 1:
        draft.members.write_bytes(msgspec.msgpack.encode(Members(packed.blob, packed.members, encoder())))
    layers.keep(draft, diff_id)
    return Layer(Descriptor(media_types.OCI_LAYER_GZIP, digest, packed.blob_size), diff_id)


def _placed(items: Iterable[Item], placement: Placement) -> Iterator[Item]:
    """The same items, noted by ``placement`` as they go by."""
    for entry, content in items:
        placement.place(entry)
        yield entry, content
