"""Where a piece of a Dockerfile stands in its text.

A *logical line* is an instruction with its continuation lines joined. Tokens are cut out of logical lines by offset;
a :class:`LogicalLine` remembers which physical line and column every offset came from, so that an error can point at
the exact token.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import msgspec

from scow.errors import Invalid, Where


class Span(msgspec.Struct, frozen=True):
    """A stretch of the Dockerfile; lines and columns count from 1, ``width`` is in characters on the first line."""

    start_line: int
    end_line: int
    column: int = 1
    width: int = 1

    def where(self, source: str, text: str) -> Where:
        """The place as errors carry it; ``text`` is the whole Dockerfile."""
        lines = text.split("\n")
        line = lines[self.start_line - 1] if self.start_line <= len(lines) else ""
        return Where(source, self.start_line, self.column, self.width, line.rstrip("\r"))


class Word(msgspec.Struct, frozen=True):
    """A flag or an argument (quotes kept as the instruction's grammar keeps them) and where it was written."""

    text: str
    span: Span


class Token(msgspec.Struct, frozen=True):
    """A piece of a logical line: ``text`` may differ from ``line[start:end]`` where quotes or escapes were removed."""

    text: str
    start: int
    end: int

    @property
    def exact(self) -> bool:
        """Is the text what was written, so that an offset into it is an offset into the line?"""
        return self.end - self.start == len(self.text)

    def part(self, start: int, length: int) -> Token:
        """A part of this token, or all of it where the place of the part is not known."""
        text = self.text[start : start + length]
        if not self.exact:
            return Token(text, self.start, self.end)
        return Token(text, self.start + start, self.start + start + length)


class Piece(msgspec.Struct, frozen=True):
    """``length`` characters of a logical line from ``offset`` on stand on physical ``line`` from ``column`` on."""

    offset: int
    line: int
    column: int
    length: int


class LogicalLine(msgspec.Struct, frozen=True):
    """An instruction with its continuation lines joined, and where each piece was written."""

    text: str
    pieces: tuple[Piece, ...]
    source: str
    physical: Sequence[str]

    def _piece(self, offset: int) -> Piece:
        return self.pieces[max(0, bisect_right(self.pieces, offset, key=lambda piece: piece.offset) - 1)]

    def span(self, start: int, end: int) -> Span:
        """The span of the characters from ``start`` up to ``end``."""
        first, last = self._piece(start), self._piece(max(start, end - 1))
        inside = start - first.offset
        width = max(1, min(end - start, first.length - inside))
        return Span(first.line, last.line, first.column + inside, width)

    def word(self, token: Token) -> Word:
        """The token as instructions carry it."""
        return Word(token.text, self.span(token.start, token.end))

    def where(self, token: Token) -> Where:
        """The place of a token as errors carry it."""
        span = self.span(token.start, token.end)
        text = self.physical[span.start_line - 1].rstrip("\r\n")
        return Where(self.source, span.start_line, span.column, span.width, text)

    def invalid(self, problem: str, token: Token, *, hint: str = "") -> Invalid:
        """The error to raise about ``token``."""
        return Invalid(problem, hint=hint, where=self.where(token))


def located(error: Invalid, where: Where) -> Invalid:
    """The same error with a place; one that has a place keeps it."""
    return Invalid(error.problem, subject=error.subject, hint=error.hint, where=error.where or where)
