"""From layers to the whole answer. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from scow.size import packages, search
from scow.size.analysis import Analysis, LayerSize
from scow.size.efficiency import efficiency
from scow.size.fates import Stack
from scow.size.layers import Layer
from scow.size.tree import tree
from scow.size.waste import Waste

#: Path → the package that brought it, as the lists in an image say.
Owners = Callable[[Stack], Mapping[bytes, str]]


def analyze(
    layers: Sequence[Layer],
    owners: Owners = lambda stack: {},
    *,
    name: str = "",
    id: str = "",  # noqa: A002
    platform: str = "",
) -> Analysis:
    """Look at an image's ``layers``, lowest first; ``owners`` is asked which package brought which path."""
    stack = Stack(layer.entries for layer in layers)
    owned = owners(stack)
    waste = search.find(stack.files, owned, [layer.instruction for layer in layers])
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
        packages.sizes(stack.files, owned),
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
