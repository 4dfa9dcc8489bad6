"""One layer looked over: each file that says something, read once, in one pass over the layer's bytes."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import IO, Final, Protocol, cast

from scow.content.target import Reader
from scow.content.verify import read_all
from scow.errors import Denied
from scow.layer.entry import Entry
from scow.layer.view import Found
from scow.scan.catalog.programs import PROGRAM
from scow.scan.catalog.reading import Reading, Record, sane
from scow.scan.catalog.rules import PROGRAMS, Rule, rule_for
from scow.scan.catalog.window import File, Window

_FILES_LIMIT: Final = 200_000
_IN_MEMORY: Final = 16 << 20
_CHUNK: Final = 1 << 20
_PROGRAM_LEAST: Final = 4096  # a smaller one has no room for what is looked for


class Layers(Protocol):
    """What is looked at: ``scow.image.contents.Contents`` is one."""

    def entries(self, number: int) -> Iterator[Entry]:
        """What layer ``number`` says, in its order."""
        ...

    def each(self, wanted: Iterable[Found]) -> Iterator[tuple[Found, Reader]]:
        """The wanted files, each of which is read before the next."""
        ...


def survey(layers: Layers, number: int) -> Record:
    """Layer ``number``, looked over. What cannot be read is among the readings, with its reason."""
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
    for path, reading in _readings(layers, number, wanted):
        if reading:
            readings[path] = sane(reading)
    for path, target in links.items():
        if target in readings:
            readings[path] = readings[target]
    return Record(readings)


def _readings(layers: Layers, number: int, wanted: dict[bytes, tuple[Entry, Rule]]) -> Iterator[tuple[bytes, Reading]]:
    """What the wanted files say. One that may not be read (of a directory on disk) does not keep us from the others."""
    left = dict(wanted)
    while left:
        try:
            for found, reader in layers.each([Found(entry, number, path) for path, (entry, _) in left.items()]):
                path = found.source
                yield path, _read(found, reader, left.pop(path)[1])
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
    for entry in layers.entries(number):
        if entry.kind == "file":
            wanted.pop(entry.path, None)  # a path that comes twice: the last one counts
            rule = rule_for(entry.path) or (PROGRAMS if entry.mode & 0o111 and entry.size >= _PROGRAM_LEAST else None)
            if rule and entry.size:
                wanted[entry.path] = (entry, rule)
        elif entry.kind == "hardlink":
            links[entry.path] = entry.link
            rule = rule_for(entry.path)
            if rule:
                lent[entry.link] = rule
    if lent:
        for entry in layers.entries(number):
            if entry.path in lent and entry.kind == "file":
                wanted[entry.path] = (entry, lent[entry.path])
    return wanted, links


def _too_large(entry: Entry, rule: Rule) -> Reading:
    return Reading(reasons=(f"file of {entry.size} bytes is over the limit of {rule.limit}",))


def _read(found: Found, reader: Reader, rule: Rule) -> Reading:
    path, size = found.source, found.entry.size
    if rule.read is not None:
        return rule.read(path, read_all(reader, size + 1))  # the end is where the content is checked
    assert rule.search is not None  # noqa: S101 - a rule has one of the two
    begin = b""
    if rule is PROGRAMS:
        begin = read_all(reader, len(PROGRAM))
        if begin != PROGRAM:
            return Reading()
    if isinstance(reader, io.IOBase) and reader.seekable():
        return rule.search(path, Window(cast("File", reader)))
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as spool:
        _spool(begin, reader, size, spool)
        return rule.search(path, Window(spool))


def _spool(begin: bytes, reader: Reader, size: int, spool: IO[bytes]) -> None:
    """A file from a stream, so that its parts can be read in any order."""
    spool.write(begin)
    left = size - len(begin)
    while left >= 0 and (part := reader.read(_CHUNK)):  # to the very end, where the content is checked
        spool.write(part)
        left -= len(part)
