"""PURE. rpm's order (rpm-version(7)): ``[epoch:]version[-release]``.

A part is cut into runs of digits and runs of letters; whatever else is there only separates. ``~`` is older than the
end of a part, ``^`` younger than the end but older than anything else, letters are older than numbers.
"""

from __future__ import annotations

import re

from scow.errors import Invalid

_PIECE = re.compile(r"([0-9]+)|([A-Za-z]+)|([~^])")
_END = (1, "")
_MARKS = {"~": (0, ""), "^": (2, "")}
_LETTERS, _NUMBER = 3, 4


def key(text: str) -> tuple[object, ...]:
    """The place of ``text`` in the order."""
    if not text.strip():
        raise Invalid("not an rpm version", subject=text)
    epoch, colon, rest = text.partition(":")
    if not colon:
        epoch, rest = "0", text
    version, dash, release = rest.rpartition("-")
    if not dash:
        version, release = rest, ""
    return _part(epoch or "0"), _part(version), _part(release)


def _part(text: str) -> tuple[object, ...]:
    return (*(_piece(*found) for found in _PIECE.findall(text)), _END)


def _piece(digits: str, letters: str, mark: str) -> tuple[int, object]:
    if digits:
        return _NUMBER, int(digits)
    return (_LETTERS, letters) if letters else _MARKS[mark]
