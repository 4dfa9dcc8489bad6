"""Shell text cut into the simple commands it holds; what they would do is nobody's business here.

::

    script      := ( command | operator | comment )*
    operator    := ";" | "&" | "&&" | "||" | "|" | "|&" | newline | "(" | ")" | "{" | "}" | ";;"
    command     := assignment* word* , redirections anywhere
    word        := ( plain | escape any | quoted | "$(" script ")" | "`" … "`" | "${" … "}" | "$((" … "))" )+

It is a reader of what people write, not a shell: it never fails, whatever it is given, and takes linear time. The
commands within ``$(…)``, ``(…)``, ``if``, ``for``, ``case`` and the like are commands as all others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

#: Command substitutions nested deeper are read as plain text.
DEEPEST = 24

_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\[[^]]*\])?\+?=")
_OPERATORS = ("&&", "||", "|&", ";;&", ";;", ";&", "&>>", "&>", ";", "|", "&", "\n")
_ENDS_OF_BRANCH = frozenset({";;", ";&", ";;&"})
_REDIRECTION = re.compile(r"[0-9]*(<<-|<<<|<<|<>|<&|>>|>&|>\||<|>)|&>>?")
_OPENING = frozenset({"if", "then", "elif", "else", "while", "until", "do", "!", "{", "}", "time", "coproc"})
_CLOSING = frozenset({"fi", "done", "}"})
_BLANK = frozenset(" \t\r\v\f")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-]")
#: What ``nested`` says within a case: a pattern comes, or the commands of one.
_PATTERN, _BRANCH = "pattern", "branch"


@dataclass(frozen=True, slots=True)
class ShellWord:
    """``text`` is without quotes and escapes; a ``plain`` word is what it will be when the shell has read it.

    ``start`` and ``end`` are offsets in the script; ``exact``: it was written as its text.
    """

    text: str
    start: int
    end: int
    plain: bool = True

    @property
    def exact(self) -> bool:
        """Is the text what was written?"""
        return self.end - self.start == len(self.text)


@dataclass(frozen=True, slots=True)
class Command:
    """A simple command. ``after`` is the operator before it (``""`` for the first), ``depth`` how deep it is nested."""

    words: tuple[ShellWord, ...]
    assignments: tuple[ShellWord, ...] = ()
    after: str = ""
    depth: int = 0

    @property
    def start(self) -> int:
        """Where its first word begins."""
        return min(word.start for word in (*self.assignments[:1], *self.words[:1]))


@dataclass(frozen=True, slots=True)
class Script:
    """The commands in the order they begin, and the comments as (start, end).

    ``closed``: every quote, substitution and parenthesis that was opened is closed.
    """

    commands: tuple[Command, ...]
    comments: tuple[tuple[int, int], ...] = ()
    closed: bool = True


def script(text: str, *, heredocs: bool = True) -> Script:
    """Read shell text. ``heredocs``: the lines after ``<<NAME`` are its document (not so in a joined RUN line)."""
    reader = _Reader(text, heredocs)
    reader.commands_until("")
    order = sorted(reader.found, key=lambda command: command.start)
    return Script(tuple(order), tuple(reader.comments), reader.closed)


@dataclass(slots=True)
class _Open:
    """The command being read."""

    after: str = ""
    words: list[ShellWord] = field(default_factory=list)
    assignments: list[ShellWord] = field(default_factory=list)
    redirecting: str = ""
    skipping: bool = False


@dataclass(slots=True)
class _Reader:
    """One walk over the text."""

    text: str
    heredocs: bool
    at: int = 0
    depth: int = 0
    found: list[Command] = field(default_factory=list)
    comments: list[tuple[int, int]] = field(default_factory=list)
    waiting: list[tuple[str, bool]] = field(default_factory=list)
    closed: bool = True

    def commands_until(self, closing: str) -> None:
        """Up to ``closing`` (eaten), or to the end."""
        nested: list[str] = []
        open_ = _Open()
        while self.at < len(self.text):
            char = self.text[self.at]
            if char in _BLANK or self.text.startswith("\\\n", self.at):
                self.at += 1 + (char == "\\")
            elif char == "#":
                self._comment()
            elif char == closing and not nested:
                self.at += 1
                closing = ""
                break
            elif char in "()" and not self._in_test(open_):
                open_ = self._parenthesis(char, open_, nested)
            elif not self._in_test(open_) and (operator := self._operator()):
                open_ = self._operated(operator, open_, nested)
            else:
                self._word_or_redirection(open_, nested)
        self._finish(open_)
        self.closed = self.closed and not (closing or nested)

    def _in_test(self, open_: _Open) -> bool:
        """Between ``[[`` and ``]]`` operators are words."""
        words = open_.words
        return bool(words) and words[0].text == "[[" and words[-1].text != "]]" and self.text[self.at] != "\n"

    def _operator(self) -> str:
        found = next((operator for operator in _OPERATORS if self.text.startswith(operator, self.at)), "")
        return "" if found.startswith("&>") else found

    def _operated(self, operator: str, open_: _Open, nested: list[str]) -> _Open:
        self.at += len(operator)
        if nested and nested[-1] == _PATTERN:
            return open_
        self._finish(open_)
        if nested and nested[-1] == _BRANCH and operator in _ENDS_OF_BRANCH:
            nested[-1] = _PATTERN
        if operator == "\n":
            self._documents()
        return _Open(operator)

    def _comment(self) -> None:
        end = self.text.find("\n", self.at)
        end = end if end >= 0 else len(self.text)
        self.comments.append((self.at, end))
        self.at = end

    def _parenthesis(self, char: str, open_: _Open, nested: list[str]) -> _Open:
        self.at += 1
        if char == "(":
            if nested and nested[-1] == _PATTERN:
                return open_
            if open_.words:  # name () { … }, or an array
                open_.words.clear()
            nested.append("(")
            self._finish(open_)
            return _Open("(")
        if nested and nested[-1] == _PATTERN:
            nested[-1] = _BRANCH
            return _Open(")")  # the words before it are no command
        if nested:
            nested.pop()
        self._finish(open_)
        return _Open(")")

    def _word_or_redirection(self, open_: _Open, nested: list[str]) -> None:
        found = _REDIRECTION.match(self.text, self.at)
        if found and not self._in_test(open_):
            self.at = found.end()
            open_.redirecting = found[0]
            if self.text.startswith("(", self.at):  # <(…) is a word that is a file
                open_.redirecting = ""
                self._substitution(self.at + 1)
            return
        word = self._word()
        if open_.redirecting:
            self._redirected(open_, word)
        elif not open_.words and _ASSIGNMENT.match(word.text) and self.text[word.start] == word.text[0]:
            open_.assignments.append(word)
        else:
            self._take(open_, word, nested)

    def _redirected(self, open_: _Open, word: ShellWord) -> None:
        operator = open_.redirecting.lstrip("0123456789")
        if self.heredocs and operator in {"<<", "<<-"}:
            self.waiting.append((word.text, operator == "<<-"))
        open_.redirecting = ""

    def _take(self, open_: _Open, word: ShellWord, nested: list[str]) -> None:
        """A word of a command, unless it is one of the shell's own."""
        if open_.words or open_.assignments or not word.exact:
            open_.words.append(word)
            if open_.skipping and word.text == "in" and open_.words[0].text == "case":
                open_.words.clear()
                open_.skipping = False
                nested.append(_PATTERN)
        elif word.text in _OPENING or word.text in _CLOSING:
            pass
        elif word.text == "esac":
            if nested and nested[-1] in {_PATTERN, _BRANCH}:
                nested.pop()
        else:
            open_.words.append(word)
            open_.skipping = word.text in {"for", "select", "function", "case"}

    def _finish(self, open_: _Open) -> None:
        words = [] if open_.skipping else open_.words
        if words or open_.assignments:
            self.found.append(Command(tuple(words), tuple(open_.assignments), open_.after, self.depth))

    def _documents(self) -> None:
        """The documents of ``<<NAME``, which begin on this line."""
        for name, chomp in self.waiting:
            while self.at < len(self.text):
                end = self.text.find("\n", self.at)
                end = end if end >= 0 else len(self.text)
                line, self.at = self.text[self.at : end], end + 1
                if (line.lstrip("\t") if chomp else line) == name:
                    break
        self.waiting.clear()

    def _word(self) -> ShellWord:
        start, out, plain = self.at, [""], True
        while self.at < len(self.text):
            char = self.text[self.at]
            if char in _BLANK or char in "\n;&|()<>":
                break
            if char in "$`":
                out.append(self._dollar() if char == "$" else self._backticks())
                plain = plain and out[-1] == "$"
            elif char == "'":
                out.append(self._quoted(self.at + 1, "'"))
            elif char == '"':
                text, constant = self._double()
                out.append(text)
                plain = plain and constant
            elif char == "\\":
                out.append(self.text[self.at + 1 : self.at + 2].replace("\n", ""))
                self.at += 2
            else:
                plain = plain and char not in "*?["
                out.append(char)
                self.at += 1
        if self.at == start:  # a lone character that begins nothing
            self.at += 1
            return ShellWord(self.text[start], start, self.at)
        self.at = min(self.at, len(self.text))
        return ShellWord("".join(out), start, self.at, plain)

    def _quoted(self, start: int, quote: str) -> str:
        end = self._find(quote, start)
        self.at = end + 1
        return self.text[start:end]

    def _find(self, quote: str, start: int) -> int:
        """Where the quote is closed, or the end of the text."""
        end = self.text.find(quote, start)
        self.closed = self.closed and end >= 0
        return end if end >= 0 else len(self.text)

    def _double(self) -> tuple[str, bool]:
        """Text within double quotes, and whether it is constant."""
        self.at += 1
        out, constant = [""], True
        while self.at < len(self.text) and self.text[self.at] != '"':
            char = self.text[self.at]
            if char in "$`":
                out.append(self._dollar() if char == "$" else self._backticks())
                constant = constant and out[-1] == "$"
            elif char == "\\" and self.text[self.at + 1 : self.at + 2] in {'"', "\\", "$", "`", "\n"}:
                out.append(self.text[self.at + 1].replace("\n", ""))
                self.at += 2
            else:
                out.append(char)
                self.at += 1
        self.closed = self.closed and self.at < len(self.text)
        self.at += 1
        return "".join(out), constant

    def _dollar(self) -> str:
        """``$name``, ``${…}``, ``$(…)``, ``$((…))`` or ``$'…'`` as written."""
        start = self.at
        follows = self.text[self.at + 1 : self.at + 2]
        if follows == "(" and self.text[self.at + 2 : self.at + 3] != "(":
            self._substitution(self.at + 2)
        elif follows == "(":
            self._balanced(self.at + 1, "(", ")")
        elif follows == "{":
            self._balanced(self.at + 1, "{", "}")
        elif follows == "'":
            self._quoted(self.at + 2, "'")
        else:
            self.at += 1
            found = _NAME.match(self.text, self.at)
            self.at = found.end() if found else self.at
        return self.text[start : self.at]

    def _substitution(self, start: int) -> None:
        """The commands of ``$(``, which begin at ``start``."""
        if self.depth >= DEEPEST:
            self.at, self.closed = len(self.text), False
            return
        self.at = start
        self.depth += 1
        self.commands_until(")")
        self.depth -= 1

    def _backticks(self) -> str:
        """The commands of an old substitution are read where they stand, without what their escapes would mean."""
        start = self.at
        end = self._find("`", start + 1)
        if self.depth < DEEPEST:
            inner = _Reader(self.text[start + 1 : end], heredocs=False, depth=self.depth + 1)
            inner.commands_until("")
            self.found += (_shifted(command, start + 1) for command in inner.found)
        self.at = end + 1
        return self.text[start : self.at]

    def _balanced(self, start: int, opening: str, closing: str) -> None:
        depth = 0
        for at in range(start, len(self.text)):
            depth += (self.text[at] == opening) - (self.text[at] == closing)
            if not depth:
                self.at = at + 1
                return
        self.at, self.closed = len(self.text), False


def _shifted(command: Command, by: int) -> Command:
    """The same command, read out of a longer text."""

    def moved(words: tuple[ShellWord, ...]) -> tuple[ShellWord, ...]:
        return tuple(replace(word, start=word.start + by, end=word.end + by) for word in words)

    return replace(command, words=moved(command.words), assignments=moved(command.assignments))
