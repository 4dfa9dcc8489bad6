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
    """The image ``name``; everything in it is read when somebody asks."""

    def __init__(
        self,
        name: str,
        contents: Contents,
        stacked: Callable[[], Sequence[Layer]],
        analyze: Callable[[], Analysis],
    ) -> None:
        self.name = name
        self._contents, self._stacked, self._analyze = contents, stacked, analyze

    @cached_property
    def layers(self) -> Sequence[Layer]:
        """The layers, lowest first."""
        return self._stacked()

    @cached_property
    def tree(self) -> Tree:
        """All layers as one tree."""
        return Tree(layer.entries for layer in self.layers)

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
