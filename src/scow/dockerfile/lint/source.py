"""Text that was taken out of a Dockerfile, and where each of its characters stands there."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from scow.dockerfile.span import LogicalLine, Span


@dataclass(frozen=True, slots=True)
class Source:
    """``anchors`` are (offset here, offset in the Dockerfile), rising, the first at 0; between two they run in step."""

    text: str
    anchors: tuple[tuple[int, int], ...]

    def place(self, offset: int) -> int:
        """Where in the Dockerfile the character at ``offset`` stands."""
        index = max(0, bisect_right(self.anchors, offset, key=lambda anchor: anchor[0]) - 1)
        here, there = self.anchors[index]
        return there + offset - here

    def end(self, offset: int) -> int:
        """Where the character before ``offset`` ends, so that a range does not run on into a continuation line."""
        return self.place(offset - 1) + 1 if offset else self.place(0)

    def part(self, start: int, end: int) -> Source:
        """The characters from ``start`` up to ``end``."""
        inside = tuple((here - start, there) for here, there in self.anchors if start < here < end)
        return Source(self.text[start:end], ((0, self.place(start)), *inside))


@dataclass(frozen=True, slots=True)
class Page:
    """The whole text of a Dockerfile, and where its lines begin."""

    text: str
    starts: tuple[int, ...]

    @classmethod
    def of(cls, text: str) -> Page:
        """Find the lines."""
        return cls(text, (0, *(at + 1 for at, char in enumerate(text) if char == "\n")))

    def offset(self, line: int, column: int) -> int:
        """Of a place that counts from 1."""
        return self.starts[min(line, len(self.starts)) - 1] + column - 1

    def line(self, number: int) -> str:
        """A line without its end."""
        start = self.starts[number - 1]
        end = self.text.find("\n", start)
        return self.text[start : end if end >= 0 else len(self.text)].removesuffix("\r")

    def span(self, start: int, end: int) -> Span:
        """Of the characters from ``start`` up to ``end``."""
        first, last = self._line_at(start), self._line_at(max(start, end - 1))
        inside = self.starts[first - 1] + len(self.line(first)) - start
        width = max(1, min(end - start, inside))
        return Span(first, last, start - self.starts[first - 1] + 1, width)

    def _line_at(self, offset: int) -> int:
        return bisect_right(self.starts, offset)

    def source(self, line: LogicalLine, start: int = 0) -> Source:
        """A logical line from ``start`` on."""
        anchors = tuple((piece.offset, self.offset(piece.line, piece.column)) for piece in line.pieces)
        return Source(line.text, anchors).part(start, len(line.text))
