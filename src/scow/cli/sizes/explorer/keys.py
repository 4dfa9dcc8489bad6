"""What a terminal sends when keys are pressed (xterm's ctlseqs; ECMA-48 5.4 for the form of a sequence). Pure."""

from __future__ import annotations

import re
from typing import Final

_SEQUENCE: Final = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1bO.", re.DOTALL)
_BEGINNING: Final = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*|O)?\Z")
#: the last byte of a sequence -> key
_LETTERS: Final = {b"A": "up", b"B": "down", b"C": "right", b"D": "left", b"H": "home", b"F": "end", b"Z": "backtab"}
_NUMBERS: Final = {b"1": "home", b"4": "end", b"5": "pageup", b"6": "pagedown", b"7": "home", b"8": "end"}
_BYTES: Final = {
    0x03: "interrupt", 0x04: "interrupt", 0x08: "backspace", 0x09: "tab", 0x0A: "enter", 0x0D: "enter", 0x1B: "escape",
    0x7F: "backspace",
}  # fmt: skip


def typed(data: bytes, *, more: bool = False) -> tuple[list[str], bytes]:
    """The keys that ``data`` stands for: a name, or a character; and the rest, which ``more`` bytes may complete."""
    keys: list[str] = []
    at = 0
    while at < len(data):
        sequence = _SEQUENCE.match(data, at)
        width = sequence.end() - at if sequence else _width(data[at])
        if more and (at + width > len(data) or _BEGINNING.match(data, at)):
            break
        raw = data[at : at + width]
        key = _named(raw) if sequence else _BYTES.get(data[at]) or raw.decode(errors="ignore")
        if key in _KNOWN or (key.isprintable() and key):
            keys.append(key)
        at += width
    return keys, data[at:]


def _named(sequence: bytes) -> str:
    """A sequence's key; modifiers do not matter (``ESC [ 1 ; 5 A`` is an arrow too)."""
    if sequence.endswith(b"~"):
        return _NUMBERS.get(sequence[2:-1].partition(b";")[0], "")
    return _LETTERS.get(sequence[-1:], "")


def _width(first: int) -> int:
    """How many bytes a character has, by its first one (UTF-8)."""
    return 1 if first < 0xC0 else 2 if first < 0xE0 else 3 if first < 0xF0 else 4


_KNOWN: Final = frozenset({*_LETTERS.values(), *_NUMBERS.values(), *_BYTES.values()})
