"""Did you mean …? The nearest of a few known names, at most two edits away."""

from __future__ import annotations

from collections.abc import Iterable

_NEAR = 3


def distance(one: str, other: str) -> int:
    """Characters to add, drop, change or swap with their neighbour; for short words."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one):
        before, last, row = row, before, [i + 1]
        for j, b in enumerate(other):
            best = min(before[j + 1] + 1, row[j] + 1, before[j] + (a != b))
            swapped = i and j and a == other[j - 1] and b == one[i - 1]
            row.append(min(best, last[j - 1] + 1) if swapped else best)
    return row[-1]


def nearest(text: str, known: Iterable[str]) -> str | None:
    """The known name nearest to ``text``, or None where none is near; case does not count."""
    if len(text) > 40:
        return None
    ranked = sorted((distance(text.lower(), name.lower()), name) for name in known)
    return ranked[0][1] if ranked and ranked[0][0] < min(_NEAR, len(text)) else None


def hint(text: str, known: Iterable[str]) -> str:
    """``"did you mean NAME?"``, or nothing."""
    name = nearest(text, known)
    return f"did you mean {name}?" if name else ""
