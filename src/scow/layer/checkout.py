"""Write a merged view to a directory: every path once, as it is after all layers, from the layers' own trees."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from scow.layer.entry import Entry
from scow.layer.mountable import content
from scow.layer.pack import Content
from scow.layer.rights import rights
from scow.layer.sparse import Map
from scow.layer.tree import OverlayTree
from scow.layer.view import Found

_READ: Final = 1 << 20


def checkout(found: Iterable[Found], trees: Sequence[Path], target: Path) -> None:
    """Write ``found`` (parents first) to ``target``; ``trees`` are the unpacked layers, lowest first.

    Names of one file become hard links.
    """
    names: dict[tuple[int, bytes], bytes] = {}
    tree = OverlayTree(target, rights())
    try:
        for one in found:
            first = names.setdefault((one.layer, one.source), one.entry.path)
            if one.entry.kind == "dir":
                tree.directory(one.entry)
            elif first != one.entry.path:
                tree.hardlink(Entry(one.entry.path, "hardlink", link=first))
            else:
                _write(tree, one, trees)
        tree.finish()
    finally:
        tree.close()


def _write(tree: OverlayTree, found: Found, trees: Sequence[Path]) -> None:
    if found.entry.kind == "file":
        tree.file(found.entry, File(content(trees[found.layer], found), found.entry.size))
    elif found.entry.kind == "symlink":
        tree.symlink(found.entry)
    else:
        tree.special(found.entry)


class File:
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
