"""Lists of texts as callers give them, and times as texts. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from scow.errors import Invalid


def several(name: str, texts: Sequence[str]) -> tuple[str, ...]:
    """The texts. One text is a sequence of its letters to Python, and type checkers let it pass: raises Invalid."""
    if isinstance(texts, str):
        raise Invalid("is one text, where a list of texts is wanted", subject=name, hint=f"{name}=[{texts!r}]")
    return tuple(texts)


def rfc3339(seconds: float) -> str:
    """Seconds since 1970 as RFC 3339 has them in UTC, without fractions: ``2026-01-02T03:04:05Z``."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
