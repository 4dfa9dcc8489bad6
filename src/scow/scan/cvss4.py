"""PURE. CVSS v4.0 base scores (specification section 8: macrovectors, and interpolation between them).

A vector belongs to a macrovector by six equivalence classes (EQ1 to EQ6). Its score is the macrovector's, less a share
of the way to the next lower ones: as far as the vector is from the highest vector of each of its classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Final

#: metric -> value -> how far from the worst, in steps of 0.1 (section 8.2, severity distance)
_LEVELS: Final[Mapping[str, str]] = {
    "AV": "NALP", "PR": "NLH", "UI": "NPA", "AC": "LH", "AT": "NP", "VC": "HLN", "VI": "HLN", "VA": "HLN",
    "SC": "SHLN", "SI": "SHLN", "SA": "SHLN", "CR": "HML", "IR": "HML", "AR": "HML",
}  # fmt: skip
_BASE: Final = ("AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA")
#: a class (EQ1, EQ2, EQ3 with EQ6, EQ4) -> its level -> its highest vectors
_HIGHEST: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "1": {
        "0": ("AV:N/PR:N/UI:N",),
        "1": ("AV:A/PR:N/UI:N", "AV:N/PR:L/UI:N", "AV:N/PR:N/UI:P"),
        "2": ("AV:P/PR:N/UI:N", "AV:A/PR:L/UI:P"),
    },
    "2": {"0": ("AC:L/AT:N",), "1": ("AC:H/AT:N", "AC:L/AT:P")},
    "36": {
        "00": ("VC:H/VI:H/VA:H/CR:H/IR:H/AR:H",),
        "01": ("VC:H/VI:H/VA:L/CR:M/IR:M/AR:H", "VC:H/VI:H/VA:H/CR:M/IR:M/AR:M"),
        "10": ("VC:L/VI:H/VA:H/CR:H/IR:H/AR:H", "VC:H/VI:L/VA:H/CR:H/IR:H/AR:H"),
        "11": (
            "VC:L/VI:H/VA:L/CR:H/IR:M/AR:H", "VC:L/VI:H/VA:H/CR:H/IR:M/AR:M", "VC:H/VI:L/VA:H/CR:M/IR:H/AR:M",
            "VC:H/VI:L/VA:L/CR:M/IR:H/AR:H", "VC:L/VI:L/VA:H/CR:H/IR:H/AR:M",
        ),
        "21": ("VC:L/VI:L/VA:L/CR:H/IR:H/AR:H",),
    },
    "4": {"0": ("SC:H/SI:S/SA:S",), "1": ("SC:H/SI:H/SA:H",), "2": ("SC:L/SI:L/SA:L",)},
}  # fmt: skip
#: the same -> steps from its highest to its lowest vector, plus one
_DEPTH: Final[Mapping[str, Mapping[str, int]]] = {
    "1": {"0": 1, "1": 4, "2": 5},
    "2": {"0": 1, "1": 2},
    "36": {"00": 7, "01": 6, "10": 8, "11": 8, "21": 10},
    "4": {"0": 6, "1": 5, "2": 4},
}
#: which levels of EQ3 with EQ6 are the next lower ones; of two, the higher score counts
_LOWER: Final[Mapping[str, tuple[str, ...]]] = {
    "00": ("01", "10"), "01": ("11",), "10": ("11",), "11": ("21",), "21": (),
}  # fmt: skip
_PAIRS: Final = ("00", "01", "10", "11", "21")
#: Score × 10 of every macrovector (section 8.2). A block for each EQ1 and EQ2, in it a line for each of _PAIRS, in it
#: EQ4 × EQ5.
_TABLE: Final = (
    # EQ1 0, EQ2 0
    "100 98 95 100 93 91 93 89 81 "
    "99 95 92 96 87 81 90 80 68 "
    "98 95 90 93 89 81 88 78 69 "
    "95 92 84 92 81 65 80 70 48 "
    "92 82 72 79 69 50 69 55 27 "
    # EQ1 0, EQ2 1
    "99 95 92 95 90 84 92 82 72 "
    "97 92 85 91 83 71 81 71 53 "
    "95 92 85 92 80 70 84 71 50 "
    "93 85 73 82 72 59 70 52 30 "
    "86 75 52 71 52 29 63 29 17 "
    # EQ1 1, EQ2 0
    "98 94 91 94 86 77 87 74 63 "
    "95 87 81 89 74 64 75 63 49 "
    "94 88 76 86 74 59 72 57 52 "
    "89 77 67 76 58 50 57 52 25 "
    "83 70 54 65 58 26 53 21 13 "
    # EQ1 1, EQ2 1
    "95 88 76 90 75 61 77 68 52 "
    "90 76 70 77 62 53 66 59 30 "
    "89 76 62 74 57 47 61 57 24 "
    "78 67 58 59 57 23 52 29 16 "
    "71 59 30 58 26 15 23 13 6 "
    # EQ1 2, EQ2 0
    "93 86 75 86 74 56 70 52 40 "
    "87 72 58 74 61 34 54 40 22 "
    "85 74 62 72 55 46 53 34 19 "
    "75 55 51 57 41 19 36 19 8 "
    "64 51 20 47 21 11 24 9 4 "
    # EQ1 2, EQ2 1
    "88 73 60 73 59 41 54 45 20 "
    "75 53 50 55 40 20 43 22 11 "
    "75 58 40 61 48 20 46 17 8 "
    "55 45 21 51 18 9 18 7 2 "
    "53 24 14 24 12 5 10 3 1 "
)
_SCORES: Final = dict(
    zip(
        product("012", "01", _PAIRS, "012", "012"),
        (int(number) / 10 for number in "".join(_TABLE).split()),
        strict=True,
    )
)

Levels = dict[str, str]


def score(metrics: Mapping[str, str]) -> float:
    """The base score. Raises :class:`KeyError` for a metric that is missing or has an unknown value."""
    values = {name: metrics[name] for name in _BASE}
    for name, value in values.items():
        if value not in _LEVELS[name] or (value == "S" and name in ("SC", "SI", "SA")):
            raise KeyError(name)
    if all(values[name] == "N" for name in ("VC", "VI", "VA", "SC", "SI", "SA")):
        return 0.0
    values |= {"CR": "H", "IR": "H", "AR": "H"}
    levels = _levels(values)
    own = _of(levels)
    distances = _distances(values, levels)
    shares = [0.0]  # EQ5: there is a next lower one, and without threat metrics nothing is on the way to it
    for kind in levels:
        lower = _next_score(levels, kind)
        if lower is not None:
            shares.append((own - lower) * distances[kind] / _DEPTH[kind][levels[kind]])
    left = own - sum(shares) / len(shares)
    return int(max(0.0, min(10.0, left)) * 10 + 0.5 + 1e-9) / 10


def _of(levels: Levels) -> float:
    return _SCORES[levels["1"], levels["2"], levels["36"], levels["4"], "0"]


def _levels(values: Mapping[str, str]) -> Levels:
    """Section 8.1: the tables of EQ1 to EQ4 and EQ6. Without threat metrics EQ5 is 0."""
    easy = [values[name] == "N" for name in ("AV", "PR", "UI")]
    one = "0" if all(easy) else "1" if any(easy) and values["AV"] != "P" else "2"
    two = "0" if (values["AC"], values["AT"]) == ("L", "N") else "1"
    high = [values[name] == "H" for name in ("VC", "VI", "VA")]
    three = "0" if high[0] and high[1] else "1" if any(high) else "2"
    six = "0" if any(high) else "1"  # the requirements are all high
    four = "1" if any(values[name] == "H" for name in ("SC", "SI", "SA")) else "2"
    return {"1": one, "2": two, "36": three + six, "4": four}


def _next_score(levels: Levels, kind: str) -> float | None:
    """The score of the next lower macrovector in one class, if there is one."""
    if kind == "36":
        lower = _LOWER[levels[kind]]
    else:
        below = str(int(levels[kind]) + 1)
        lower = (below,) if below in _HIGHEST[kind] else ()
    return max((_of({**levels, kind: one}) for one in lower), default=None)


def _distances(values: Mapping[str, str], levels: Levels) -> dict[str, int]:
    """Steps from the first combination of highest vectors that is at least as severe in every metric."""
    for combination in product(*(_HIGHEST[kind][level] for kind, level in levels.items())):
        parts = [dict(piece.split(":") for piece in vector.split("/")) for vector in combination]
        steps = [[_LEVELS[m].index(values[m]) - _LEVELS[m].index(top) for m, top in part.items()] for part in parts]
        if all(step >= 0 for part in steps for step in part):
            return dict(zip(levels, map(sum, steps), strict=True))
    raise KeyError("no macrovector")  # unreachable: every level has a highest vector above each of its own
