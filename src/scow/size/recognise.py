"""A file's path → the kind of waste it looks like, by the tables of ``places`` and ``names``. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from scow.size.kinds import Kind
from scow.size.names import NAMED, PLACED, PLACES, SECRETS
from scow.size.places import BELOW

#: Directories whose files may still be something worse, or better known, than what the directory says.
_OPEN: Final = frozenset({"", "temporary", "logs", "user-cache"})
#: Where names of keys and logins are examples and tests.
_EXAMPLES: Final = re.compile(
    rb"usr/(?:local/)?(?:share|lib|include)/|etc/ssl/certs/|(?:.*/)?(?:node_modules|site-packages)/"
)
_PLACES: Final = re.compile(PLACES)
#: What lies deeper is what the directory above it is: no pattern is tried on thousands of components.
_DEEPEST: Final = 32
_LICENCES: Final = re.compile(rb"(?:copyright|licen[cs]es?|copying|notice)(?:[.-].*)?", re.IGNORECASE)


class _Judged(NamedTuple):
    """What a directory's files are, what secrets they are, whether their names prove nothing, and whether their whole
    paths may tell."""

    below: str
    secret: str
    examples: bool
    placed: bool


class Recogniser:
    """Answers for many paths: what goes by a directory is asked once for each."""

    def __init__(self) -> None:
        self._directories: dict[bytes, _Judged] = {}

    def kind(self, path: bytes) -> str:
        """The id of a kind, or nothing."""
        parent, _, name = path.rpartition(b"/")
        below, secret, examples, placed = self._directories.get(parent) or self._judged(parent)
        if below not in _OPEN:
            return "" if below == "docs" and _LICENCES.fullmatch(name) else below
        if secret:
            return secret
        if not examples and (found := _whole(_SECRET_NAMES, name)):
            return found
        return (placed and _whole(_PLACED, path)) or below or _whole(_NAMED, name)

    def _judged(self, directory: bytes) -> _Judged:
        """The verdict on a directory: its parent's, if that leaves nothing open, else its own."""
        known = self._directories
        names = directory.split(b"/")[:_DEEPEST] if directory else []
        verdict = known.get(b"") or known.setdefault(b"", _verdict(b""))
        for count in range(1, len(names) + 1):
            at = b"/".join(names[:count])
            if at not in known:
                known[at] = _verdict(at) if verdict.below in _OPEN else verdict
            verdict = known[at]
        known[directory] = verdict
        return verdict


def _verdict(directory: bytes) -> _Judged:
    text = directory + b"/" if directory else b""
    examples = _EXAMPLES.match(text) is not None
    secret = "" if examples else _anywhere(_SECRET_BELOW, text)
    return _Judged(_anywhere(_BELOW, text), secret, examples, _PLACES.fullmatch(directory) is not None)


_Table = tuple[re.Pattern[bytes], list[str]]


def _table(patterns: Iterable[tuple[Kind, bytes]]) -> _Table:
    """One pattern with a group for each kind, and what the groups mean."""
    several = [(kind, pattern) for kind, pattern in patterns if pattern]
    return re.compile(b"|".join(b"(" + pattern + b")" for _, pattern in several)), [kind.id for kind, _ in several]


def _anywhere(table: _Table, text: bytes) -> str:
    """The first kind of the table of all that begin at some component of ``text``."""
    best, at = len(table[1]), 0
    while at >= 0:
        match = table[0].match(text, at)
        if match:
            best = min(best, (match.lastindex or 1) - 1)
        at = text.find(b"/", at + 1)
    return table[1][best] if best < len(table[1]) else ""


def _whole(table: _Table, text: bytes) -> str:
    match = table[0].fullmatch(text)
    return table[1][(match.lastindex or 1) - 1] if match else ""


_BELOW: Final = _table((kind, kind.below) for kind in BELOW)
_NAMED: Final = _table((kind, kind.named) for kind in NAMED)
_PLACED: Final = _table((kind, kind.named) for kind in PLACED)
_SECRET_NAMES: Final = _table((kind, kind.named) for kind in SECRETS)
_SECRET_BELOW: Final = _table((kind, kind.below) for kind in SECRETS)
