"""PURE. CVSS base scores: versions 2, 3.0, 3.1 (their equations) and 4.0 (:mod:`scow.scan.cvss4`).

A vector that is not one has no score; nobody guesses.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

Metrics = Mapping[str, str]

_V2: Final[Mapping[str, Mapping[str, float]]] = {
    "AV": {"L": 0.395, "A": 0.646, "N": 1.0},
    "AC": {"H": 0.35, "M": 0.61, "L": 0.71},
    "Au": {"M": 0.45, "S": 0.56, "N": 0.704},
    "C": {"N": 0.0, "P": 0.275, "C": 0.660},
    "I": {"N": 0.0, "P": 0.275, "C": 0.660},
    "A": {"N": 0.0, "P": 0.275, "C": 0.660},
}
_IMPACT: Final = {"H": 0.56, "L": 0.22, "N": 0.0}
_V3: Final[Mapping[str, Mapping[str, float]]] = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
    "AC": {"L": 0.77, "H": 0.44},
    "PR": {"N": 0.85, "L": 0.62, "H": 0.27},
    "UI": {"N": 0.85, "R": 0.62},
    "S": {"U": 0.0, "C": 1.0},
    "C": _IMPACT,
    "I": _IMPACT,
    "A": _IMPACT,
}
_CHANGED_PRIVILEGES: Final = {"N": 0.85, "L": 0.68, "H": 0.5}
#: score from which on a rating applies (v3.1 section 5, v4.0 section 6)
RATINGS: Final = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.1, "low"), (0.0, "none"))


@lru_cache(maxsize=4096)
def score(vector: str) -> float | None:
    """The base score of a vector of any version, None when it is no vector."""
    version, metrics = _split(vector.strip())
    equation = _EQUATIONS.get(version)
    try:
        return equation(metrics) if equation else None
    except KeyError:  # a metric is missing, or has a value that the version does not know
        return None


def rating(value: float) -> str:
    """``critical``, ``high``, ``medium``, ``low`` or ``none``."""
    return next(word for least, word in RATINGS if value >= least)


def _split(vector: str) -> tuple[str, dict[str, str]]:
    head, _, rest = vector.partition("/")
    named = head.startswith("CVSS:")
    pieces = (rest if named else vector.strip("()")).split("/")
    metrics = dict(piece.partition(":")[::2] for piece in pieces)
    return (head[5:] if named else "2.0"), metrics if len(metrics) == len(pieces) else {}


def _v2(metrics: Metrics) -> float:
    """CVSS v2 guide, section 3.2.1."""
    weight = {name: values[metrics[name]] for name, values in _V2.items()}
    impact = 10.41 * (1 - (1 - weight["C"]) * (1 - weight["I"]) * (1 - weight["A"]))
    exploitability = 20 * weight["AV"] * weight["AC"] * weight["Au"]
    factor = 1.176 if impact else 0.0
    return math.floor((0.6 * impact + 0.4 * exploitability - 1.5) * factor * 10 + 0.5) / 10


def _v3(metrics: Metrics, roundup: Callable[[float], float]) -> float:
    """Specification section 7.1 (v3.1) and 8.1 (v3.0)."""
    weight = {name: values[metrics[name]] for name, values in _V3.items()}
    changed = metrics["S"] == "C"
    base = 1 - (1 - weight["C"]) * (1 - weight["I"]) * (1 - weight["A"])
    impact = 7.52 * (base - 0.029) - 3.25 * (base - 0.02) ** 15 if changed else 6.42 * base
    privileges = _CHANGED_PRIVILEGES[metrics["PR"]] if changed else weight["PR"]
    exploitability = 8.22 * weight["AV"] * weight["AC"] * privileges * weight["UI"]
    if impact <= 0:
        return 0.0
    return roundup(min((1.08 if changed else 1.0) * (impact + exploitability), 10.0))


def _roundup(value: float) -> float:
    """v3.1, appendix A: up to one decimal, without the mistakes of binary fractions."""
    whole = round(value * 100_000)
    return whole / 100_000 if whole % 10_000 == 0 else (whole // 10_000 + 1) / 10


def _ceiling(value: float) -> float:
    """v3.0: the smallest number of one decimal that is not less."""
    return math.ceil(round(value * 10, 9)) / 10


def _v4(metrics: Metrics) -> float:
    from scow.scan import cvss4

    return cvss4.score(metrics)


_EQUATIONS: Final[Mapping[str, Callable[[Metrics], float]]] = {
    "2.0": _v2,
    "3.0": lambda metrics: _v3(metrics, _ceiling),
    "3.1": lambda metrics: _v3(metrics, _roundup),
    "4.0": _v4,
}
