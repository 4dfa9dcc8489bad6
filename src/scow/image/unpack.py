"""Layers in: the blob goes into the store while its index and tree are made from the same bytes.

:class:`Unpacking` is the store as a sink that does so; its ``tree`` and ``index`` make up for what is missing later.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from scow.content.layout import Layout, disk_error
from scow.content.target import Source
from scow.errors import Integrity, ScowError
from scow.image.pipeline import Inflating
from scow.layer.apply import apply
from scow.layer.index import Header, Index, Writer
from scow.layer.mountable import Mountable, MountableTree
from scow.layer.rights import rights
from scow.layer.store import Draft, Layers
from scow.layer.tar import Reader
from scow.layer.tree import NoTree, OverlayTree
from scow.oci import media_types
from scow.oci.descriptor import Descriptor
from scow.oci.digest import DiffId


class Unpacking:
    """The local store as a :class:`~scow.content.target.Sink` whose layers come out unpacked."""

    def __init__(self, layout: Layout, layers: Layers, *, trees: bool = True) -> None:
        self.layout, self.layers = layout, layers
        self._trees = trees

    def exists(self, descriptor: Descriptor) -> bool:
        """As the store."""
        return self.layout.exists(descriptor)

    @property
    def _make(self) -> Make:
        return maker(self.layers)

    def push(self, descriptor: Descriptor, source: Source) -> None:
        """Take a blob; a layer also gets its index and tree. Raises :class:`~scow.errors.Invalid` for a hostile one."""
        if descriptor.media_type not in media_types.LAYERS:
            self.layout.push(descriptor, source)
            return
        with self._drafted(self._make if self._trees else no_tree) as (draft, stages):
            self.layout.receive(descriptor, source, stages.feed)
            self._keep(draft, DiffId(f"sha256:{stages.hexdigest}"))

    def tag(self, descriptor: Descriptor, name: str) -> None:
        """As the store."""
        self.layout.tag(descriptor, name)

    def tree(self, descriptor: Descriptor, diff_id: DiffId) -> Path:
        """The layer's unpacked tree, made from the blob when it is not there."""
        self.layout.hold(diff_id)
        tree = self.layers.tree(diff_id)
        for make in (self._make, directory_tree):
            if tree is None:  # or not fit to be mounted
                self._from_blob(descriptor, diff_id, self.layout, make)
                tree = self.layers.tree(diff_id)
        if tree is None:
            raise ScowError("layer could not be unpacked", subject=diff_id)
        return tree

    def index(self, descriptor: Descriptor, diff_id: DiffId, source: Source | None = None) -> Index:
        """The layer's index, open; made from the blob (the store's, or ``source``'s) when it is not there."""
        self.layout.hold(diff_id)
        index = self.layers.index(diff_id)
        if index is None:
            self._from_blob(descriptor, diff_id, source or self.layout, no_tree)
            index = self.layers.index(diff_id)
        if index is None:
            raise ScowError("layer could not be read", subject=diff_id)
        return index

    def header(self, descriptor: Descriptor, diff_id: DiffId) -> Header:
        """The layer's totals."""
        with self.index(descriptor, diff_id) as index:
            return index.header

    def _from_blob(self, descriptor: Descriptor, diff_id: DiffId, source: Source, make: Make) -> None:
        with self._drafted(make) as (draft, stages):
            with source.open(descriptor) as file:
                while chunk := file.read(256 << 10):
                    stages.feed(chunk)
                stages.feed(b"")
            if stages.hexdigest != diff_id.hex:
                raise Integrity(
                    "layer is not what the image config says",
                    subject=descriptor.digest,
                    expected=diff_id,
                    actual=f"sha256:{stages.hexdigest}",
                )
            self._keep(draft, diff_id)

    def _keep(self, draft: Draft, diff_id: DiffId) -> None:
        self.layout.hold(diff_id)
        self.layers.keep(draft, diff_id)

    @contextlib.contextmanager
    def _drafted(self, make: Make) -> Iterator[tuple[Draft, Inflating]]:
        try:
            with self.layers.draft() as draft, unpacking_into(draft, make) as stages:
                yield draft, stages
        except OSError as error:
            raise disk_error(error, self.layout.root) from None


@contextlib.contextmanager
def unpacking_into(draft: Draft, make: Make) -> Iterator[Inflating]:
    """Stages that make ``draft``'s index and its tree, of the kind that ``make`` makes, from the layer's bytes."""
    stages = Inflating(lambda reader, size: _write(reader, size, draft, make))
    try:
        yield stages
    finally:
        stages.abandon()


def _write(reader: Reader, size: Callable[[], int], draft: Draft, make: Make) -> None:
    """Apply the layer to the draft; ``size`` tells the tar's length once it was read."""
    with draft.index.open("xb") as file:
        writer = Writer(file)
        plain = make(reader, draft, writer)
        writer.finish(size(), plain=plain)


#: Reads a layer's plain bytes to their end, writes its tree to the draft and its entries to the index → is it plain?
Make = Callable[[Reader, Draft, Writer], bool]


def no_tree(reader: Reader, draft: Draft, index: Writer) -> bool:
    """The index only."""
    return apply(reader, NoTree(), index)


def directory_tree(reader: Reader, draft: Draft, index: Writer) -> bool:
    """The tree as a directory."""
    draft.tree.mkdir()
    draft.tree.chmod(0o755)
    tree = OverlayTree(draft.tree, rights())
    try:
        return apply(reader, tree, index)
    finally:
        tree.close()


def mountable_tree(reader: Reader, draft: Draft, index: Writer) -> bool:
    """The tree as a file to mount; none when the layer is not fit for it."""
    with draft.mountable.open("xb") as file:
        made = Mountable(file)
        plain = apply(_Copied(reader, made), MountableTree(made), index)
        if made.fit:
            made.finish()
    if not made.fit:
        draft.mountable.unlink()
    return plain


def maker(layers: Layers) -> Make:
    """Makes trees of the kind that costs least here."""
    return mountable_tree if layers.mounts() else directory_tree


class _Copied:
    """A reader whose bytes go to a mountable file as they go by."""

    def __init__(self, reader: Reader, made: Mountable) -> None:
        self._reader, self._made = reader, made

    def read(self, size: int = -1, /) -> bytes:
        """As the reader."""
        data = self._reader.read(size)
        self._made.write(data)
        return data
