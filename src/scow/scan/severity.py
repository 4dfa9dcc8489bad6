"""PURE. How bad an advisory says it is, as one of five words: critical, high, medium, low, negligible; or unknown.

A distribution's own word counts before a score: it knows how the package is built. Of several scores, that of the
newest CVSS version counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from scow.scan.advisory import Record, Severity

#: from the worst to the least
SEVERITIES: Final = ("critical", "high", "medium", "low", "negligible", "unknown")
_RANKS: Final = {word: rank for rank, word in enumerate(SEVERITIES)}
_WORDS: Final[Mapping[str, str]] = {
    "critical": "critical", "important": "high", "high": "high", "moderate": "medium", "medium": "medium",
    "low": "low", "none": "negligible", "negligible": "negligible", "unimportant": "negligible",
}  # fmt: skip
_CVSS: Final = ("CVSS_V4", "CVSS_V3", "CVSS_V2")
#: an erratum's summary begins with its severity: ``Important: kernel security update``
_PREFIX = re.compile(r"(Critical|Important|Moderate|Low): ")


class Rated(msgspec.Struct, frozen=True):
    """``word`` is one of :data:`SEVERITIES`; ``score`` (0 to 10) and ``vector`` are CVSS's, where there are any."""

    word: str = "unknown"
    score: float | None = None
    vector: str = ""


def rank(word: str) -> int:
    """The place in :data:`SEVERITIES`: the smaller, the worse."""
    return _RANKS.get(word, len(SEVERITIES))


def rated(record: Record) -> Rated:
    """What one record says."""
    said = record.affected.severity or record.advisory.severity
    score, vector = _scored(said) if said else (None, "")
    word = _distribution_word(record, said)
    if not word and score is not None:
        from scow.scan import cvss

        word = _WORDS[cvss.rating(score)]
    return Rated(word or _WORDS.get(record.advisory.rating.lower(), "unknown"), score, vector)


def worst(several: Sequence[Rated]) -> Rated:
    """The worst word, and of those that say it the highest score."""
    if len(several) == 1:
        return several[0]
    return min(several, key=lambda one: (rank(one.word), -(one.score or 0.0)), default=Rated())


def _scored(said: Iterable[Severity]) -> tuple[float | None, str]:
    from scow.scan import cvss

    for kind in _CVSS:
        for one in said:
            if one.kind == kind and (value := cvss.score(one.score)) is not None:
                return value, one.score
    return None, ""


def _distribution_word(record: Record, said: Iterable[Severity]) -> str:
    for told in (*(one.score for one in said if one.kind not in _CVSS), record.affected.urgency):
        if word := _WORDS.get(told.lower()):
            return word
    found = _PREFIX.match(record.advisory.summary)
    return _WORDS[found[1].lower()] if found else ""
