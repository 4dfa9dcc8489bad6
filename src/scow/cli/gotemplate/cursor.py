"""A place in the tokens of a template: looking ahead, stepping, going back, and the errors found on the way."""

from __future__ import annotations

from scow.cli.gotemplate.lexer import Token, invalid, tokens
from scow.errors import Invalid, Limit

DEEPEST = 100


class Cursor:
    """``at`` counts tokens and may be set back; ``depth`` counts what is open around it, up to :data:`DEEPEST`."""

    def __init__(self, text: str) -> None:
        self.at = 0
        self.depth = 0
        self._source = tokens(text)
        self._read: list[Token] = []

    def peek(self) -> Token:
        """The token that comes next."""
        while len(self._read) <= self.at:
            self._read.append(next(self._source))
        return self._read[self.at]

    def next(self) -> Token:
        """Take the next token."""
        token = self.peek()
        self.at += 1
        return token

    def skip(self) -> Token:
        """The next token that is not white space, not consumed."""
        while self.peek().kind == "space":
            self.at += 1
        return self.peek()

    def take(self) -> Token:
        """Take the next token if it is of this kind."""
        self.skip()
        return self.next()

    def wrong(self, problem: str) -> Invalid:
        """The error to raise about a token."""
        return invalid(self._read[-1].line if self._read else 1, problem)

    def unexpected(self, token: Token, context: str) -> Invalid:
        """The error to raise about a token that does not belong there."""
        return self.wrong(f"unexpected {token} in {context}")

    def expect(self, kind: str, context: str) -> Token:
        """Take the next token, which must be of this kind."""
        token = self.take()
        if token.kind != kind:
            raise self.unexpected(token, context)
        return token

    def deeper(self) -> None:
        """Count one more level of nesting."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise Limit(f"template is nested more than {DEEPEST} deep")
