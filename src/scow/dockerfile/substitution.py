"""The pattern forms of ``${name…}``: cut a prefix or a suffix off, replace.

::

    pattern := ( "*" | "?" | "\\*" | "\\?" | "\\\\" | "\\}" | "\\/" | any other character )*

``*`` is any run of characters and ``?`` any one, both within a line; there are no bracket expressions. Stars before the
last are matched as atomic groups: the earliest place for one is as good as any later one, so nothing is tried twice.
"""

from __future__ import annotations

import re

from scow.errors import Invalid

#: No environment variable of Linux is longer (MAX_ARG_STRLEN); matching takes time in the square of it at worst.
LONGEST_VALUE = 128 * 1024

STAR, ANY = object(), object()
_ESCAPABLE = frozenset("*?\\")
_Tokens = list[object]


def _tokens(pattern: str) -> _Tokens:
    """``STAR``, ``ANY`` and plain characters."""
    tokens: _Tokens = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char != "\\":
            tokens.append({"*": STAR, "?": ANY}.get(char, char))
            continue
        escaped = pattern[at : at + 1]
        if escaped in {"}", "/"}:  # escaped for ${} itself; the next round takes it
            continue
        if escaped not in _ESCAPABLE or not escaped:
            raise Invalid(f"invalid pattern ({pattern}) in substitution: invalid escape '\\{escaped}'")
        tokens.append(escaped)
        at += 1
    return tokens


def _regex(tokens: _Tokens, *, longest: bool) -> re.Pattern[str]:
    pieces: list[str] = [""]
    for token in tokens:
        if token is STAR:
            pieces.append("")
        else:
            pieces[-1] += "." if token is ANY else re.escape(str(token))
    head, *stars = pieces
    if not stars:
        return re.compile(head)
    *early, last = stars
    return re.compile(head + "".join(f"(?>.*?{piece})" for piece in early) + (".*" if longest else ".*?") + last)


def _bounded(value: str) -> str:
    if len(value) > LONGEST_VALUE:
        raise Invalid(f"the value to substitute in is longer than {LONGEST_VALUE} characters")
    return value


def without_prefix(pattern: str, value: str, *, longest: bool) -> str:
    """``${value#pattern}``, or ``##`` for the ``longest`` match."""
    found = _regex(_tokens(pattern), longest=longest).match(_bounded(value))
    return value[found.end() :] if found else value


def without_suffix(pattern: str, value: str, *, longest: bool) -> str:
    """``${value%pattern}``, or ``%%`` for the ``longest`` match: both turned round, the suffix is a prefix."""
    found = _regex(_tokens(pattern)[::-1], longest=longest).match(_bounded(value)[::-1])
    return value[: len(value) - found.end()] if found else value


def replaced(pattern: str, value: str, replacement: str, *, every: bool) -> str:
    """``${value/pattern/replacement}``, or ``//`` for ``every`` match. An empty match right after a match is none."""
    out: list[str] = []
    end = -1
    for found in _regex(_tokens(pattern), longest=True).finditer(_bounded(value)):
        if found.start() == found.end() == end:
            continue
        out += [value[max(end, 0) : found.start()], replacement]
        end = found.end()
        if not every:
            break
    return "".join([*out, value[max(end, 0) :]])
