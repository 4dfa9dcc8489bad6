"""An image opened to be walked through: its layers as one tree, its waste, and the beginning of any file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from scow.layer.entry import Entry
from scow.layer.view import Found
from scow.size.browse import Tree
from scow.size.layers import Layer

if TYPE_CHECKING:
    from scow.image.contents import Contents
    from scow.size.analysis import Analysis


class Exploration:
    """``layers`` are the image's, lowest first; ``tree`` is made at once, ``analysis`` when somebody asks."""

    def __init__(self, name: str, contents: Contents, layers: Sequence[Layer], analyze: Callable[[], Analysis]) -> None:
        self.name, self.layers = name, layers
        self._contents, self._analyze = contents, analyze
        self.tree = Tree(layer.entries for layer in layers)

    @cached_property
    def analysis(self) -> Analysis:
        """Where the bytes went."""
        return self._analyze()

    def beginning(self, layer: int, entry: Entry, limit: int) -> bytes:
        """Up to ``limit`` bytes of a file as ``layer`` has it, also of one that a later layer hides."""
        from scow.content.verify import read_all

        for _, reader in self._contents.each([Found(entry, layer, entry.path)]):
            return read_all(reader, limit)
        return b""
