"""Reading what a container wrote: the monitor's log files, oldest line first, and on as they grow.

The format is :mod:`scow.runtime.monitor.journal`'s (docker's json-file).
"""

from __future__ import annotations

import collections
import contextlib
import os
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from scow.runtime.monitor.journal import NAME

_PAUSE = 0.05  # seconds between two looks at a log that is followed
_BLOCK = 1 << 20
#: Seconds: what a time is known to, as a float and by the digits that are read. A line's own time finds the line.
_PRECISION = 2e-6


class Line(msgspec.Struct, frozen=True):
    """A line, or a piece of one that is too long: its text, ``stdout`` or ``stderr``, and when it came (RFC 3339)."""

    log: str
    stream: str = "stdout"
    time: str = ""

    @property
    def seconds(self) -> float:
        """When it came, since 1970."""
        return datetime.fromisoformat(f"{self.time[:26].rstrip('Z')}+00:00").timestamp()


_decode = msgspec.json.Decoder(Line).decode


def lines(
    home: Path,
    *,
    alive: Callable[[], bool] | None = None,
    tail: int | None = None,
    since: float | None = None,
    until: float | None = None,
) -> Iterator[Line]:
    """The lines in ``home``, the last ``tail`` of them, from ``since`` to ``until`` (seconds since 1970).

    ``alive`` (asked when there is nothing more): go on until it says no, as the log grows.
    """
    since = None if since is None else since - _PRECISION
    until = None if until is None else until + _PRECISION
    end = _Reader(home, tail if since is None and until is None else None)
    past: Iterator[Line] = end.rest()
    if since is not None:
        past = (line for line in past if line.seconds >= since)
    if until is not None:
        past = (line for line in past if line.seconds <= until)
    if tail is not None:
        past = iter(collections.deque(past, maxlen=tail))
    yield from past
    if alive is None:
        return
    for line in _growing(end, alive):
        if until is not None and line.seconds > until:
            return
        if since is None or line.seconds >= since:
            yield line


def _growing(end: _Reader, alive: Callable[[], bool]) -> Iterator[Line]:
    while True:
        more = alive()  # before the look: what it wrote last is read
        yield from end.rest()
        if not more:
            return
        time.sleep(_PAUSE)


class _Reader:
    """Reads whole records, and follows the log from file to file; not more than ``tail`` wants, where that is easy."""

    def __init__(self, home: Path, tail: int | None = None) -> None:
        self._home = home
        self._begun = b""
        self._fd: int | None = None
        if tail is not None:
            self._open(NAME)
            if self._fd is not None and not (offset := _offset(self._fd, tail)):
                self._close()  # an older file is wanted too
            elif self._fd is not None:
                os.lseek(self._fd, offset, os.SEEK_SET)

    def rest(self) -> Iterator[Line]:
        """What has come since the last call."""
        yield from self._read()
        while name := self._next():
            yield from self._read()  # what came before the log was turned over
            self._open(name)
            yield from self._read()

    def _next(self) -> str:
        """The file after the one that is open: the oldest of those that are younger; "" where there is none."""
        held, found = None if self._fd is None else os.fstat(self._fd), ""
        for name in _names(self._home):
            with contextlib.suppress(FileNotFoundError):
                there = os.stat(self._home / name)
                if held and os.path.samestat(held, there):
                    break
                found = name
        return found

    def _open(self, name: str) -> None:
        """Go on there; not if it has another name by now."""
        with contextlib.suppress(FileNotFoundError):
            fd = os.open(self._home / name, os.O_RDONLY | os.O_CLOEXEC)
            self._close()
            self._begun, self._fd = b"", fd

    def _close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
        self._fd = None

    def _read(self) -> Iterator[Line]:
        while block := b"" if self._fd is None else os.read(self._fd, _BLOCK):
            *whole, self._begun = (self._begun + block).split(b"\n")
            for record in whole:
                try:
                    yield _decode(record)
                except msgspec.DecodeError:
                    continue  # a record that a kill cut short

    __del__ = _close


def _offset(fd: int, records: int) -> int:
    """Where the last ``records`` of a log file begin, or somewhat before; 0 when it has fewer."""
    at, seen = os.fstat(fd).st_size, 0
    while at:
        at = max(0, at - _BLOCK)
        block = os.pread(fd, _BLOCK, at)
        seen += block.count(b"\n")
        if seen > records + 1:
            return at + block.find(b"\n") + 1 if at else 0
    return 0


def _names(home: Path) -> Iterator[str]:
    """The files of a log, the youngest first."""
    yield NAME
    found = (path.name.removeprefix(f"{NAME}.") for path in home.glob(f"{NAME}.*"))
    yield from (f"{NAME}.{number}" for number in sorted(int(text) for text in found if text.isdigit()))
