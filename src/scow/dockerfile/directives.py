"""Parser directives: the comments ``# key=value`` at the very top, of which each may stand there once.

::

    directive := "#" space* key space* "=" space* value      key := "syntax" | "escape" | "check" (any case)

The first line that is not a directive ends them: a blank line, another comment or an instruction. A ``#!`` line may
come first; ``escape`` then has no effect, as in BuildKit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from scow.errors import Invalid, Where

_DIRECTIVE = re.compile(r"\s*#\s*(?P<key>[a-zA-Z][a-zA-Z0-9]*)[\t\n\f\r ]*=[\t\n\f\r ]*(?P<value>.+?)[\t\n\f\r ]*\Z")
KEYS = frozenset({"syntax", "escape", "check"})


class Directives(msgspec.Struct, frozen=True):
    """``syntax`` and ``check`` as written; ``escape`` is a backslash or a backtick; ``lines``: where they stand."""

    syntax: str | None = None
    escape: str = "\\"
    check: str | None = None
    lines: frozenset[int] = frozenset()


def directives(physical: Sequence[str], source: str) -> Directives:
    """The directives of a text given as its lines."""
    found: dict[str, str] = {}
    lines: set[int] = set()
    shebang = bool(physical) and physical[0].startswith("#!")
    for index, line in enumerate(physical[shebang:], 1 + shebang):
        match = _DIRECTIVE.match(line.rstrip("\r\n"))
        if match is None or (key := match["key"].lower()) not in KEYS:
            break
        if key in found:
            where = _where(match, "key", source, index, line)
            raise Invalid(f"only one {key} parser directive can be used", where=where)
        if key == "escape" and match["value"] not in {"\\", "`"}:
            problem = f"invalid escape token '{match['value']}' does not match ` or \\"
            raise Invalid(problem, where=_where(match, "value", source, index, line))
        found[key] = match["value"]
        lines.add(index)
    escape = "\\" if shebang else found.get("escape", "\\")
    return Directives(found.get("syntax"), escape, found.get("check"), frozenset(lines))


def _where(match: re.Match[str], group: str, source: str, index: int, line: str) -> Where:
    return Where(source, index, match.start(group) + 1, len(match[group]), line.rstrip("\r\n"))
