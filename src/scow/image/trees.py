"""What a layer's bytes become while they go by: its index, and its tree as a directory, as files to mount, or none."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from scow.content.target import Reader
from scow.errors import Unsupported
from scow.image.pipeline import Inflating, Plain
from scow.layer.apply import apply
from scow.layer.index import Index, Writer
from scow.layer.mountable import TAR, Mountable, digested
from scow.layer.rights import rights
from scow.layer.store import Draft, Layers
from scow.layer.tree import NoTree, OverlayTree

#: Reads a layer's plain bytes to their end, writes its tree to the draft and its entries to the index → is it plain?
Make = Callable[[Plain, Draft, Writer], bool]


def no_tree(reader: Reader, draft: Draft, index: Writer) -> bool:
    """The index only."""
    return apply(reader, NoTree(), index)


def directory_tree(reader: Reader, draft: Draft, index: Writer) -> bool:
    """The tree as a directory. Raises :class:`Unsupported` where a file system may take two names for one."""
    if sys.platform != "linux":
        raise Unsupported("the layer can be unpacked on Linux only")
    draft.tree.mkdir()
    draft.tree.chmod(0o755)
    with contextlib.closing(OverlayTree(draft.tree, rights())) as tree:
        return apply(reader, tree, index)


def mountable_tree(tar: Plain, draft: Draft, index: Writer) -> bool:
    """The tree as files to mount; none when the layer is not fit for it."""
    made = Mountable()
    draft.mountable.mkdir()
    with contextlib.nullcontext() if draft.stored else (draft.mountable / TAR).open("xb") as copy:
        plain = apply(_Copied(tar, copy) if copy else tar, made, index)
    made.write(draft.mountable, tar.size)
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
def unpacking_into(draft: Draft, make: Make, known: str = "", *, stored: bool = False) -> Iterator[Inflating]:
    """Stages that make ``draft``'s index and its tree, of the kind that ``make`` makes, from the layer's bytes.

    ``known`` is the sha256 that these are held to elsewhere, ``stored`` that they are those of a blob of the store.
    """
    stages = Inflating(lambda tar: write_layer(tar, draft, make, stored=stored), known)
    try:
        yield stages
    finally:
        stages.abandon()


def write_layer(tar: Plain, draft: Draft, make: Make, *, stored: bool) -> None:
    """``draft``'s index, and its tree of the kind that ``make`` makes, from the layer's bytes.

    ``stored`` tells that these are those of a blob of the store.
    """
    draft.stored = stored and tar.as_fed
    with draft.index.open("xb") as file:
        writer = Writer(file)
        plain = make(tar, draft, writer)
        writer.finish(tar.size, plain=plain)


class _Copied:
    """A reader whose bytes are written to a file as they go by."""

    def __init__(self, reader: Reader, copy: BinaryIO) -> None:
        self._reader, self._copy = reader, copy

    def read(self, size: int = -1, /) -> bytes:
        """As the reader."""
        data = self._reader.read(size)
        self._copy.write(data)
        return data
