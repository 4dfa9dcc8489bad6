"""PURE. Maven's order (Maven POM reference, "Version Order Specification").

A version is cut at ``.``, ``-`` and wherever digits meet letters (which counts as a hyphen); empty pieces are 0. What
says nothing (``0``, ``ga``, ``final``, ``release``) is dropped at the end and before a hyphen. Then pieces are compared
one by one: ``.word`` < ``-word`` < ``-number`` < ``.number``; the shorter version goes on with what says nothing.

This is Maven before 3.9.1, as advisories and OSV have it. It is no order in the strict sense: ``1.0.rc1`` < ``1.0`` <
``1.0-1`` < ``1.0.rc1``. Later Mavens read ``.word`` as ``-word``, which changes versions that mix both.
"""

from __future__ import annotations

import re
from functools import total_ordering
from itertools import zip_longest

from scow.errors import Invalid

_PIECE = re.compile(r"(\d+)|([^0-9.-]+)|([.-])", re.ASCII)
_NAMES = ("alpha", "beta", "milestone", "rc", "snapshot", "", "sp")
_RANKS = {name: at for at, name in enumerate(_NAMES)} | {"cr": 3, "ga": 5, "final": 5, "release": 5}
_SHORT = {"a": "alpha", "b": "beta", "m": "milestone"}
_OTHER = len(_NAMES)
_WORDS = {".": 0, "-": 1}
_NUMBERS = {"-": 2, ".": 3}

#: kind, number or rank, word
Piece = tuple[int, int, str]
_END = _RANKS[""]
_NOTHING = frozenset({(0, _END, ""), (1, _END, ""), (2, 0, ""), (3, 0, "")})


@total_ordering
class Place:
    """Where a version stands."""

    __slots__ = ("pieces",)

    def __init__(self, pieces: list[Piece]) -> None:
        self.pieces = pieces

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Place) and not self._before(other) and not other._before(self)

    def __lt__(self, other: Place) -> bool:
        return self._before(other)

    def __hash__(self) -> int:
        return 0  # equal versions may have unlike pieces

    def _before(self, other: Place) -> bool:
        for mine, theirs in zip_longest(self.pieces, other.pieces):
            left, right = mine or _nothing(theirs), theirs or _nothing(mine)
            if left != right:
                return left < right
        return False


def key(text: str) -> Place:
    """The place of ``text`` in the order."""
    if not text.strip() or not text.isprintable():
        raise Invalid("not a Maven version", subject=text)
    pieces: list[Piece] = []
    for piece in _pieces(text.strip().lower()):
        if piece[0] in (_WORDS["-"], _NUMBERS["-"]):
            _drop_nothing(pieces)
        pieces.append(piece)
    _drop_nothing(pieces)
    return Place(pieces)


def _nothing(piece: Piece) -> Piece:
    """What a version that has ended says where another has ``piece``."""
    kind = piece[0]
    return (kind, 0, "") if kind == _NUMBERS["."] else (min(kind, _WORDS["-"]), _END, "")


def _drop_nothing(pieces: list[Piece]) -> None:
    while pieces and pieces[-1] in _NOTHING:
        pieces.pop()


def _pieces(text: str) -> list[Piece]:
    found: list[Piece] = []
    separator, waiting = ".", True  # a separator waits for its piece
    for match in _PIECE.finditer(text):
        digits, letters, mark = match.groups()
        if mark:
            found += [(_NUMBERS[separator], 0, "")] * waiting
            separator, waiting = mark, True
            continue
        separator, waiting = separator if waiting else "-", False
        following = text[match.end() : match.end() + 1]
        found.append((_NUMBERS[separator], int(digits), "") if digits else _word(separator, letters, following))
    return found


def _word(separator: str, letters: str, following: str) -> Piece:
    name = _SHORT.get(letters, letters) if following.isdigit() else letters
    rank = _RANKS.get(name, _OTHER)
    return _WORDS[separator], rank, name if rank == _OTHER else ""
