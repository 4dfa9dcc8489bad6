"""What became of every file of every layer: in the final file system, or hidden by a later layer, and by which. Pure.

A file's bytes stand in the layer that wrote them for ever; what a later layer overwrites or deletes is carried along
all the same. Each (layer, path) is told once, so that no byte is counted twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal

import msgspec

from scow.layer.entry import Entry
from scow.layer.view import Found, View

Fate = Literal["", "overwritten", "deleted", "repeated", "metadata-copy", "rewritten"]
Key = tuple[int, bytes]  # a layer, and the path in it that holds the bytes
_NOBODY: Final = -1


class File(msgspec.Struct, frozen=True, gc=False):
    """One file's bytes in one layer. ``fate`` is empty when a container sees them; ``cause`` is the layer whose step
    hid them (or copied them once more), -1 where there is none. ``links`` are further names of them that a container
    sees."""

    layer: int
    entry: Entry
    fate: Fate = ""
    cause: int = _NOBODY
    links: tuple[bytes, ...] = ()


class Stack:
    """All layers on top of each other: ``view`` is the final file system, ``files`` every file of every layer."""

    def __init__(self, layers: Iterable[Sequence[Entry]]) -> None:
        self.view = View()
        self._ends: dict[Key, tuple[Fate, int]] = {}
        self._copies: dict[Key, tuple[Fate, Key]] = {}
        self._layers: list[Sequence[Entry]] = []
        self._hidden: dict[Key, int] = {}  # a directory's whiteout -> what it hides
        for number, entries in enumerate(layers):
            if number:
                self._note(number, entries)
            self.view.stack(number, entries)
            self._layers.append(entries)
        self.found = [found for found in self.view.walk() if found.entry.kind == "file"]
        self._live = {_key(found) for found in self.found}
        self._links = _links(self.found) if len(self._live) < len(self.found) else {}
        self._settle_copies()
        self.files = [file for number, entries in enumerate(self._layers) for file in self._told(number, entries)]

    def _note(self, number: int, entries: Iterable[Entry]) -> None:
        """What this layer hides of the ones below it, before it is put on top of them."""
        real: dict[bytes, bytes] = {b"": b""}
        for entry in entries:
            parent, slash, name = entry.path.rpartition(b"/")
            at = real.get(parent)
            if at is None:
                at = self._real(parent, real)
            path = entry.path if at == parent else at + slash + name if at else name
            if entry.kind == "whiteout":
                old, size = self.view.find(path), self._end(number, path, "deleted")
                if old is not None and old.entry.kind == "dir":
                    self._hidden[number, entry.path] = size
            elif entry.kind == "opaque":
                for child in self.view.children(path):
                    self._end(number, child, "deleted")
            else:
                self._replace(number, entry, path)

    def _real(self, directory: bytes, real: dict[bytes, bytes]) -> bytes:
        """Where a directory really lies, which ``real`` remembers: a link of the layers below may stand for it."""
        missing: list[bytes] = []
        while directory not in real:
            missing.append(directory)
            directory = directory.rpartition(b"/")[0]
        for directory in reversed(missing):
            parent, _, name = directory.rpartition(b"/")
            at = real[parent] + b"/" + name if real[parent] else name
            found = self.view.find(at)
            real[directory] = self.view.resolve(at) if found and found.entry.kind == "symlink" else at
        return real[directory]

    def _replace(self, number: int, entry: Entry, path: bytes) -> None:
        old = self.view.find(path)
        if old is None or (entry.kind == old.entry.kind == "dir"):
            return
        self._end(number, path, "overwritten")
        self._copies.pop((number, entry.path), None)  # of a path that comes twice, the last counts
        if entry.kind == old.entry.kind == "file" and entry.size and entry.digest == old.entry.digest:
            fate: Fate = "rewritten" if _same(entry, old.entry) else "metadata-copy"
            self._copies[number, entry.path] = (fate, (old.layer, old.source))

    def _end(self, number: int, path: bytes, fate: Fate) -> int:
        """Note the end of everything at and below ``path``; returns what it weighs, hard links once."""
        size = 0
        for found in self.view.walk(path):
            if found.entry.kind == "file":
                key = _key(found)
                if self._ends.get(key) != ("overwritten", number):  # a path deleted and made anew is overwritten
                    self._ends[key] = (fate, number)
                size += found.entry.size if found.source == found.entry.path else 0
        return size

    def weights(self) -> Iterator[tuple[bytes, int]]:
        """Every path of every layer with what it weighs there, in dive's terms: a deleted directory weighs what was in
        it, a deleted file nothing; a directory counts where the layer has nothing in it."""
        for number, entries in enumerate(self._layers):
            last, filled = _last(entries), _filled(entries)
            for at, entry in enumerate(entries):
                if entry.kind == "whiteout":
                    yield entry.path, self._hidden.get((number, entry.path), 0)
                elif entry.kind != "opaque" and entry.path not in filled and (not last or last[entry.path] == at):
                    yield entry.path, entry.size if entry.kind == "file" else 0

    def _settle_copies(self) -> None:
        """Of equal contents on top of each other the lowest is the one that is needed: it ends as the topmost does."""
        for key, (_, below) in sorted(self._copies.items(), reverse=True):
            if key in self._live:
                self._live.add(below)
            elif below not in self._live and key in self._ends:
                self._ends[below] = self._ends[key]

    def _told(self, number: int, entries: Sequence[Entry]) -> Iterable[File]:
        last = _last(entries)
        for at, entry in enumerate(entries):
            if entry.kind != "file":
                continue
            key = (number, entry.path)
            if last and last[entry.path] != at:
                yield File(number, entry, "repeated", number)
            elif key in self._copies:
                yield File(number, entry, self._copies[key][0], number)
            elif key in self._live:
                yield File(number, entry, links=self._links.get(key, ()))
            else:
                yield File(number, entry, *self._ends.get(key, ("overwritten", _NOBODY)))


def _last(entries: Sequence[Entry]) -> dict[bytes, int]:
    """Where each path comes last, when some come twice."""
    paths = [entry.path for entry in entries]
    if len(set(paths)) == len(paths):
        return {}
    return {entry.path: at for at, entry in enumerate(entries) if entry.kind not in ("whiteout", "opaque")}


def _filled(entries: Sequence[Entry]) -> set[bytes]:
    """The directories in which the layer has, or deletes, something."""
    filled = {b""}
    for entry in entries:
        above = entry.path if entry.kind != "opaque" else b""
        while (above := above.rpartition(b"/")[0]) not in filled:
            filled.add(above)
    return filled


def _links(found: Iterable[Found]) -> dict[Key, tuple[bytes, ...]]:
    """The hard links to each file, under whatever name the layer holds it."""
    links: dict[Key, tuple[bytes, ...]] = {}
    for one in found:
        if one.entry.path != one.source:
            links[_key(one)] = (*links.get(_key(one), ()), one.entry.path)
    return links


def _key(found: Found) -> Key:
    return found.layer, found.source


def _same(one: Entry, other: Entry) -> bool:
    """Whether two files of equal content are equal in all else too, but for their times' fractions."""
    return (one.mode, one.uid, one.gid, one.mtime, one.xattrs) == (
        other.mode,
        other.uid,
        other.gid,
        other.mtime,
        other.xattrs,
    )
