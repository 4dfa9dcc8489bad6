"""PURE. How bad an advisory says it is, as one of five words: critical, high, medium, low, negligible; or unknown.

A distribution's own word counts before a score: it knows how the package is built. Of several scores, that of the
newest CVSS version counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
_PREFIXES: Final = {f"{word.title()}: ": _WORDS[word] for word in ("critical", "important", "moderate", "low")}


class Rated(msgspec.Struct, frozen=True, gc=False):
    """``word`` is one of :data:`SEVERITIES`; ``score`` (0 to 10) and ``vector`` are CVSS's, where there are any."""

    word: str = "unknown"
    score: float | None = None
    vector: str = ""


def rank(word: str) -> int:
    """The place in :data:`SEVERITIES`: the smaller, the worse."""
    return _RANKS.get(word, len(SEVERITIES))


def share(text: str) -> float | None:
    """A probability as EPSS writes it, 0 to 1; None for what is none."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0.0 <= value <= 1.0 else None


def rated(record: Record) -> Rated:
    """What one record says."""
    said = record.affected.severity or record.advisory.severity
    score, vector = _scored(said) if said else (None, "")
    word = _distribution_word(record, said)
    if not word and score is not None:
        from scow.scan import cvss

        word = _WORDS[cvss.rating(score)]
    return Rated(word or _WORDS.get(record.advisory.rating.lower(), "unknown"), score, vector)


def _scored(said: Iterable[Severity]) -> tuple[float | None, str]:
    from scow.scan import cvss

    for kind in _CVSS:
        for one in said:
            if one.kind == kind and (value := cvss.score(one.score)) is not None:
                return value, one.score
    return None, ""


def _distribution_word(record: Record, said: Iterable[Severity]) -> str:
    for one in said:
        if one.kind not in _CVSS and (word := _WORDS.get(one.score.lower())):
            return word
    summary = record.advisory.summary
    return _WORDS.get(record.affected.urgency.lower()) or _PREFIXES.get(summary[: summary.find(": ", 0, 12) + 2], "")
