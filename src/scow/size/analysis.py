"""The whole answer: where an image's bytes went, as values that :mod:`scow.size.analyzing` makes. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

from scow.size.efficiency import Efficiency
from scow.size.tree import Node
from scow.size.waste import Waste

#: Counts up whenever the same layers come to another analysis: what was kept of an earlier one is then not used.
VERSION: Final = 3


class LayerSize(msgspec.Struct, frozen=True):
    """A layer in numbers: ``size`` is the content of its files, ``blob`` what it takes compressed, ``waste`` how much
    of ``size`` nobody needs."""

    number: int
    diff_id: str
    instruction: str
    created: str
    size: int
    files: int
    blob: int
    waste: int


class PackageSize(msgspec.Struct, frozen=True):
    """A package and the content of its files in bytes."""

    name: str
    size: int
    files: int


class Analysis(msgspec.Struct, frozen=True):
    """Where the bytes of an image went.

    ``size`` is the content of all layers, ``visible`` what of it a container sees; ``tree`` adds up to ``visible``.
    ``waste`` tells each byte at most once, what is worst first.
    """

    name: str
    id: str
    platform: str
    size: int
    visible: int
    wasted: int
    efficiency: Efficiency
    layers: tuple[LayerSize, ...]
    waste: tuple[Waste, ...]
    packages: tuple[PackageSize, ...]
    tree: Node
