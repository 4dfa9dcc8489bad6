"""One pass over a layer's bytes: whoever brings them feeds chunks; inflating, hashing and applying go on beside it."""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from scow.content.target import Reader
from scow.errors import ScowError
from scow.layer.compression import detected, inflated

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


class Plain:
    """The plain bytes of a stream, compressed or not, hashed as they go by.

    ``known`` is the sha256 of what is read, when somebody else finds out whether that is so: plain bytes are not hashed
    twice.
    """

    def __init__(self, reader: Reader, known: str = "") -> None:
        reader, compression = detected(reader)
        #: Whether they are what is read: nothing is compressed.
        self.as_fed = compression == "none"
        self._known = known if self.as_fed else ""
        self._plain = inflated(reader, compression)
        self._hash = hashlib.sha256()
        #: How many there were.
        self.size = 0

    @property
    def hexdigest(self) -> str:
        """Their sha256, once all were read."""
        return self._known or self._hash.hexdigest()

    def read(self, size: int = -1, /) -> bytes:
        """The next plain bytes."""
        chunk = self._plain.read(size)
        if not self._known:
            self._hash.update(chunk)
        self.size += len(chunk)
        return chunk


class Inflating:
    """Chunks in; ``consume`` reads the :class:`Plain` bytes of them on a thread of its own.

    One thread inflates, hashes and applies, so that bytes are still in the processor's cache when they are written;
    layers are side by side. A layer of one chunk needs none: it is done at its end.
    """

    def __init__(self, consume: Callable[[Plain], None], known: str = "") -> None:
        self._pipe = Pipe()
        self._known = known
        self._consume = consume
        self._thread: threading.Thread | None = None
        self._chunks = 0

    def feed(self, chunk: bytes) -> None:
        """The next chunk; ``b""`` waits for the end. Raises what the other side failed with."""
        if chunk:
            self._chunks += 1
            if self._chunks == 2:
                self._thread = threading.Thread(target=self._work, daemon=True)
                self._thread.start()
            self._pipe.write(chunk)
            return
        self._pipe.end()
        if self._thread:
            self._thread.join()
        else:
            self._work()
        self._pipe.write(b"")  # raises the error of the other side

    def abandon(self) -> None:
        """Stop everything; harmless at the end."""
        self._pipe.fail(ScowError("abandoned"))
        if self._thread:
            self._thread.join()

    @property
    def hexdigest(self) -> str:
        """The sha256 of the plain bytes, once all were fed."""
        return self._plain.hexdigest

    def _work(self) -> None:
        try:
            self._plain = Plain(self._pipe, self._known)
            self._consume(self._plain)
        except BaseException as error:
            self._pipe.fail(error)
