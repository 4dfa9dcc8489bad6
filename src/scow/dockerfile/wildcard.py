"""Wildcards as Go's ``filepath.Match`` has them on Linux, and ``**`` of ignore files, as regular expressions.

::

    pattern := ( "*" | "?" | "[" ["^"] range+ "]" | "\\" any | any other character )*
    range   := char | char "-" char            char := "\\" any | any character but "-" and "]"

``*`` and ``?`` stop at a slash, a class does not. With ``**`` allowed, ``**`` or ``**/`` is any number of whole
components, at the end of a pattern anything. Where a later wildcard can take whatever an earlier one leaves, the
earlier is an atomic group: no pattern takes more than polynomial time of a small degree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from functools import lru_cache

import msgspec

from scow.errors import Invalid


class Wild(Enum):
    """The wildcards that have a length of their own."""

    STAR = "*"
    GLOBSTAR = "**"
    GLOBSTAR_SLASH = "**/"


class One(msgspec.Struct, frozen=True):
    """What takes exactly one character: a class or ``?``, as a regular expression."""

    regex: str


#: A plain character, one of some characters, or any number.
Token = str | One | Wild

#: Directories deeper than this are never pruned by their exceptions.
_DEEPEST = 32

_NOT_SLASH = One("[^/]")


def bad_pattern(pattern: str) -> Invalid:
    """filepath.ErrBadPattern."""
    return Invalid("syntax error in pattern", subject=f'"{pattern}"')


def tokens(pattern: str, *, globstar: bool) -> tuple[Token, ...]:
    """The tokens of a pattern; Invalid where it is none."""
    return tuple(_tokens(pattern, globstar=globstar))


def _tokens(pattern: str, *, globstar: bool) -> Iterator[Token]:
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*":
            wild = _stars(pattern, at) if globstar else Wild.STAR
            at += len(wild.value) - 1
            yield wild
        elif char == "?":
            yield _NOT_SLASH
        elif char == "[":
            found, at = _class(pattern, at)
            yield found
        elif char == "\\":
            if at == len(pattern):
                raise bad_pattern(pattern)
            yield pattern[at]
            at += 1
        else:
            yield char


def _stars(pattern: str, at: int) -> Wild:
    if not pattern.startswith("*", at):
        return Wild.STAR
    return Wild.GLOBSTAR_SLASH if pattern.startswith("*/", at) else Wild.GLOBSTAR


def _class(pattern: str, at: int) -> tuple[One, int]:
    """The class whose bracket stands before ``at``, and where it ends."""
    negated = pattern.startswith("^", at)
    at += negated
    ranges: list[str] = []
    count = 0
    while not (count and pattern.startswith("]", at)):
        low, at = _class_char(pattern, at)
        high = low
        if pattern.startswith("-", at):
            high, at = _class_char(pattern, at + 1)
        count += 1
        if low <= high:
            ranges.append(f"{_code(low)}-{_code(high)}")
    inside = "".join(ranges)
    if not inside:  # every range is the wrong way round: no character is in it
        return One(r"[\s\S]" if negated else r"[^\s\S]"), at + 1
    return One(f"[{'^' if negated else ''}{inside}]"), at + 1


def _class_char(pattern: str, at: int) -> tuple[str, int]:
    if pattern[at : at + 1] in {"", "-", "]"}:
        raise bad_pattern(pattern)
    at += pattern[at] == "\\"
    if at + 1 >= len(pattern):  # at least the closing bracket must follow
        raise bad_pattern(pattern)
    return pattern[at], at + 1


def _code(char: str) -> str:
    return f"\\U{ord(char):08x}"


def regex(parts: tuple[Token, ...]) -> str:
    """The regular expression for a whole path, without anchors."""
    if _is_loose_suffix(parts):
        return ".*" + "".join(_plain(part) for part in parts[1:])
    groups: list[list[Token]] = [[]]
    for part in parts:
        if part in {Wild.GLOBSTAR, Wild.GLOBSTAR_SLASH}:
            groups.append([])
        else:
            groups[-1].append(part)
    out = [_component_regex(groups[0])]
    for index, group in enumerate(groups[1:], 1):
        last = index == len(groups) - 1
        inner = ".*" if last and not group else f"(?:.*?/)??{_component_regex(group)}"
        out.append(f"(?>{inner})" if group[-1:] == ["/"] and not last else inner)
    return "".join(out)


def _is_loose_suffix(parts: tuple[Token, ...]) -> bool:
    """``**name``, all plain: the suffix of any path, also within a component, as moby's matcher has it."""
    return parts[:1] == (Wild.GLOBSTAR,) and all(isinstance(part, str) for part in parts[1:])


def _component_regex(parts: list[Token]) -> str:
    """Tokens without ``**``. A star whose successor is a star need only take the fewest characters."""
    pieces = [""]
    for part in parts:
        if part is Wild.STAR:
            pieces.append("")
        else:
            pieces[-1] += _plain(part)
    head, *stars = pieces
    early = "".join(f"(?>[^/]*?{piece})" for piece in stars[:-1])
    return head + early + (f"[^/]*{stars[-1]}" if stars else "")


def _plain(part: Token) -> str:
    return part.regex if isinstance(part, One) else re.escape(str(part))


def above(parts: tuple[Token, ...]) -> str:
    """The regular expression of the directories beneath which something can match: a superset, never less."""
    components: list[list[Token]] = [[]]
    for part in parts:
        if _crosses(part) or len(components) > _DEEPEST:
            components[-1].append(Wild.GLOBSTAR)
            break
        if part == "/":
            components.append([])
        else:
            components[-1].append(part)
    out = ""
    for component in reversed(components):
        if component and _crosses(component[-1]):
            out = _component_regex(component[:-1]) + ".*"
        elif component is components[-1]:
            out = _component_regex(component) + "(?:/.*)?"
        else:
            out = f"{_component_regex(component)}(?:/{out})?"
    return out


def _crosses(part: Token) -> bool:
    """Can it take a slash?"""
    if isinstance(part, One):
        return re.fullmatch(part.regex, "/") is not None
    return part in {Wild.GLOBSTAR, Wild.GLOBSTAR_SLASH}


@lru_cache(maxsize=256)
def _compiled(pattern: str, globstar: bool) -> re.Pattern[str]:
    return re.compile(regex(tokens(pattern, globstar=globstar)), re.DOTALL)


def match(pattern: str, path: str, *, globstar: bool = False) -> bool:
    """Does the whole ``path`` match ``pattern``, as filepath.Match says? Invalid ("syntax error in pattern")."""
    return _compiled(pattern, globstar).fullmatch(path) is not None
