"""A container's log: docker's json-file format, a record per line, bounded when asked. Light: the monitor writes it.

::

    {"log":"the line\\n","stream":"stdout","time":"2026-01-02T03:04:05.123456789Z"}

A line longer than 16 KiB is told in pieces: all but its last have no newline. ``log`` is the newest file, ``log.1`` the
one before it.
"""

from __future__ import annotations

import os
import time
from _json import encode_basestring

NAME = "log"

_LONGEST = 16 * 1024


class Journal:
    """Writes ``log`` in the working directory; ``largest`` bytes (0: no bound) for each of ``files`` files.

    What cannot be written (a full disk) is lost: the container goes on.
    """

    def __init__(self, largest: int = 0, files: int = 1) -> None:
        self._largest, self._files = largest, files
        self._rest = {"stdout": b"", "stderr": b""}
        self._fd = _opened()
        self._size = os.fstat(self._fd).st_size

    def write(self, stream: str, part: bytes) -> None:
        """Log what came; the beginning of a line waits for the rest of it."""
        *whole, rest = (self._rest[stream] + part).split(b"\n")
        lines = [line + b"\n" for line in whole]
        while len(rest) >= _LONGEST:
            lines.append(rest[:_LONGEST])
            rest = rest[_LONGEST:]
        self._rest[stream] = rest
        self._put(stream, lines)

    def end(self) -> None:
        """Log what is left of lines without an end."""
        for stream, rest in self._rest.items():
            self._put(stream, [rest] if rest else [])
            self._rest[stream] = b""

    def _put(self, stream: str, lines: list[bytes]) -> None:
        if not lines:
            return
        tail = f',"stream":"{stream}","time":"{now()}"}}\n'
        text = "".join(f'{{"log":{encode_basestring(p.decode("utf-8", "replace"))}{tail}' for p in _pieces(lines))
        raw = text.encode()
        try:
            if self._largest and self._size + len(raw) > self._largest and self._size:
                self._turn_over()
            self._size += os.write(self._fd, raw)
        except OSError:
            return

    def _turn_over(self) -> None:
        for number in range(self._files - 1, 0, -1):
            older = NAME if number == 1 else f"{NAME}.{number - 1}"
            if os.path.exists(older):
                os.rename(older, f"{NAME}.{number}")
        if self._files == 1:
            os.unlink(NAME)
        before, self._fd = self._fd, _opened()
        os.close(before)  # not earlier: where this fails, its number would soon be another file's
        self._size = 0


class Silence:
    """The log of a container that wants none."""

    def write(self, stream: str, part: bytes) -> None:
        """Nothing."""

    def end(self) -> None:
        """Nothing."""


def now() -> str:
    """The time, as RFC 3339 with nanoseconds."""
    seconds, rest = divmod(time.time_ns(), 1_000_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest:09}Z"


def _opened() -> int:
    return os.open(NAME, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)


def _pieces(lines: list[bytes]) -> list[bytes]:
    """The lines, those that are too long cut."""
    if all(len(line) <= _LONGEST for line in lines):
        return lines
    return [line[at : at + _LONGEST] for line in lines for at in range(0, len(line), _LONGEST)]
