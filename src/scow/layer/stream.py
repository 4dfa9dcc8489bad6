"""A tar's bytes as they come: blocks and contents out of large chunks, none of which is held longer than needed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Protocol

from scow.errors import Invalid
from scow.layer import sparse

BLOCK: Final = 512
_CHUNK: Final = 1 << 20


class Reader(Protocol):
    """A stream of bytes; ``b""`` is the end."""

    def read(self, size: int = -1, /) -> bytes: ...


class Stream:
    """A reader with look-ahead: small reads are slices of one large chunk."""

    __slots__ = ("_at", "_chunk", "_read", "_view", "offset")

    def __init__(self, reader: Reader) -> None:
        self._read = reader.read
        self._chunk = b""
        self._view = memoryview(b"")
        self._at = 0
        self.offset = 0

    def block(self) -> bytes:
        """The next block; ``b""`` at the end of the stream."""
        at, end = self._at, self._at + BLOCK
        if end <= len(self._chunk):
            self._at = end
            self.offset += BLOCK
            return self._chunk[at:end]
        return b"" if self.at_end() else self.take(BLOCK)

    def take(self, size: int) -> bytes:
        """Exactly ``size`` bytes (small). Raises :class:`Invalid` at the end of the stream."""
        at, end = self._at, self._at + size
        if end <= len(self._chunk):
            self._at = end
            self.offset += size
            return self._chunk[at:end]
        parts = [self._chunk[at:]]
        self._at = len(self._chunk)
        missing = size - len(parts[0])
        while missing > 0:
            self._fill()
            part = self._chunk[:missing]
            self._at = len(part)
            missing -= len(part)
            parts.append(part)
        self.offset += size
        return b"".join(parts)

    def pieces(self, size: int) -> Iterator[memoryview]:
        """``size`` bytes as views, valid until the next call."""
        while size > 0:
            if self._at >= len(self._chunk):
                self._fill()
            piece = self._view[self._at : self._at + size]
            self._at += len(piece)
            self.offset += len(piece)
            size -= len(piece)
            yield piece

    def whole(self, size: int) -> memoryview | None:
        """The next ``size`` bytes, if the chunk at hand has them all."""
        at, end = self._at, self._at + size
        if end > len(self._chunk):
            return None
        self._at = end
        self.offset += size
        return self._view[at:end]

    def skip(self, size: int) -> None:
        """Read past ``size`` bytes. Raises :class:`Invalid` where there are fewer."""
        if size and self.whole(size) is None:
            for _ in self.pieces(size):
                pass

    def drain(self) -> None:
        """Read to the end: what follows the last member is part of the layer's digest."""
        self._chunk = b""
        while self._read(_CHUNK):
            pass

    def at_end(self) -> bool:
        """Whether nothing more comes; waits for the next chunk to know."""
        if self._at < len(self._chunk):
            return False
        self._chunk = self._read(_CHUNK)
        self._view, self._at = memoryview(self._chunk), 0
        return not self._chunk

    def _fill(self) -> None:
        if self.at_end():
            told = "tar stream ends in the middle of a member"
            raise Invalid(told if self.offset else "not a tar stream: it is shorter than one header")


class Body:
    """A member's content: pieces with their place in the file. Read it before the next member, or not at all."""

    __slots__ = ("_left", "_stream", "map")

    def __init__(self, stream: Stream, stored: int, holes: sparse.Map | None = None) -> None:
        self._stream = stream
        self._left = stored - (holes.consumed if holes else 0)
        self.map: sparse.Map | None = holes
        if holes and self._left < sum(length for _, length in holes.segments):
            raise Invalid("damaged sparse map: it tells of more than the member holds")

    def pieces(self) -> Iterator[tuple[int, memoryview]]:
        """``(offset in the file, bytes)``; offsets jump over holes."""
        if self.map is None and (piece := self._stream.whole(self._left)) is not None:
            self._left = 0
            yield 0, piece
            return
        segments = self.map.segments if self.map else ((0, self._left),)
        for start, length in segments:
            for piece in self._stream.pieces(min(length, self._left)):
                self._left -= len(piece)
                yield start, piece
                start += len(piece)

    def finish(self, padded: int) -> None:
        """Skip what was not read, and the padding."""
        self._stream.skip(self._left + padded)
        self._left = 0
