"""PURE. apk's order (apk-package(5)): ``1.2.3a_rc1_p2~hash-r4``.

Where two versions part, a further number is younger than a letter, a letter than a suffix, a suffix than a revision,
and that than the end; the suffixes that announce a release (``_alpha`` … ``_rc``) are older than the end. Numbers after
the first that begin with 0 are fractions, compared as text. What apk has no name for is older than nothing at all.
"""

from __future__ import annotations

import re

from scow.errors import Invalid

_EARLY = {name: at - 9 for at, name in enumerate(("alpha", "beta", "pre", "rc"))}
_LATE = {name: at + 2 for at, name in enumerate(("cvs", "svn", "git", "hg", "p"))}
_SUFFIXES = {**_EARLY, **_LATE}
_UNKNOWN, _END, _REVISION, _LETTER, _NUMBER = -1, 0, 1, 8, 9
_TOKEN = re.compile(
    r"(?P<number>\.?\d+|\.)|(?P<letter>[A-Za-z])|_(?P<suffix>" + "|".join(_SUFFIXES) + r")(?P<count>\d*)(?![a-z])"
    r"|~(?P<hash>[0-9a-f]+)|-r(?P<revision>\d+)"
)


def key(text: str) -> tuple[object, ...]:
    """The place of ``text`` in the order."""
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise Invalid("not an apk version", subject=text)
    tokens: list[tuple[int, object]] = [] if text[0] != "." else [(_NUMBER, (1, -1))]
    at = 0
    while found := _TOKEN.match(text, at):
        at = found.end()
        if not found["hash"]:  # says where the source came from, not how old it is
            tokens.append(_token(found, first=not tokens))
    return (*_regular(tokens), (_END, 0)) if at == len(text) else (*_regular(tokens, cut=True), (_UNKNOWN, 0))


def _regular(tokens: list[tuple[int, object]], *, cut: bool = False) -> list[tuple[int, object]]:
    """In a version that apk cannot read to its end, ``-r0`` says no more than its absence."""
    return tokens[:-1] if cut and tokens and tokens[-1] == (_REVISION, 0) else tokens


def _token(found: re.Match[str], *, first: bool) -> tuple[int, object]:
    if (number := found["number"]) is not None:
        digits = number.removeprefix(".")
        if not digits:
            return _NUMBER, (1, -1)
        return _NUMBER, (0, digits) if digits[0] == "0" and not first else (1, int(digits))
    if found["letter"]:
        return _LETTER, found["letter"]
    if found["suffix"]:
        return _SUFFIXES[found["suffix"]], int(found["count"] or -1)
    return _REVISION, int(found["revision"])
