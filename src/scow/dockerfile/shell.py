"""Shell words as a Dockerfile has them: quotes, escapes and variables, and nothing else of a shell.

::

    word     := ( plain | escape any | "'" [^']* "'" | '"' inner* '"' | variable )*
    inner    := plain | escape ('"' | "$" | escape) | variable
    variable := "$" name | "${" name "}" | "${" name operator word "}" | "${" name ("/" | "//") pattern "/" word "}"
    operator := ":-" | "-" | ":+" | "+" | ":?" | "?" | "#" | "##" | "%" | "%%"
    name     := (letter | digit | "_")+ | digit+ | one of @ * # ? - $ !

A lookup returns None for a variable that is not set, which is empty. Errors are Invalid, with the word as subject.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec

from scow.dockerfile.substitution import replaced, without_prefix, without_suffix
from scow.dockerfile.tokens import SPACE
from scow.errors import Invalid

Lookup = Callable[[str], "str | None"]
T = TypeVar("T")

#: A word that refers to itself through variables must not grow without end.
LONGEST_RESULT = 1 << 22
DEEPEST = 64

_SPECIAL = frozenset("@*#?-$!")
_HEREDOC_SPACE = frozenset("\t\r ")


def expand(word: str, lookup: Lookup, escape: str = "\\", *, quotes: bool = True) -> str:
    """The word with its variables replaced and its quotes and escapes taken away.

    ``quotes=False`` is for the content of heredocs, in which quotes are plain characters.
    """
    return _told(word, lambda: Lexer(word, lookup, escape, quotes=quotes).all().text)


def words(word: str, lookup: Lookup, escape: str = "\\") -> list[str]:
    """Like :func:`expand`, and then split at the white space that stands outside quotes."""
    return _told(word, lambda: [text for text, _ in Lexer(word, lookup, escape).all().words])


def names(word: str, escape: str = "\\", *, quotes: bool = True) -> frozenset[str]:
    """The variables the word looks at, whatever their values are."""
    used: set[str] = set()

    def note(name: str) -> str:
        used.add(name)
        return "x"  # set and not empty, so that no ${name:?} fails

    expand(word, note, escape, quotes=quotes)
    return frozenset(used)


def names_of(word: str) -> frozenset[str]:
    """The same of what may be no word: there are none in it then."""
    try:
        return names(word)
    except Invalid:
        return frozenset()


def nothing(_name: str) -> None:
    """A lookup in an empty environment."""
    return


def _told(word: str, run: Callable[[], T]) -> T:
    try:
        return run()
    except Invalid as error:
        shown = word if len(word) <= 80 else word[:79] + "…"
        raise Invalid(error.problem, subject=f'"{shown}"', hint=error.hint) from None


class Expanded(msgspec.Struct):
    """A piece of a word as one text and as words, each with the offset at which it began."""

    pieces: list[str] = []
    words: list[tuple[str, int]] = []
    open: list[str] = []
    began: int = 0

    @property
    def text(self) -> str:
        """The pieces as one text."""
        return "".join(self.pieces)

    def whole(self, text: str, at: int) -> None:
        """Text that white space does not split: quoted or escaped."""
        self.pieces.append(text)
        self._grow(text, at)

    def split(self, text: str, at: int) -> None:
        """Text that white space splits."""
        self.pieces.append(text)
        for char in text:
            if char in SPACE:
                self.close()
            else:
                self._grow(char, at)

    def _grow(self, text: str, at: int) -> None:
        if text and not self.open:
            self.began = at
        if text:
            self.open.append(text)

    def close(self) -> None:
        """End the open word, if there is one."""
        if self.open:
            self.words.append(("".join(self.open), self.began))
            self.open = []


class Lexer(msgspec.Struct):
    """One walk over one word. The ``raw_…`` and ``keep_unset`` switches are for looking without expanding."""

    source: str
    lookup: Lookup
    escape: str = "\\"
    quotes: bool = True
    raw_quotes: bool = False
    raw_escapes: bool = False
    keep_unset: bool = False
    at: int = 0
    depth: int = 0
    grown: int = 0

    def all(self) -> Expanded:
        """The whole word."""
        return self._until("", raw=self.raw_escapes)

    def _peek(self) -> str:
        return self.source[self.at : self.at + 1]

    def _next(self) -> str:
        char = self._peek()
        self.at += 1
        return char

    def _until(self, stop: str, *, raw: bool) -> Expanded:
        """Up to ``stop`` (which is eaten) or, without one, to the end."""
        outer, self.raw_escapes = self.raw_escapes, raw
        out = Expanded()
        while (char := self._peek()) != stop:
            if not char:
                raise Invalid(f"unexpected end of statement while looking for matching {stop}")
            self._step(char, out)
        self.at += 1
        self.raw_escapes = outer
        out.close()
        return out

    def _step(self, char: str, out: Expanded) -> None:
        began = self.at
        if char == "$":
            out.split(self._variable(), began)
        elif char == "<":
            out.whole(self._less_than(), began)
        elif char == "'" and self.quotes:
            out.whole(self._single(), began)
        elif char == '"' and self.quotes:
            out.whole(self._double(), began)
        elif char == self.escape:
            self.at += 1
            out.whole((char if self.raw_escapes else "") + self._peek(), began)
            self.at += bool(self._peek())
        else:
            self.at += 1
            out.split(char, began)

    def _less_than(self) -> str:
        """``<``, or ``<<`` with the white space that may stand before a heredoc's name."""
        began = self.at
        self.at += 1
        if self._peek() == "<":
            self.at += 1
            while self._peek() in _HEREDOC_SPACE and self._peek():
                self.at += 1
        return self.source[began : self.at]

    def _single(self) -> str:
        end = self.source.find("'", self.at + 1)
        if end < 0:
            self.at = len(self.source)
            raise Invalid("unexpected end of statement while looking for matching single-quote")
        began, self.at = self.at, end + 1
        return self.source[began : end + 1] if self.raw_quotes else self.source[began + 1 : end]

    def _double(self) -> str:
        quote = self._next() if self.raw_quotes else self._next()[:0]
        out = [quote]
        while (char := self._peek()) != '"':
            if not char:
                raise Invalid("unexpected end of statement while looking for matching double-quote")
            if char == "$":
                out.append(self._variable())
            elif char == self.escape:
                out.append(self._escaped_in_quotes())
            else:
                out.append(self._next())
        self.at += 1
        return "".join([*out, quote])

    def _escaped_in_quotes(self) -> str:
        """Within double quotes an escape is one only before a quote, a dollar or itself."""
        escape = self._next()
        char = self._peek()
        if not char:
            return escape if self.raw_escapes else ""
        if char not in {'"', "$", self.escape}:
            return escape * 2 if self.raw_escapes else escape
        self.at += 1
        return escape + char if self.raw_escapes else char

    def _variable(self) -> str:
        began = self.at
        self.at += 1
        if self._peek() != "{":
            name = self._name()
            return self._value(name, self.source[began : self.at]) if name else "$"
        if self.depth >= DEEPEST:
            raise Invalid(f"variables are nested deeper than {DEEPEST}")
        self.depth += 1
        result = self._braced(began)
        self.depth -= 1
        return self._counted(result)

    def _counted(self, value: str) -> str:
        self.grown += len(value)
        if self.grown > LONGEST_RESULT:
            raise Invalid(f"the expansion is longer than {LONGEST_RESULT} characters")
        return value

    def _value(self, name: str, written: str) -> str:
        value = self.lookup(name)
        return (written if self.keep_unset else "") if value is None else self._counted(value)

    def _name(self) -> str:
        began = self.at
        char = self._peek()
        if char.isdecimal():
            while self._peek().isdecimal():
                self.at += 1
        elif char in _SPECIAL:
            self.at += 1
        else:
            while (char := self._peek()) and (char.isalpha() or char.isdecimal() or char == "_"):
                self.at += 1
        return self.source[began : self.at]

    def _braced(self, began: int) -> str:
        self.at += 1
        if not self._peek():
            raise Invalid("syntax error: missing '}'")
        if self._peek() in "{}:":
            raise Invalid("syntax error: bad substitution")
        name = self._name()
        operator = self._next()
        if operator == "}":
            return self._value(name, self.source[began : self.at])
        if operator == "/":
            return self._replace(name, began)
        if operator == ":":
            operator += self._next()
        if operator in _PATTERN_OPERATORS or operator in _OPERATORS:
            return self._operate(name, operator, began)
        if len(operator) < 1 + operator.startswith(":"):
            raise Invalid("syntax error: missing '}'")
        raise Invalid(f"unsupported modifier ({operator}) in substitution")

    def _operand(self, stop: str, missing: str, *, raw: bool) -> str:
        try:
            return self._until(stop, raw=raw).text
        except Invalid:
            if self.at >= len(self.source):
                raise Invalid(missing) from None
            raise

    def _operate(self, name: str, operator: str, began: int) -> str:
        word = self._operand("}", "syntax error: missing '}'", raw=operator in _PATTERN_OPERATORS)
        value = self.lookup(name)
        if value is None and self.keep_unset:
            return self.source[began : self.at]
        if operator in _OPERATORS:
            return _OPERATORS[operator](name, value, word)
        longest = word.startswith(operator)
        return _PATTERN_OPERATORS[operator](word[longest:], value or "", longest=longest)

    def _replace(self, name: str, began: int) -> str:
        every = self._peek() == "/"
        self.at += every
        pattern = self._operand("/", "syntax error: missing '/' in ${}", raw=True)
        replacement = self._operand("}", "syntax error: missing '}'", raw=True)
        value = self.lookup(name)
        if value is None and self.keep_unset:
            return self.source[began : self.at]
        return replaced(pattern, value or "", replacement, every=every)


def _required(name: str, value: str | None, message: str) -> str:
    if value is None:
        raise Invalid(f"{name}: {message or 'is not allowed to be unset'}")
    return value


def _filled(name: str, value: str | None, message: str) -> str:
    if not _required(name, value, message):
        raise Invalid(f"{name}: {message or 'is not allowed to be empty'}")
    return value or ""


_OPERATORS: dict[str, Callable[[str, str | None, str], str]] = {
    "-": lambda _name, value, word: word if value is None else value,
    ":-": lambda _name, value, word: value or word,
    "+": lambda _name, value, word: "" if value is None else word,
    ":+": lambda _name, value, word: word if value else "",
    "?": _required,
    ":?": _filled,
}
_PATTERN_OPERATORS = {"#": without_prefix, "%": without_suffix}
