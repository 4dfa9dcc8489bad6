"""PURE. RubyGems' order (Gem::Version): words are older than numbers, and the shorter version goes on with zeros."""

from __future__ import annotations

import re

from scow.errors import Invalid

_LEGAL = re.compile(r"[0-9A-Za-z]+(?:[.-]+[0-9A-Za-z]+)*\Z", re.ASCII)
_PIECE = re.compile(r"([0-9]+)|([A-Za-z]+)", re.ASCII)
_WORD, _ZERO_TO_WORD, _END, _NUMBER = range(4)

Piece = tuple[int, int, str]


def key(text: str) -> tuple[Piece, ...]:
    """The place of ``text`` in the order."""
    stripped = text.strip()
    if not _LEGAL.match(stripped):
        raise Invalid("not a RubyGems version", subject=text)
    pieces: list[Piece] = []
    first_word = True
    for digits, word in _PIECE.findall(stripped.replace("-", ".pre.")):
        if word:
            _before_word(pieces, drop=first_word)
            first_word = False
        pieces.append((_NUMBER, int(digits), "") if digits else (_WORD, 0, word))
    _before_word(pieces, drop=True)
    return (*pieces, (_END, 0, ""))


def _before_word(pieces: list[Piece], *, drop: bool) -> None:
    """Zeros at the end and before the first word say nothing; before a later word they go below the end, as it does."""
    at = len(pieces)
    while at and pieces[at - 1][:2] == (_NUMBER, 0):
        at -= 1
    zeros = len(pieces) - at
    pieces[at:] = [] if drop else [(_ZERO_TO_WORD, 0, "")] * zeros
