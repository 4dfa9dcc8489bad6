"""How well the layers are used, in dive's terms, so that budgets made for dive mean the same here. Pure.

For each path of each layer: what it weighs the first time at least, against what it weighs in all. The score is the
sum of the former over the sum of the latter. What is *wasted* is all that paths weigh which are in more than one layer
(a deletion counts as being in one): dive's ``wastedBytes``. Its share is taken of the layers above the lowest:
``userWastedPercent``.

One difference: a directory that a layer deletes counts here as the deletion of every file below it, as dive says it
does; dive's own sum leaves them out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from scow.size.fates import File

LOWEST_EFFICIENCY: Final = 0.9
HIGHEST_USER_WASTED: Final = 0.1


class Efficiency(msgspec.Struct, frozen=True):
    """``score`` and ``user_wasted`` are shares from 0 to 1, ``wasted`` is in bytes."""

    score: float
    wasted: int
    user_wasted: float


def efficiency(files: Iterable[File], layers: Sequence[int]) -> Efficiency:
    """The score of an image whose layers weigh ``layers`` bytes, lowest first."""
    single: dict[bytes, int] = {}
    several: dict[bytes, list[int]] = {}
    for file in files:
        path, size = file.entry.path, file.entry.size
        if path in single or file.fate == "deleted":
            several.setdefault(path, [single[path]] if path in single else []).append(size)
            if file.fate == "deleted":
                several[path].append(0)
        single.setdefault(path, size)
    once = sum(single.values()) - sum(single[path] for path in several)
    least = once + sum(map(min, several.values()))
    wasted = sum(map(sum, several.values()))
    whole = once + wasted
    above = sum(layers[1:])
    return Efficiency(least / whole if whole else 1.0, wasted, wasted / above if above else 0.0)
