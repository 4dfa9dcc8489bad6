"""A large blob over several connections, where one is slow (:mod:`scow.registry.spans`); handed out in order."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

from scow.errors import Unsupported
from scow.registry import spans
from scow.registry.download import Download
from scow.registry.transport import PIECE

#: A part of the blob: from, to (``None``: its end). Raises :class:`Unsupported` where there are only whole blobs.
Part = Callable[[int, int | None], Download]


class Wide:
    """Reads a blob from ``start`` to ``end``: a Reader and a context manager. Nothing is verified here.

    ``free`` is held while several connections are in use: one blob at a time has them, so that the pieces in memory are
    few. What is there already and not handed out is lost when the reader is closed.
    """

    def __init__(self, part: Part, start: int, end: int, free: threading.Lock) -> None:
        self._part, self._at, self._end, self._free = part, start, end, free
        self._stop = threading.Event()
        self._pieces = self._stream()
        self._rest = memoryview(b"")

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, at most ``size``; ``b""`` at the end."""
        if not self._rest:
            self._rest = memoryview(next(self._pieces, b""))
        count = len(self._rest) if size < 0 else min(size, len(self._rest))
        part, self._rest = self._rest[:count], self._rest[count:]
        return bytes(part)

    def close(self) -> None:
        """Let go of every connection."""
        self._stop.set()
        self._pieces.close()

    def __enter__(self) -> Wide:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _stream(self) -> Generator[bytes | bytearray, None, None]:
        length = spans.FIRST
        while self._at < self._end:
            before, waited = self._at, [0.0]
            try:
                part = self._part(before, min(before + length, self._end))
            except Unsupported:
                part = self._part(before, None)
            with part:
                yield from self._timed(part, waited)
            if self._at == before:
                return
            if spans.helps(self._end - self._at, self._at - before, waited[0]) and self._free.acquire(blocking=False):
                try:
                    yield from self._side_by_side()
                finally:
                    self._free.release()
            length *= 2

    def _timed(self, part: Download, waited: list[float]) -> Generator[bytes, None, None]:
        """A part's bytes; the time that it took them to come, whatever the reader did meanwhile."""
        while True:
            began = time.monotonic()
            data = part.read(PIECE)
            waited[0] += time.monotonic() - began
            if not data:
                return
            self._at += len(data)
            yield data

    def _side_by_side(self) -> Generator[bytearray, None, None]:
        pool = ThreadPoolExecutor(spans.CONNECTIONS, "range")
        waiting: deque[tuple[int, Future[bytearray]]] = deque()
        pieces = spans.spans(self._at, self._end)
        try:
            while True:
                for start, end in islice(pieces, spans.CONNECTIONS + 1 - len(waiting)):
                    waiting.append((end, pool.submit(self._fetched, start, end)))
                if not waiting:
                    return
                end, piece = waiting.popleft()
                data = piece.result()
                self._at += len(data)
                yield data
                if self._at < end:  # the registry had no more: what follows is of no use
                    return
        finally:
            self._stop.set()  # one may hang on a quiet line: nobody waits for it
            pool.shutdown(wait=False, cancel_futures=True)

    def _fetched(self, start: int, end: int) -> bytearray:
        data, at = bytearray(end - start), 0
        with self._part(start, end) as part:
            while at < len(data) and not self._stop.is_set() and (more := part.read(PIECE)):
                data[at : at + len(more)] = more
                at += len(more)
        del data[at:]
        return data
