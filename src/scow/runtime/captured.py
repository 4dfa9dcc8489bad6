"""What a program writes, kept to be read: the descriptors for a container or an ``exec``, and the bytes afterwards."""

from __future__ import annotations

import contextlib
import os
import tempfile
from types import TracebackType
from typing import Final

from scow.errors import Limit
from scow.runtime.child import Stdio

_LIMIT: Final = 64 << 20  # bytes that are handed out at once


class Captured:
    """Takes the output of one program or several; ``given`` is what they read from their standard input.

    What is written goes to unnamed files of :func:`tempfile.gettempdir`, so that no thread has to read along and no
    program waits for its reader::

        with Captured() as captured:
            code = engine.containers.run("app:v1", ["id", "-u"], stdio=captured.stdio)
            print(code, captured.stdout)

    Safe to use in any thread; each call wants one of its own.
    """

    def __init__(self, given: bytes | None = None) -> None:
        with contextlib.ExitStack() as opened:
            self._stdout, self._stderr = (opened.enter_context(tempfile.TemporaryFile()) for _ in range(2))
            self._stdin = None if given is None else opened.enter_context(tempfile.TemporaryFile())
            if self._stdin is not None:
                self._stdin.write(given or b"")
                self._stdin.seek(0)
            self._opened = opened.pop_all()

    @property
    def stdio(self) -> Stdio:
        """The descriptors, for ``stdio`` of whatever runs a program."""
        stdin = None if self._stdin is None else self._stdin.fileno()
        return Stdio(stdin, self._stdout.fileno(), self._stderr.fileno())

    @property
    def stdout(self) -> bytes:
        """What was written to standard output so far. Raises :class:`~scow.errors.Limit` beyond 64 MiB."""
        return _content(self._stdout.fileno(), "stdout")

    @property
    def stderr(self) -> bytes:
        """What was written to standard error so far; the same limit."""
        return _content(self._stderr.fileno(), "stderr")

    def close(self) -> None:
        """Let go of everything that was written."""
        self._opened.close()

    def __enter__(self) -> Captured:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _content(fd: int, name: str) -> bytes:
    size = os.fstat(fd).st_size
    if size > _LIMIT:
        raise Limit(f"holds {size} bytes, {_LIMIT} at most are handed out", subject=name, hint="give Stdio a file")
    parts, place = [], 0  # not read: the offset is the program's
    while place < size and (part := os.pread(fd, size - place, place)):
        parts.append(part)
        place += len(part)
    return b"".join(parts)
