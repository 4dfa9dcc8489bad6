"""A line of the screen: pieces of text in styles, cut and filled to a width in cells. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

#: A text and its style: words of :data:`STYLES`.
Piece = tuple[str, str]
Line = Sequence[Piece]
#: word -> number (ECMA-48 8.3.117)
STYLES: Final = {
    "bold": "1",
    "dim": "2",
    "underline": "4",
    "reverse": "7",
    "strike": "9",
    "red": "31",
    "green": "32",
    "yellow": "33",
}
_COLOURS: Final = frozenset({"red", "green", "yellow"})
_NO_CELL: Final = frozenset({"Mn", "Me", "Cf"})


def cells(text: str) -> int:
    """How many columns a text takes."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def _cells(char: str) -> int:
    if unicodedata.category(char) in _NO_CELL:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def fitted(line: Line, width: int) -> list[Piece]:
    """The line in exactly ``width`` cells: cut with an ``…``, or filled with spaces."""
    left = width
    pieces: list[Piece] = []
    for text, style in line:
        taken = text if cells(text) <= left else _cut(text, left)
        pieces.append((taken, style))
        left -= cells(taken)
        if taken is not text:
            break
    return [*pieces, (" " * left, "")] if left else pieces


def _cut(text: str, width: int) -> str:
    if width < 1:
        return ""
    left = width - 1
    kept = []
    for char in text:
        left -= _cells(char)
        if left < 0:
            break
        kept.append(char)
    return "".join(kept) + "…"


def wrapped(text: str, width: int) -> Iterator[str]:
    """The text in lines of at most ``width`` characters."""
    for at in range(0, len(text) or 1, max(1, width)):
        yield text[at : at + max(1, width)]


def styled(line: Line, style: str) -> list[Piece]:
    """The whole line in one more style."""
    return [(text, f"{own} {style}".strip()) for text, own in line]


def drawn(line: Line, *, colour: bool) -> str:
    """The line as a terminal takes it."""
    return "".join(_drawn(text, style.split(), colour) for text, style in line)


def _drawn(text: str, words: Iterable[str], colour: bool) -> str:
    numbers = ";".join(STYLES[word] for word in words if colour or word not in _COLOURS)
    return f"\x1b[{numbers}m{text}\x1b[m" if numbers and text else text
