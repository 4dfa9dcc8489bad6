"""Lists of texts as callers give them. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from scow.errors import Invalid


def several(name: str, texts: Sequence[str]) -> tuple[str, ...]:
    """The texts. One text is a sequence of its letters to Python, and type checkers let it pass: raises Invalid."""
    if isinstance(texts, str):
        raise Invalid("is one text, where a list of texts is wanted", subject=name, hint=f"{name}=[{texts!r}]")
    return tuple(texts)
