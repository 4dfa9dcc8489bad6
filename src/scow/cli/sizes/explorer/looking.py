"""The beginning of a file, as text or as bytes, on the whole screen. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from scow.cli.sizes.explorer.line import Line
from scow.errors import printable

#: What is read of a file, however large it is.
LIMIT: Final = 64 << 10
_ROW: Final = 16
_ROWS: Final = 256
_ASIDE: Final = 8
#: key -> rows down, columns right; a page is as high as the screen
_STEPS: Final = {
    "up": (-1, 0), "k": (-1, 0), "down": (1, 0), "j": (1, 0), "left": (0, -_ASIDE), "h": (0, -_ASIDE),
    "right": (0, _ASIDE), "l": (0, _ASIDE), "home": (-LIMIT, 0), "g": (-LIMIT, 0), "end": (LIMIT, 0), "G": (LIMIT, 0),
}  # fmt: skip


class Look:
    """``content`` is the beginning of a file of ``size`` bytes."""

    def __init__(self, name: str, content: bytes, size: int) -> None:
        more = size - len(content)
        self.title = f"{name}  {f'and {more} more bytes' if more > 0 else f'{size} bytes'}"
        self.rows = shown(content).split("\n")
        self.top = self.left = 0
        self._page = 1

    def press(self, key: str) -> None:
        """Another part of it."""
        pages = {"pageup": (-self._page, 0), "pagedown": (self._page, 0)}
        down, right = pages.get(key) or _STEPS.get(key, (0, 0))
        self.top = max(0, min(self.top + down, len(self.rows) - self._page))
        self.left = max(0, self.left + right)

    def lines(self, height: int) -> list[Line]:
        """The rows that fit."""
        self._page = max(1, height)
        return [[(row[self.left :], "")] for row in self.rows[self.top : self.top + height]]


def shown(content: bytes) -> str:
    """Text as text, line by line; anything else as hexadecimal bytes."""
    if b"\0" not in content:
        try:
            decoded = content.decode()
        except UnicodeDecodeError as error:
            decoded = content[: error.start].decode() if error.start > len(content) - 4 else ""
        if decoded or not content:
            return "\n".join(printable(line.expandtabs()) for line in decoded.split("\n"))
    return "\n".join(_dumped(content))


def _dumped(content: bytes) -> Iterator[str]:
    for at in range(0, min(len(content), _ROW * _ROWS), _ROW):
        row = content[at : at + _ROW]
        plain = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        yield f"{at:08x}  {row.hex(' '):<{3 * _ROW}} {plain}"
