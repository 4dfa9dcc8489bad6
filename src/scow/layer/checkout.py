"""Write a merged view to a directory: every path once, as it is after all layers, from the layers' own trees."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from scow.layer.apply import METHODS
from scow.layer.entry import Entry
from scow.layer.mountable import content
from scow.layer.pack import Content
from scow.layer.rights import rights
from scow.layer.sparse import Map
from scow.layer.tree import OverlayTree, Tree
from scow.layer.view import Found

_READ: Final = 1 << 20


def checkout(found: Iterable[Found], trees: Sequence[Path], target: Path) -> None:
    """Write ``found`` (parents first) to ``target``; ``trees`` are the unpacked layers, lowest first.

    Names of one file become hard links.
    """
    names: dict[tuple[int, bytes], bytes] = {}
    with contextlib.closing(OverlayTree(target, rights())) as tree:
        for one in found:
            entry = one.entry
            first = names.setdefault((one.layer, one.source), entry.path)
            if entry.kind != "dir" and first != entry.path:
                entry = Entry(entry.path, "hardlink", link=first)
            put(tree, entry, content(trees[one.layer], one) if entry.kind == "file" else b"")
        tree.finish()


def put(tree: Tree, entry: Entry, content: Content = b"") -> None:
    """Hand an entry to a tree, a file with its content."""
    if entry.kind == "file":
        tree.file(entry, _File(content, entry.size))
    else:
        getattr(tree, METHODS[entry.kind])(entry)


class _File:
    """``size`` bytes of a content with the shape of a tar member's body."""

    map: Map | None = None

    def __init__(self, content: Content, size: int) -> None:
        self._content, self._size = content, size

    def pieces(self) -> Iterator[tuple[int, memoryview]]:
        """``(offset, bytes)``."""
        if isinstance(self._content, bytes):
            yield 0, memoryview(self._content)
            return
        offset = 0
        with os.fdopen(self._content(), "rb", buffering=0) as file:
            while data := file.read(min(self._size - offset, _READ)):
                yield offset, memoryview(data)
                offset += len(data)
