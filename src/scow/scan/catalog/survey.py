"""One layer looked over: each file that says something, read once, in one pass over the layer's bytes.

That pass is the one in which the layer's index is made, when there is none yet: then what a file says is known before
it is known whether it stays.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Final, Protocol

from scow.content.target import Reader
from scow.errors import Denied
from scow.layer.entry import Entry
from scow.layer.view import Found
from scow.scan.catalog.opening import Opening
from scow.scan.catalog.reading import Reading, Record
from scow.scan.catalog.rules import PROGRAMS, Rule, rule_for

_FILES_LIMIT: Final = 200_000
_HOLDING: Final = frozenset({"dir", "whiteout", "opaque"})
_MARKERS: Final = frozenset({"whiteout", "opaque"})  # they speak of the layers below
_PROGRAM_LEAST: Final = 4096  # a smaller one has no room for what is looked for


class Layers(Protocol):
    """What is looked at: ``scow.image.contents.Contents`` is one."""

    def entries(self, number: int) -> Iterator[Entry]:
        """What layer ``number`` says, in its order."""
        ...

    def watch(self, number: int, watch: Callable[[Entry], Callable[[Reader], None] | None]) -> None:
        """If the index of layer ``number`` is still to be made: make it, and let ``watch`` say who reads which file."""
        ...

    def each(self, wanted: Iterable[Found]) -> Iterator[tuple[Found, Reader]]:
        """The wanted files, each of which is read before the next."""
        ...


def survey(layers: Layers, number: int) -> Record:
    """Layer ``number``, looked over. What cannot be read is among the readings, with its reason."""
    opening = Opening()
    passing = _Passing(opening)
    layers.watch(number, passing.watch)
    wanted, links = _wanted(layers, number)
    readings = {path: _too_large(*one) for path, one in wanted.items() if one[0].size > one[1].limit}
    for path in readings:
        del wanted[path]
    if len(wanted) > _FILES_LIMIT:
        first = list(wanted)[_FILES_LIMIT]
        readings[first] = Reading(
            reasons=(f"is where the limit of {_FILES_LIMIT} files was reached: the rest is not read",)
        )
        wanted = dict(islice(wanted.items(), _FILES_LIMIT))
    told = (*passing.take(wanted), *_readings(layers, number, wanted, opening))
    readings |= {path: reading for path, reading in told if reading}
    for path, target in links.items():
        if target in readings:
            readings[path] = readings[target]
    return Record(readings)


def _readings(
    layers: Layers, number: int, wanted: dict[bytes, tuple[Entry, Rule]], opening: Opening
) -> Iterator[tuple[bytes, Reading]]:
    """What the wanted files say. One that may not be read (of a directory on disk) does not keep us from the others."""
    left = dict(wanted)
    while left:
        try:
            for found, reader in layers.each([Found(entry, number, path) for path, (entry, _) in left.items()]):
                path = found.source
                entry, rule = left.pop(path)
                yield path, opening.read(entry, rule, reader)
            return
        except Denied as error:
            denied = next((path for path in left if os.fsencode(error.subject).endswith(path)), None)
            if denied is None:
                raise
            del left[denied]
            yield denied, Reading(reasons=(error.problem,))


def _wanted(layers: Layers, number: int) -> tuple[dict[bytes, tuple[Entry, Rule]], dict[bytes, bytes]]:
    """The files to read, and hard links to such: what has a name that counts may be a link to one that has none."""
    wanted: dict[bytes, tuple[Entry, Rule]] = {}
    links: dict[bytes, bytes] = {}
    lent: dict[bytes, Rule] = {}
    there = _There()
    for entry in layers.entries(number):
        if entry.kind in _MARKERS:
            continue
        wanted.pop(entry.path, None)  # a path that comes twice: the last one counts
        there.see(entry)
        rule = rule_for(entry.path)
        if entry.kind == "hardlink":
            links[entry.path] = entry.link
            if rule:
                lent[entry.link] = rule
        elif entry.kind == "file" and entry.size and (rule := rule or _by_content(entry)):
            wanted[entry.path] = (entry, rule)
            there.expect(entry.path)
    found = {path: one for path, one in wanted.items() if there.holds(path)}
    return found | (_linked_to(layers, number, lent) if lent else {}), links


def _by_content(entry: Entry) -> Rule | None:
    return PROGRAMS if entry.mode & 0o111 and entry.size >= _PROGRAM_LEAST else None


class _Passing:
    """What files say that were read as they went by: of a path that comes twice, the last one."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._read: dict[bytes, tuple[Rule, Reading]] = {}

    def watch(self, entry: Entry) -> Callable[[Reader], None] | None:
        """Who reads an entry's content, if anybody does."""
        self._read.pop(entry.path, None)
        rule = (rule_for(entry.path) or _by_content(entry)) if entry.size else None
        if rule is None or entry.size > rule.limit or len(self._read) >= _FILES_LIMIT:
            return None
        return partial(self._take, entry, rule)

    def take(self, wanted: dict[bytes, tuple[Entry, Rule]]) -> Iterator[tuple[bytes, Reading]]:
        """What is known of the ``wanted`` files, each of which is then wanted no more."""
        for path, (rule, reading) in self._read.items():
            if path in wanted and wanted[path][1] is rule:
                del wanted[path]
                yield path, reading

    def _take(self, entry: Entry, rule: Rule, reader: Reader) -> None:
        self._read[entry.path] = rule, self._opening.read(entry, rule, reader)


def _linked_to(layers: Layers, number: int, lent: dict[bytes, Rule]) -> dict[bytes, tuple[Entry, Rule]]:
    """The files that hard links of the layer name, each read by the rule of its link's name."""
    there = _There()
    for path in lent:
        there.expect(path)
    found: dict[bytes, tuple[Entry, Rule]] = {}
    for entry in layers.entries(number):
        there.see(entry)
        if entry.path in lent and entry.kind not in _MARKERS:
            found.pop(entry.path, None)
            if entry.kind == "file":
                found[entry.path] = (entry, lent[entry.path])
    return {path: one for path, one in found.items() if there.holds(path)}


class _There:
    """Which files are still there at the end of a layer: a directory on the way may have become a link or a file.

    Nobody may open such a path: a link could lead out of the layer.
    """

    def __init__(self) -> None:
        self._above: set[bytes] = set()
        self._since: dict[bytes, int] = {}
        self._cut: dict[bytes, int] = {}
        self._time = 0

    def expect(self, path: bytes) -> None:
        """``path`` is a file, as of now."""
        self._since[path] = self._time
        self._above.update(_ancestors(path))

    def see(self, entry: Entry) -> None:
        """The next entry of the layer."""
        self._time += 1
        if entry.kind not in _HOLDING and entry.path in self._above:
            self._cut[entry.path] = self._time

    def holds(self, path: bytes) -> bool:
        """Whether ``path`` is where it was."""
        since = self._since.get(path, 0)
        return not any(self._cut.get(above, -1) > since for above in _ancestors(path))


def _ancestors(path: bytes) -> Iterator[bytes]:
    """The directories that ``path`` lies in, but for the root."""
    while path := path.rpartition(b"/")[0]:
        yield path


def _too_large(entry: Entry, rule: Rule) -> Reading:
    return Reading(reasons=(f"file of {entry.size} bytes is over the limit of {rule.limit}",))
