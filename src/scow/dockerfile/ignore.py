"""Which paths of a build context are ignored: ``.dockerignore``, and the patterns of ``--exclude``.

A line is a comment (``#`` first), blank, a pattern, or ``!`` and a pattern that takes paths back in. Patterns are
those of :mod:`scow.dockerfile.wildcard` with ``**``, relative to the root of the context however they begin. A pattern
that matches a directory matches all beneath it; of the patterns that match, the last one decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import msgspec

from scow.dockerfile.tokens import SPACE
from scow.dockerfile.wildcard import Token, Wild, above, match, regex, tokens
from scow.errors import Invalid, Limit, Where

__all__ = ["LARGEST", "MOST", "Patterns", "clean", "match"]

#: No ignore file is larger, in bytes, or holds more patterns.
LARGEST = 1 << 20
MOST = 20_000

_SPACES = "".join(SPACE)
_NEVER = re.compile(r"(?!)")


def clean(path: str) -> str:
    """The shortest path that says the same, as Go's path.Clean: ``./a//b/../c/`` -> ``a/c``."""
    rooted = path.startswith("/")
    parts: list[str] = []
    for part in path.split("/"):
        if part in {"", "."}:
            continue
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part != ".." or not rooted:
            parts.append(part)
    return ("/" if rooted else "") + "/".join(parts) or "."


class Pattern(msgspec.Struct, frozen=True):
    """One line: the ``number`` of its line, its text made clean, and whether it began with ``!``."""

    text: str
    exception: bool = False
    number: int = 0


class Patterns(msgspec.Struct):
    """Ignore patterns, made for many questions: what a directory answers is kept for what is beneath it.

    ``names``: plain last components that match at any depth; ``paths``: plain paths; both with the index of the last
    pattern that says so. All others are one regular expression, the last pattern first.
    """

    patterns: tuple[Pattern, ...]
    _paths: dict[str, int] = {}
    _names: dict[str, int] = {}
    _others: re.Pattern[str] = _NEVER
    _order: list[int] = []
    _exceptions: list[tuple[int, re.Pattern[str]]] = []
    _directories: dict[str, int] = {}

    @classmethod
    def parse(cls, text: bytes | str, source: str = ".dockerignore") -> Patterns:
        """Read an ignore file. Invalid with its line for a pattern that is none, Limit for too many."""
        raw = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
        if len(raw) > LARGEST:
            raise Limit(f"the ignore file is larger than {LARGEST} bytes", subject=source)
        # Names that are not UTF-8 come from the file system decoded in this very way.
        lines = raw.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape").split("\n")
        return cls._made(enumerate(lines, 1), source)

    @classmethod
    def of(cls, patterns: Iterable[str]) -> Patterns:
        """Patterns that were given one by one."""
        return cls._made(((0, pattern) for pattern in patterns), "")

    @classmethod
    def _made(cls, lines: Iterable[tuple[int, str]], source: str) -> Patterns:
        read = ((number, line, _read(line, number)) for number, line in lines)
        found = [(line, pattern) for number, line, pattern in read if pattern]
        if len(found) > MOST:
            raise Limit(f"more than {MOST} ignore patterns", subject=source)
        made = cls(tuple(pattern for _, pattern in found))
        others: list[tuple[int, str]] = []
        for index, (line, pattern) in enumerate(found):
            try:
                made._add(index, pattern, others)
            except Invalid as error:
                where = Where(source, pattern.number, 1, len(line), line) if source else None
                raise Invalid(error.problem, subject=error.subject, hint=error.hint, where=where) from None
        others.reverse()
        made._order = [index for index, _ in others]
        made._others = re.compile("|".join(f"({expression})" for _, expression in others), re.DOTALL)
        return made

    def _add(self, index: int, pattern: Pattern, others: list[tuple[int, str]]) -> None:
        if not pattern.text:
            raise Invalid('illegal exclusion pattern: "!"')
        parts = tokens(pattern.text, globstar=True)
        if pattern.exception:
            self._exceptions.append((index, re.compile(above(parts), re.DOTALL)))
        if _plain(parts):
            self._paths["".join(map(str, parts))] = index
        elif parts[0] is Wild.GLOBSTAR_SLASH and _plain(parts[1:]) and "/" not in parts:
            self._names["".join(map(str, parts[1:]))] = index
        else:
            others.append((index, regex(parts)))

    def ignores(self, path: str) -> bool:
        """Is ``path`` (slashes, relative to the root of the context) ignored? The root itself never is."""
        path = path.strip("/")
        if path in {"", "."}:
            return False
        directory, slash, name = path.rpartition("/")
        return self._says(self._own(path, name, self._last(directory) if slash else -1))

    def beneath(self, directory: str) -> Callable[[str], bool]:
        """:meth:`ignores` for the names right below ``directory``, whose own answer is found once."""
        directory = directory.strip("/")
        last = self._last(directory) if directory else -1
        prefix = directory + "/" if directory else ""
        own, patterns = self._own, self.patterns

        def ignored(name: str) -> bool:
            index = own(prefix + name, name, last)
            return index >= 0 and not patterns[index].exception

        return ignored

    def may_hold_exception(self, directory: str) -> bool:
        """Can anything beneath this ignored directory be taken back in? If not, a walk need not enter it."""
        directory = directory.strip("/")
        if directory in {"", "."}:
            return bool(self._exceptions)
        last = self._last(directory)
        return any(index > last and found.fullmatch(directory) for index, found in self._exceptions)

    def _says(self, index: int) -> bool:
        return index >= 0 and not self.patterns[index].exception

    def _last(self, directory: str) -> int:
        """The index of the last pattern that matches a directory or one above it; -1 for none."""
        known = self._directories.get(directory)
        if known is None:
            known, at = -1, 0
            while at <= len(directory):  # not a recursion: a path may be deep
                end = directory.find("/", at)
                end = len(directory) if end < 0 else end
                part = directory[:end]
                if part not in self._directories:
                    self._directories[part] = self._own(part, part[at:], known)
                known, at = self._directories[part], end + 1
        return known

    def _own(self, path: str, name: str, last: int) -> int:
        """The index of the last pattern that matches the path itself, or ``last`` where that is later."""
        if (index := self._paths.get(path, -1)) > last:
            last = index
        if (index := self._names.get(name, -1)) > last:
            last = index
        if self._order and self._order[0] > last:
            found = self._others.fullmatch(path)
            if found:
                last = max(last, self._order[(found.lastindex or 1) - 1])
        return last


def _plain(parts: tuple[Token, ...]) -> bool:
    return all(isinstance(part, str) for part in parts)


def _read(line: str, number: int) -> Pattern | None:
    """One line of an ignore file; None for a comment or a blank line."""
    if line.startswith("#"):
        return None
    text = line.strip(_SPACES)
    if not text:
        return None
    exception = text[0] == "!"
    text = text[exception:].strip(_SPACES)
    if text:
        text = clean(text)
        text = text[1:] if len(text) > 1 and text[0] == "/" else text
    return Pattern(text, exception, number)
