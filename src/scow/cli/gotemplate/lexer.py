"""Template text -> tokens.

Outside ``{{`` and ``}}`` everything is text; ``{{- `` and `` -}}`` eat the white space of the text beside them. White
space between operands is a token, because ``.A .B`` and ``.A.B`` differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from scow.errors import Invalid
from scow.oci.quoting import quote

SPACES = " \t\r\n"
KEYWORDS = frozenset(
    ("block", "break", "continue", "define", "else", "end", "if", "range", "nil", "template", "with"),
)
_CLOSE = re.compile(r"([ \t\r\n]-)?\}\}")
_SPACE = re.compile(r"[ \t\r\n]+?(?=[ \t\r\n]-\}\})|[ \t\r\n]+")
_TRIM = re.compile(r"-(?=[ \t\r\n])")
_WORD_END = re.compile(r"[ \t\r\n.,|:)(]|\}\}|\Z")
_NUMBER = re.compile(
    r"[+-]?(?:0[xX][0-9a-fA-F_]*|0[oO][0-7_]*|0[bB][01_]*(?![0-9.])|[0-9_]*\.?[0-9_]*(?:[eE][+-]?[0-9_]*)?)"
)
_TOKENS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("declare", re.compile(r":=")),
    ("assign", re.compile(r"=")),
    ("pipe", re.compile(r"\|")),
    ("comma", re.compile(r",")),
    ("(", re.compile(r"\(")),
    (")", re.compile(r"\)")),
    ("string", re.compile(r'"(?:\\[^\n]|[^"\\\n])*"')),
    ("raw", re.compile(r"`[^`]*`")),
    ("character", re.compile(r"'(?:\\[^\n]|[^'\\\n])*'")),
    ("variable", re.compile(r"\$\w*")),
    ("field", re.compile(r"\.(?![0-9])\w+")),
    ("number", re.compile(r"(?=[+-]|\.?[0-9])" + _NUMBER.pattern)),
    ("dot", re.compile(r"\.(?![0-9])")),
    ("identifier", re.compile(r"\w+")),
)
_WORDS = ("variable", "field", "dot", "identifier")
_UNTERMINATED = {
    '"': "unterminated quoted string",
    "`": "unterminated raw quoted string",
    "'": "unterminated character constant",
    ":": "expected :=",
}


class Token(NamedTuple):
    """``kind`` is a name of the table above, a keyword, ``text``, ``open``, ``close``, ``space`` or ``eof``."""

    kind: str
    text: str
    position: int
    line: int

    def __str__(self) -> str:
        if self.kind == "eof":
            return "EOF"
        if self.kind in KEYWORDS or self.kind == "dot":
            return f"<{self.text}>"
        return quote(self.text[:10]) + ("..." if len(self.text) > 10 else "")


def invalid(line: int, problem: str) -> Invalid:
    """The error docker prints for a template that does not parse."""
    return Invalid(f"template parsing error: template: :{line}: {problem}")


def tokens(text: str) -> Iterator[Token]:
    """Every token, then ``eof`` for ever; :class:`~scow.errors.Invalid` where the text is no template."""
    at, line, trim = 0, 1, False
    while True:
        start = text.find("{{", at)
        plain, skipped = _plain(text, at, start, trim)
        line += text.count("\n", at, skipped)
        if plain:
            last = text.count("\n", skipped, skipped + len(plain))
            yield Token("text", plain, skipped, line + last)
        line += text.count("\n", skipped, start if start >= 0 else len(text))
        if start < 0:
            break
        lexer = _Action(text, start, line)
        yield from lexer.run()
        at, line, trim = lexer.at, lexer.line, lexer.trims
    while True:
        yield Token("eof", "", len(text), line)


def _plain(text: str, at: int, start: int, trim: bool) -> tuple[str, int]:
    """The text before the action at ``start`` (-1: to the end) without what trim markers eat, and where it begins."""
    plain = text[at:] if start < 0 else text[at:start]
    if trim:
        kept = plain.lstrip(SPACES)
        at += len(plain) - len(kept)
        plain = kept
    if start >= 0 and _TRIM.match(text, start + 2):
        plain = plain.rstrip(SPACES)
    return plain, at


class _Action:
    """One ``{{…}}``; afterwards ``at`` is behind it, and ``trims`` says whether it eats the space that follows."""

    def __init__(self, text: str, start: int, line: int) -> None:
        self.text, self.start, self.at, self.line = text, start, start + 2, line
        self.trims = False
        self.depth = 0

    def run(self) -> Iterator[Token]:
        marked = _TRIM.match(self.text, self.at)
        if self.text.startswith("/*", self.at + 2 if marked else self.at):
            self._comment()
            return
        yield Token("open", "{{", self.start, self.line)
        if marked:
            self._pass(self.at + 2)
        while True:
            token = self._next()
            yield token
            if token.kind == "close":
                return

    def _pass(self, end: int) -> None:
        self.line += self.text.count("\n", self.at, end)
        self.at = end

    def _comment(self) -> None:
        end = self.text.find("*/", self.at + 2)
        if end < 0:
            raise invalid(self.line, "unclosed comment")
        close = _CLOSE.match(self.text, end + 2)
        if not close:
            raise invalid(self.line, "comment ends before closing delimiter")
        self.trims = bool(close[1])
        self._pass(close.end())

    def _next(self) -> Token:
        close = _CLOSE.match(self.text, self.at)
        if close:
            if self.depth:
                raise invalid(self.line, "unclosed left paren")
            self.trims = bool(close[1])
            return self._token("close", close[0])
        if self.at >= len(self.text):
            raise invalid(self.line, "unclosed action")
        space = _SPACE.match(self.text, self.at)
        if space:
            return self._token("space", space[0])
        return self._operand()

    def _operand(self) -> Token:
        for kind, pattern in _TOKENS:
            found = pattern.match(self.text, self.at)
            if found:
                return self._word(kind, found)
        char = self.text[self.at]
        if char in _UNTERMINATED:
            raise invalid(self.line, _UNTERMINATED[char])
        if char.isascii() and char.isprintable():
            return self._token("sign", char)
        raise invalid(self.line, f"unrecognized character in action: {_code_point(char)}")

    def _token(self, kind: str, text: str) -> Token:
        at = self.at
        self._pass(at + len(text))
        return Token(kind, text, at, self.line)

    def _word(self, kind: str, found: re.Match[str]) -> Token:
        after = self.text[found.end() : found.end() + 1]
        if kind in _WORDS and not _WORD_END.match(self.text, found.end()):
            raise invalid(self.line, f"bad character {_code_point(after)}")
        if kind == "number" and (after.isalnum() or after in tuple("_+-")):
            raise invalid(self.line, f'bad number syntax: "{found[0]}{after}"')
        if kind == "identifier" and found[0] in KEYWORDS:
            kind = found[0]
        elif kind == "identifier" and found[0] in ("true", "false"):
            kind = "boolean"
        self.depth += {"(": 1, ")": -1}.get(kind, 0)
        if self.depth < 0:
            raise invalid(self.line, "unexpected right paren")
        return self._token(kind, found[0])


def _code_point(char: str) -> str:
    if not char:
        return "U+FFFFFFFFFFFFFFFF"
    return f"U+{ord(char):04X}" + (f" '{char}'" if char.isprintable() else "")
