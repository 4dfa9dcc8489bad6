"""What a layer's bytes become while they go by: its index, and its tree as a directory, as a file to mount, or none."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from scow.image.pipeline import Inflating
from scow.layer.apply import apply
from scow.layer.index import Index, Writer
from scow.layer.mountable import Mountable, MountableTree, digested
from scow.layer.rights import rights
from scow.layer.store import Draft, Layers
from scow.layer.tar import Reader
from scow.layer.tree import NoTree, OverlayTree

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


def note_digests(index: Index, tree: Path, draft: Draft) -> None:
    """Write ``index`` to the draft, with the digests of the files in its mountable ``tree``."""
    with draft.index.open("xb") as file:
        writer = Writer(file)
        for entry in digested(tree, index):
            writer.add(entry)
        writer.finish(index.header.size, plain=index.header.plain)


def maker(layers: Layers) -> Make:
    """Makes trees of the kind that costs least here."""
    return mountable_tree if layers.mounts() else directory_tree


@contextlib.contextmanager
def unpacking_into(draft: Draft, make: Make, known: str = "") -> Iterator[Inflating]:
    """Stages that make ``draft``'s index and its tree, of the kind that ``make`` makes, from the layer's bytes.

    ``known`` is the sha256 that these are held to elsewhere.
    """
    stages = Inflating(lambda reader, size: _write(reader, size, draft, make), known)
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


class _Copied:
    """A reader whose bytes go to a mountable file as they go by."""

    def __init__(self, reader: Reader, made: Mountable) -> None:
        self._reader, self._made = reader, made

    def read(self, size: int = -1, /) -> bytes:
        """As the reader."""
        data = self._reader.read(size)
        self._made.write(data)
        return data
