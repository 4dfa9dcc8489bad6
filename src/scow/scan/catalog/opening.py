"""The files of one layer, each read by its rule, and no more of them than one layer may say."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Final, cast

from msgspec import structs

from scow.content.target import Reader
from scow.content.verify import read_all
from scow.layer.entry import Entry
from scow.scan.catalog.programs import PROGRAM
from scow.scan.catalog.reading import HASH_SIZE, Reading, sane
from scow.scan.catalog.rules import PROGRAMS, Rule
from scow.scan.catalog.window import File, Window

#: Of one layer. A large desktop has 5 000 packages with 500 000 files.
_PACKAGES_LIMIT: Final = 200_000
_OWNED_LIMIT: Final = 2_000_000
_IN_MEMORY: Final = 16 << 20
_CHUNK: Final = 1 << 20


class Opening:
    """One layer's files being read: what may still be said of it. Lockfiles take nothing away from the others."""

    def __init__(self) -> None:
        self._left = {requested: [_PACKAGES_LIMIT, _OWNED_LIMIT] for requested in (False, True)}

    def read(self, entry: Entry, rule: Rule, reader: Reader) -> Reading:
        """What a file says, without what cannot be a package; nothing once the layer has said too much."""
        left = self._left[rule.requested]
        if min(left) < 0:
            return Reading()
        reading = sane(_read(entry, rule, reader))
        left[0] -= len(reading.packages)
        left[1] -= len(reading.owned) // HASH_SIZE
        if min(left) < 0:
            limit = f"{_PACKAGES_LIMIT} packages and {_OWNED_LIMIT} files of theirs"
            reading = Reading(reasons=(f"is where the limit of {limit} was reached: the rest is not read",))
        return structs.replace(reading, requested=True) if rule.requested else reading


def _read(entry: Entry, rule: Rule, reader: Reader) -> Reading:
    path, size = entry.path, entry.size
    if rule.read is not None:
        return rule.read(path, read_all(reader, size + 1))  # the end is where the content is checked
    assert rule.search is not None  # noqa: S101 - a rule has one of the two
    begin = b""
    if rule is PROGRAMS:
        begin = read_all(reader, len(PROGRAM))
        if begin != PROGRAM:
            return Reading()
    with windowed(reader, size, begin) as window:
        return rule.search(path, window)


@contextmanager
def windowed(reader: Reader, size: int, begin: bytes = b"") -> Iterator[Window]:
    """A file whose parts can be read in any order; ``begin`` was read already."""
    if isinstance(reader, io.IOBase) and reader.seekable():
        yield Window(cast("File", reader))
        return
    with _room(size) as spool:
        _spool(begin, reader, size, spool)
        yield Window(spool)


def _room(size: int) -> IO[bytes]:
    if size <= _IN_MEMORY:
        return io.BytesIO()
    import tempfile  # brings every compression there is

    return cast("IO[bytes]", tempfile.TemporaryFile())


def _spool(begin: bytes, reader: Reader, size: int, spool: IO[bytes]) -> None:
    """A file from a stream, so that its parts can be read in any order."""
    spool.write(begin)
    left = size - len(begin)
    while left >= 0 and (part := reader.read(_CHUNK)):  # to the very end, where the content is checked
        spool.write(part)
        left -= len(part)
