"""Heredocs: ``<<NAME``, ``<<-NAME`` (leading tabs are taken away), ``<<"NAME"`` (nothing in it is expanded)."""

from __future__ import annotations

import re

import msgspec

from scow.dockerfile.shell import Lexer, nothing
from scow.dockerfile.span import Token
from scow.errors import Invalid

_HEREDOC = re.compile(r"[0-9]*<<(-?)[\t\n\f\r ]*([^<]*)\Z")
_LEADING_TABS = re.compile(r"^\t+", re.MULTILINE)


class Heredoc(msgspec.Struct, frozen=True):
    """A file written within the Dockerfile.

    ``content`` is as written; :attr:`text` is what the file holds. ``expand``: variables in it are replaced.
    """

    name: str
    content: str = ""
    expand: bool = True
    chomp: bool = False

    @property
    def text(self) -> str:
        """The content, for ``<<-`` without the tabs at the beginning of its lines."""
        return _LEADING_TABS.sub("", self.content) if self.chomp else self.content


def heredoc(word: str) -> Heredoc | None:
    """The heredoc a single word asks for, without its content; None where the word is no heredoc."""
    found = _HEREDOC.match(word)
    if found is None or not found[2]:
        return None
    plain, raw = (
        Lexer(found[2], nothing, raw_quotes=raw_quotes, keep_unset=True).all().words for raw_quotes in (False, True)
    )
    if len(plain) != 1 or len(raw) != 1:
        return None
    name, written = plain[0][0], raw[0][0]
    quoted = _quotes(name) != _quotes(written)
    return Heredoc(name, expand=not quoted, chomp=bool(found[1]))


def heredocs(line: str) -> tuple[tuple[Heredoc, Token], ...]:
    """The heredocs an instruction asks for, in order, each with its place; none where the quotes do not balance."""
    try:
        lexer = Lexer(line, nothing, raw_quotes=True, raw_escapes=True, keep_unset=True)
        words = lexer.all().words
    except Invalid:
        return ()
    asked = ((heredoc(word), Token(word, began, min(began + len(word), len(line)))) for word, began in words)
    return tuple((found, token) for found, token in asked if found is not None)


def _quotes(text: str) -> int:
    return text.count("'") + text.count('"')
