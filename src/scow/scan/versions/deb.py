"""PURE. Debian's order (deb-version(7), Debian policy 5.6.12): ``[epoch:]upstream[-revision]``.

Both parts are read as text and number in turns. In text ``~`` is older than the end, which is older than letters,
which are older than everything else.
"""

from __future__ import annotations

import re
from functools import lru_cache

from scow.errors import Invalid

_LEGAL = re.compile(r"(?:([0-9]+):)?((?(1)[A-Za-z0-9.+~:_-]+|[A-Za-z0-9.+~_-]+))\Z")
_PAIR = re.compile(r"([^0-9]*)([0-9]*)")
_END = 0


def key(text: str) -> tuple[object, ...]:
    """The place of ``text`` in the order."""
    found = _LEGAL.match(text)
    if found is None:
        raise Invalid("not a Debian version", subject=text)
    upstream, dash, revision = found[2].rpartition("-")
    if not dash:
        upstream, revision = found[2], "0"
    return int(found[1] or 0), _part(upstream), _part(revision)


def _part(text: str) -> tuple[object, ...]:
    """``1.0~rc`` → ((end), 1, ('.', end), 0, ('~', 'r', 'c', end), 0, (end)): text, number, text, number, text."""
    flat: list[object] = []
    for letters, digits in _PAIR.findall(text):
        flat += (_text(letters), int(digits or 0))
    return tuple(flat)


@lru_cache(maxsize=1024)
def _text(letters: str) -> tuple[int, ...]:
    return (*map(_weight, letters), _END)


def _weight(char: str) -> int:
    if char == "~":
        return -1
    return ord(char) if char.isalpha() else ord(char) + 256
