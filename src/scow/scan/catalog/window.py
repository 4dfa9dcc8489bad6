"""Bytes at any place of a file, however large: what the readers of binary formats stand on. Pure but for the file."""

from __future__ import annotations

from typing import Final, Protocol

_FARTHEST: Final = 1 << 62


class File(Protocol):
    """What can be read at any place."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to ``offset``; with ``whence`` 2, from the end."""
        ...

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes."""
        ...


class Window:
    """A part of ``file``: ``size`` bytes from ``start``. With no size, up to its end."""

    def __init__(self, file: File, start: int = 0, size: int | None = None) -> None:
        end = file.seek(0, 2)
        self._file, self._start = file, min(start, end)
        self.size = end - self._start if size is None else max(0, min(size, end - self._start))

    def at(self, offset: int, size: int) -> bytes:
        """``size`` bytes at ``offset``; fewer at the end, none outside."""
        if not 0 <= offset < min(self.size, _FARTHEST) or size <= 0:
            return b""
        self._file.seek(self._start + offset)
        return self._file.read(min(size, self.size - offset))

    def number(self, offset: int, size: int, order: str = "<") -> int:
        """The unsigned number of ``size`` bytes at ``offset``; 0 outside. ``order`` is ``<`` or ``>``, as in struct."""
        return int.from_bytes(self.at(offset, size), "little" if order == "<" else "big")

    def part(self, start: int, size: int) -> Window:
        """A part of this part."""
        start = max(0, min(start, self.size))
        return Window(self._file, self._start + start, min(size, self.size - start))
