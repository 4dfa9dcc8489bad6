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
_LIBRARY: Final = b".so"  # need not be executable; those of C have their version behind that
_PROGRAM_LEAST: Final = 4096  # a smaller one has no room for what is looked for


class Layers(Protocol):
    """What is looked at: ``scow.image.contents.Contents`` is one."""

    def entries(self, number: int) -> Iterator[Entry]:
        """What layer ``number`` says, in its order."""
        ...

    def watch(self, number: int, watch: Callable[[Entry], Callable[[Reader], None] | None]) -> bool:
        """If the index of layer ``number`` is still to be made: make it, and let ``watch`` see its entries (but for
        what they say of the layers below) and say who reads which file. Whether that was so."""
        ...

    def each(self, wanted: Iterable[Found]) -> Iterator[tuple[Found, Reader]]:
        """The wanted files, each of which is read before the next."""
        ...


def survey(layers: Layers, number: int) -> Record:
    """Layer ``number``, looked over. What cannot be read is among the readings, with its reason."""
    look = _Look(Opening())
    if not layers.watch(number, look.read_along):
        for entry in layers.entries(number):
            look.see(entry)
    wanted = look.wanted() | (_linked_to(layers, number, look.lent) if look.lent else {})
    readings = {path: _too_large(*one) for path, one in wanted.items() if one[0].size > one[1].limit}
    for path in readings:
        del wanted[path]
    if len(wanted) > _FILES_LIMIT:
        first = list(wanted)[_FILES_LIMIT]
        readings[first] = Reading(
            reasons=(f"is where the limit of {_FILES_LIMIT} files was reached: the rest is not read",)
        )
        wanted = dict(islice(wanted.items(), _FILES_LIMIT))
    told = (*look.take(wanted), *_readings(layers, number, wanted, look.opening))
    readings |= {path: reading for path, reading in told if reading}
    for path, target in look.links.items():
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


class _Look:
    """The entries of one layer, in their order: which files to read, and what those said that went by.

    ``links`` are the hard links; a link whose name counts has ``lent`` its rule to a file that may have none.
    """

    def __init__(self, opening: Opening) -> None:
        self.opening = opening
        self.links: dict[bytes, bytes] = {}
        self.lent: dict[bytes, Rule] = {}
        self._wanted: dict[bytes, tuple[Entry, Rule]] = {}
        self._read: dict[bytes, tuple[Rule, Reading]] = {}
        self._there = _There()

    def see(self, entry: Entry) -> Rule | None:
        """The next entry: who reads it, if it is a file that counts. Of a path that comes twice, the last one does."""
        path, kind = entry.path, entry.kind
        if kind in _MARKERS:
            return None
        self._wanted.pop(path, None)
        self._there.see(entry)
        rule = rule_for(path)
        if kind == "hardlink":
            self.links[path] = entry.link
            if rule:
                self.lent[entry.link] = rule
        elif kind == "file" and entry.size and (rule := rule or _by_content(entry)):
            self._wanted[path] = (entry, rule)
            self._there.expect(path)
            return rule
        return None

    def read_along(self, entry: Entry) -> Callable[[Reader], None] | None:
        """As :meth:`see`, of an entry whose content goes by."""
        self._read.pop(entry.path, None)
        rule = self.see(entry)
        if rule is None or entry.size > rule.limit or len(self._read) >= _FILES_LIMIT:
            return None
        return partial(self._take, entry, rule)

    def wanted(self) -> dict[bytes, tuple[Entry, Rule]]:
        """The files to read, once all entries were seen."""
        return {path: one for path, one in self._wanted.items() if self._there.holds(path)}

    def take(self, wanted: dict[bytes, tuple[Entry, Rule]]) -> Iterator[tuple[bytes, Reading]]:
        """What is known of the ``wanted`` files, each of which is then wanted no more."""
        for path, (rule, reading) in self._read.items():
            if path in wanted and wanted[path][1] is rule:
                del wanted[path]
                yield path, reading

    def _take(self, entry: Entry, rule: Rule, reader: Reader) -> None:
        self._read[entry.path] = rule, self.opening.read(entry, rule, reader)


def _by_content(entry: Entry) -> Rule | None:
    may_be = entry.size >= _PROGRAM_LEAST and (entry.mode & 0o111 or entry.path.endswith(_LIBRARY))
    return PROGRAMS if may_be else None


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
