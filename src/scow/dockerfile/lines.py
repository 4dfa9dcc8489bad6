"""Physical lines -> logical lines: comments, blank lines and continuations, and the bodies of heredocs."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from scow.dockerfile.span import LogicalLine, Piece, Token
from scow.dockerfile.tokens import SPACE
from scow.errors import Invalid, Where

_SPACES = "".join(SPACE)
#: U+FFFD counts only where decoding put it.
_REFUSED = {"\0": "NUL character in the Dockerfile", "\ufffd": "the Dockerfile is not valid UTF-8 here"}


class Lines(msgspec.Struct):
    """A cursor over a Dockerfile. ``physical`` keeps its line ends; ``at`` lines were read.

    ``comments`` are those that stand above the logical line read last, an empty comment or an instruction ends them.
    """

    source: str
    physical: list[str]
    escape: str
    directives: frozenset[int]
    damaged: bool = False
    at: int = 0
    comments: list[str] = []

    def __iter__(self) -> Iterator[LogicalLine]:
        escape = re.escape(self.escape)
        # An escape that is itself escaped continues nothing; trailing blanks do not matter.
        continued = re.compile(rf"(?<!{escape}){escape}[ \t]*\Z")
        while self.at < len(self.physical):
            line = self._logical(continued)
            if line is not None:
                yield line
                self.comments = []

    def _read(self) -> str:
        self.at += 1
        return self.physical[self.at - 1].rstrip("\r\n")

    def _logical(self, continued: re.Pattern[str]) -> LogicalLine | None:
        """The next logical line, or None where the next line is blank or a comment."""
        text: str | None = self._read()
        bare = (text or "").lstrip(_SPACES)
        if not bare or bare[0] == "#":
            self._comment(bare)
            return None
        column = len(text or "") - len(bare) + 1
        pieces: list[Piece] = []
        parts: list[str] = []
        offset = 0
        text = bare
        while text is not None:
            found = continued.search(text)
            part = text[: found.start()] if found else text
            self._check(part)
            pieces.append(Piece(offset, self.at, column, len(part)))
            parts.append(part)
            offset += len(part)
            column = 1
            text = self._continuation() if found else None
        return LogicalLine("".join(parts), tuple(pieces), self.source, self.physical)

    def _continuation(self) -> str | None:
        """The next line that is neither blank nor a comment."""
        while self.at < len(self.physical):
            text = self._read()
            bare = text.lstrip(_SPACES)
            if bare and bare[0] != "#":
                return text
        return None

    def _comment(self, bare: str) -> None:
        if not bare or self.at in self.directives:
            return
        comment = bare[1:].strip(_SPACES)
        if comment:
            self.comments.append(comment)
        else:
            self.comments = []

    def _check(self, part: str) -> None:
        """Refuse what no instruction can hold. Comments may hold anything."""
        for bad, problem in _REFUSED.items():
            if bad in part and (self.damaged or bad == "\0"):
                line = self.physical[self.at - 1].rstrip("\r\n")
                raise Invalid(problem, where=Where(self.source, self.at, line.index(bad) + 1, 1, line))

    def body(self, line: LogicalLine, asked: Token, name: str, *, chomp: bool) -> str:
        """The lines of a heredoc, up to the one that is its name."""
        content: list[str] = []
        while self.at < len(self.physical):
            text = self._read()
            if (text.lstrip("\t") if chomp else text) == name:
                return "".join(content)
            self._check(text)
            content.append(self.physical[self.at - 1])
        raise line.invalid("unterminated heredoc", asked, hint=f"end it with a line that holds {name} alone")
