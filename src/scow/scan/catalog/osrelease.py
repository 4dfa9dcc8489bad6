"""The distribution's own words: os-release(5). Pure."""

from __future__ import annotations

import re
from typing import Final

from scow.scan.catalog.reading import Reading, fields, text
from scow.scan.package import Distribution

_LINE: Final = re.compile(rb"^[ \t]*([A-Z][A-Z0-9_]*)=(.*)$", re.MULTILINE)
_ESCAPED: Final = re.compile(r'\\([$"\\`])')


def os_release(path: bytes, data: bytes) -> Reading:
    """The fields that name a release. A file without ``ID`` says nothing."""
    told = {key.decode(): _unquoted(text(value))[:256] for key, value in fields(_LINE, data, 500)}
    if not told.get("ID"):
        return Reading(reasons=("has no ID",))
    return Reading(
        distribution=Distribution(
            told["ID"],
            told.get("VERSION_ID", ""),
            told.get("VERSION", ""),
            told.get("VERSION_CODENAME", ""),
            told.get("PRETTY_NAME", ""),
        )
    )


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        quoted = value[1:-1]
        return _ESCAPED.sub(r"\1", quoted) if value[0] == '"' else quoted
    return value
