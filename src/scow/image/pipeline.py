"""One pass over a layer's bytes: whoever brings them feeds chunks; inflating, hashing and applying go on beside it."""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from scow.errors import ScowError
from scow.layer.compression import detected, inflated
from scow.layer.tar import Reader

_ROOM: Final = 4 << 20


class Pipe:
    """Bytes from one thread to another, a few MiB at most on the way."""

    def __init__(self) -> None:
        self._chunks: deque[bytes] = deque()
        self._waiting = 0
        self._ended = False
        self._error: BaseException | None = None
        self._changed = threading.Condition()

    def write(self, chunk: bytes) -> None:
        """Hand over a chunk; waits while the pipe is full. Raises what the reading side failed with."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting < _ROOM or self._error)
            if self._error:
                raise self._error
            self._chunks.append(chunk)
            self._waiting += len(chunk)
            self._changed.notify_all()

    def end(self) -> None:
        """No more chunks will come."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def fail(self, error: BaseException) -> None:
        """Both sides are to stop with ``error``."""
        with self._changed:
            self._error = self._error or error
            self._changed.notify_all()

    def read(self, size: int = -1, /) -> bytes:
        """The next chunk, whole, ``b""`` at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._chunks or self._ended or self._error)
            if self._error:
                raise self._error
            if not self._chunks:
                return b""
            chunk = self._chunks.popleft()
            self._waiting -= len(chunk)
            self._changed.notify_all()
            return chunk


class Inflating:
    """Chunks in, compressed or not; ``consume`` reads the plain bytes on the other side, hashed by then."""

    def __init__(self, consume: Callable[[Reader, Callable[[], int]], None]) -> None:
        self._compressed, self._plain = Pipe(), Pipe()
        self._hash = hashlib.sha256()
        self._consume = consume
        self._size = 0
        self._threads = [threading.Thread(target=self._guarded, args=(work,)) for work in (self._inflate, self._apply)]
        for thread in self._threads:
            thread.daemon = True
            thread.start()

    def feed(self, chunk: bytes) -> None:
        """The next chunk; ``b""`` waits for the end. Raises what a stage failed with."""
        if chunk:
            self._compressed.write(chunk)
            return
        self._compressed.end()
        self._join()
        self._compressed.write(b"")  # raises the error of a stage

    def abandon(self) -> None:
        """Stop everything; harmless at the end."""
        error = ScowError("abandoned")
        self._compressed.fail(error)
        self._plain.fail(error)
        self._join()

    @property
    def hexdigest(self) -> str:
        """The sha256 of the plain bytes, once all were fed."""
        return self._hash.hexdigest()

    def _inflate(self) -> None:
        reader = inflated(*detected(self._compressed))
        while chunk := reader.read():
            self._plain.write(chunk)
            self._hash.update(chunk)
            self._size += len(chunk)
        self._plain.end()

    def _apply(self) -> None:
        self._consume(self._plain, lambda: self._size)

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            self._compressed.fail(error)
            self._plain.fail(error)

    def _join(self) -> None:
        for thread in self._threads:
            thread.join()
