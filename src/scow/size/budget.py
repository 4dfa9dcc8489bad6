"""What an image may weigh: limits, and whether it keeps them. Also reads dive's ``.dive-ci``. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import msgspec

from scow.errors import Invalid
from scow.size.analysis import Analysis
from scow.size.efficiency import HIGHEST_USER_WASTED, LOWEST_EFFICIENCY

_RULE: Final = re.compile(r"""\s+(\w+)\s*:\s*['"]?([^'"#]*?)['"]?\s*(?:#.*)?$""")
_DIVE_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?", re.IGNORECASE)
_POWERS: Final = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


class Budget(msgspec.Struct, frozen=True):
    """Limits; ``None`` for none. Shares are from 0 to 1; sizes are bytes.

    ``wasted`` and ``user_wasted`` are dive's (see :mod:`scow.size.efficiency`); ``waste`` and ``waste_share`` (of the
    whole image) count everything that scow calls waste.
    """

    efficiency: float | None = None
    wasted: int | None = None
    user_wasted: float | None = None
    waste: int | None = None
    waste_share: float | None = None
    size: int | None = None


#: dive's own.
DEFAULT: Final = Budget(efficiency=LOWEST_EFFICIENCY, user_wasted=HIGHEST_USER_WASTED)


class Verdict(msgspec.Struct, frozen=True):
    """One limit, and what the image comes to; ``kept`` is whether it stays within."""

    limit: str
    allowed: float
    actual: float
    kept: bool

    @property
    def is_share(self) -> bool:
        """Whether the numbers are shares from 0 to 1, and not bytes."""
        return self.limit in _SHARES


_RULES: Final[tuple[tuple[str, str, Callable[[Analysis], float]], ...]] = (
    ("min-efficiency", "efficiency", lambda one: one.efficiency.score),
    ("max-wasted-bytes", "wasted", lambda one: one.efficiency.wasted),
    ("max-user-wasted", "user_wasted", lambda one: one.efficiency.user_wasted),
    ("max-waste", "waste", lambda one: one.wasted),
    ("max-waste-share", "waste_share", lambda one: one.wasted / one.size if one.size else 0.0),
    ("max-size", "size", lambda one: one.size),
)
_SHARES: Final = frozenset({"min-efficiency", "max-user-wasted", "max-waste-share"})


def judge(analysis: Analysis, budget: Budget) -> tuple[Verdict, ...]:
    """A verdict for each limit that there is."""
    verdicts = []
    for name, field, measure in _RULES:
        allowed = getattr(budget, field)
        if allowed is not None:
            actual = measure(analysis)
            kept = actual >= allowed if field == "efficiency" else actual <= allowed
            verdicts.append(Verdict(name, allowed, actual, kept))
    return tuple(verdicts)


def dive_rules(text: str, subject: str = ".dive-ci") -> Budget:
    """The budget of a ``.dive-ci`` file: below ``rules:``, one ``name: value`` a line. Raises :class:`Invalid`."""
    budget = {"efficiency": DEFAULT.efficiency, "wasted": None, "user_wasted": DEFAULT.user_wasted}
    inside = False
    for line in text.splitlines():
        if line.strip() and not line[0].isspace() and not line.startswith("#"):
            inside = line.split("#")[0].strip() == "rules:"
        rule = _RULE.match(line) if inside else None
        if rule:
            if rule[1] not in _DIVE:
                raise Invalid(f"no such rule: {rule[1]}", subject=subject, hint=f"known are {', '.join(_DIVE)}")
            field, convert = _DIVE[rule[1]]
            budget[field] = None if rule[2] == "disabled" else convert(rule[2], subject)
    return Budget(**budget)  # type: ignore[arg-type]  # the table pairs names with types


def share(text: str, subject: str = "") -> float:
    """``0.9`` or ``90%`` as a share from 0 to 1. Raises :class:`Invalid`."""
    try:
        value = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise Invalid(f"is no share: {text!r}", subject=subject, hint="0 to 1, or a percentage")
    return value


def _dive_bytes(text: str, subject: str) -> int:
    match = _DIVE_SIZE.fullmatch(text.strip())
    if match is None:
        raise Invalid(f"is no size: {text!r}", subject=subject, hint="for instance 20MB")
    return int(float(match[1]) * 1000 ** _POWERS[match[2].lower()])


_DIVE: Final[dict[str, tuple[str, Callable[[str, str], float]]]] = {
    "lowestEfficiency": ("efficiency", share),
    "highestWastedBytes": ("wasted", _dive_bytes),
    "highestUserWastedPercent": ("user_wasted", share),
}
