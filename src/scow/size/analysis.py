"""The whole answer: where an image's bytes went. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from scow.layer.view import Found
from scow.size import packages as os_packages
from scow.size import waste as wasted
from scow.size.efficiency import Efficiency, efficiency
from scow.size.fates import Stack
from scow.size.layers import Layer
from scow.size.packages import PackageSize
from scow.size.tree import Node, tree
from scow.size.waste import Waste

#: Hands over (path, content) of files of the final file system.
Read = Callable[[Sequence[Found]], Iterable[tuple[bytes, bytes]]]


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

    def of(self, *kinds: str) -> int:
        """Bytes of waste of these kinds."""
        return sum(one.size for one in self.waste if one.kind in kinds)


def analyze(layers: Sequence[Layer], read: Read, *, name: str = "", id: str = "", platform: str = "") -> Analysis:  # noqa: A002
    """Look at an image's ``layers``, lowest first; ``read`` hands over the package lists that are in it."""
    stack = Stack(layer.entries for layer in layers)
    lists = [found for found in stack.found if os_packages.LISTS.fullmatch(found.entry.path)]
    owners = os_packages.owners(read(lists), stack.view.resolve)
    waste = wasted.find(stack.files, owners, [layer.instruction for layer in layers])
    sizes = tuple(_size(number, layer, waste) for number, layer in enumerate(layers))
    shown = tree(stack.found)
    return Analysis(
        name,
        id,
        platform,
        sum(size.size for size in sizes),
        shown.size,
        sum(one.size for one in waste),
        efficiency(stack.weights(), [size.size for size in sizes]),
        sizes,
        waste,
        os_packages.sizes(stack.files, owners),
        shown,
    )


def _size(number: int, layer: Layer, waste: Iterable[Waste]) -> LayerSize:
    return LayerSize(
        number,
        layer.diff_id,
        layer.instruction,
        layer.created,
        layer.size,
        sum(entry.kind == "file" for entry in layer.entries),
        layer.blob,
        sum(one.size for one in waste if one.layer == number),
    )
