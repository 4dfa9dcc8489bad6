"""One instruction cut into tokens, before its own grammar reads it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

from scow.dockerfile.flags import Flags, Kind, flags
from scow.dockerfile.heredoc import Heredoc
from scow.dockerfile.span import LogicalLine, Span, Token
from scow.errors import Invalid

T = TypeVar("T")

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class Statement(msgspec.Struct):
    """What a parse function is given; ``start`` is where in the line it begins (not 0 for the trigger of ONBUILD)."""

    line: LogicalLine
    start: int
    keyword: Token
    flag_tokens: tuple[Token, ...]
    rest: Token
    escape: str
    comments: tuple[str, ...] = ()
    heredocs: tuple[Heredoc, ...] = ()
    end_line: int = 0
    noted: list[Token] = []

    @property
    def name(self) -> str:
        """The keyword in capitals."""
        return self.keyword.text.upper()

    @property
    def original(self) -> str:
        """The instruction as written, continuation lines joined."""
        return self.line.text[self.start :].strip()

    def invalid(self, problem: str, token: Token | None = None, *, hint: str = "") -> Invalid:
        """The error to raise about ``token``, or about the keyword."""
        return self.line.invalid(problem, token or self.keyword, hint=hint)

    def flags(self, known: Mapping[str, Kind]) -> Flags:
        """The flags, checked."""
        return flags(self.line, self.flag_tokens, known)

    def note(self, tokens: tuple[Token, ...]) -> tuple[Token, ...]:
        """Remember the places of arguments."""
        self.noted += tokens
        return tokens

    def reading(self, token: Token, read: Callable[[str], T]) -> T:
        """``read`` the text of a token; what is wrong with it is wrong at the token."""
        try:
            return read(token.text)
        except Invalid as error:
            raise self.invalid(error.problem, token, hint=error.hint) from None

    def is_plain(self, token: Token) -> bool:
        """Is the token what it will be once variables are replaced and quotes are gone?"""
        return not {"$", "'", '"', self.escape} & set(token.text)

    def common(self) -> dict[str, Any]:
        """The fields all instructions have."""
        first = self.line.span(self.keyword.start, len(self.line.text.rstrip()))
        return {
            "span": Span(first.start_line, max(self.end_line, first.end_line), first.column, first.width),
            "original": self.original,
            "words": tuple(self.line.word(token) for token in (*self.flag_tokens, *self.noted)),
            "comments": self.comments,
        }

    def only(self) -> str:
        """The one argument: all there is."""
        if not self.rest.text:
            raise self.invalid(f"{self.name} requires exactly one argument")
        return self.note((self.rest,))[0].text

    def array(self) -> tuple[Token, ...] | None:
        """The arguments as a JSON array of strings; None where they are no JSON array. Other arrays are Invalid."""
        values = _decoded(self.rest.text)
        if values is None:
            return None
        if not all(isinstance(value, str) for value in values):
            problem = "when using JSON array syntax, arrays must be comprised of strings only"
            raise self.invalid(problem, self.rest)
        start = self.rest.start
        found = zip(values, _STRING.finditer(self.rest.text), strict=True)
        tokens = ((_LONE_SURROGATE.sub("\ufffd", value), place) for value, place in found)
        return self.note(tuple(Token(text, start + place.start(), start + place.end()) for text, place in tokens))


def is_array(text: str) -> bool:
    """Is the text a JSON array, of whatever?"""
    return _decoded(text) is not None


def _decoded(text: str) -> list[Any] | None:
    """RFC 8259, which knows no NaN; None where the text is no JSON array."""
    if not text.startswith("["):
        return None
    try:
        # Numbers are only ever refused, so they need not be read.
        values = json.loads(text, parse_int=float, parse_constant=_refused)
    except (ValueError, RecursionError):
        return None
    return values if isinstance(values, list) else None


def _refused(constant: str) -> None:
    raise ValueError(constant)
