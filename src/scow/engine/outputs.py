"""Files that callers give us to write to."""

from __future__ import annotations

import io
from typing import BinaryIO, cast


class _Whole:
    """A raw file whose writes are whole."""

    def __init__(self, raw: io.RawIOBase) -> None:
        self._raw = raw
        self.fileno, self.flush = raw.fileno, raw.flush

    def write(self, data: bytes) -> int:
        left = memoryview(data).cast("B")
        while left:
            written = self._raw.write(left)
            if written is None:
                raise BlockingIOError("the output does not block, and takes no more")
            left = left[written:]
        return len(data)


def whole(output: BinaryIO) -> BinaryIO:
    """``output``, whose every write takes all it is given: a raw file may take a part, and tells how much."""
    return cast("BinaryIO", _Whole(output)) if isinstance(output, io.RawIOBase) else output
