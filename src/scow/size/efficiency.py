"""How well the layers are used, in dive's terms, so that budgets made for dive mean the same here. Pure.

For each path of each layer: what it weighs the first time at least, against what it weighs in all. The score is the
sum of the former over the sum of the latter. What is *wasted* is all that paths weigh which are in more than one layer
(a deletion counts as being in one): dive's ``wastedBytes``. Its share is taken of the layers above the lowest:
``userWastedPercent``.

What dive does not see is not seen here either: the files in a directory that is deleted as a whole. The waste that scow
finds itself (:mod:`scow.size.waste`) has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

LOWEST_EFFICIENCY: Final = 0.9
HIGHEST_USER_WASTED: Final = 0.1


class Efficiency(msgspec.Struct, frozen=True):
    """``score`` and ``user_wasted`` are shares from 0 to 1, ``wasted`` is in bytes."""

    score: float
    wasted: int
    user_wasted: float


def efficiency(weights: Iterable[tuple[bytes, int]], layers: Sequence[int]) -> Efficiency:
    """The score of an image whose layers weigh ``layers`` bytes, lowest first; ``weights`` are all their paths'."""
    single: dict[bytes, int] = {}
    several: dict[bytes, list[int]] = {}
    for path, size in weights:
        if path in single:
            several.setdefault(path, [single[path]]).append(size)
        else:
            single[path] = size
    once = sum(single.values()) - sum(single[path] for path in several)
    wasted = sum(map(sum, several.values()))
    least, whole = once + sum(map(min, several.values())), once + wasted
    above = sum(layers[1:])
    return Efficiency(least / whole if whole else 1.0, wasted, wasted / above if above else 0.0)
