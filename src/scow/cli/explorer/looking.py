"""The beginning of a file, as text or as bytes, over the rest of the screen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from rich.segment import Segment
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.scroll_view import ScrollView
from textual.strip import Strip

from scow.size.report.text import printable

#: What is read of a file, however large it is.
LIMIT = 64 << 10
_ROW = 16
_ROWS = 256


class Lines(ScrollView, can_focus=True):
    """Lines to scroll through, of which only those on the screen are made."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self.lines = lines
        self.virtual_size = Size(max(map(len, lines), default=0), len(lines))

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        left, top = self.scroll_offset
        if y + top >= len(self.lines):
            return Strip.blank(self.size.width)
        return Strip([Segment(self.lines[y + top])]).crop_extend(left, left + self.size.width, None)


class Look(ModalScreen[None]):
    """``content`` is the beginning of the file ``name``."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,enter,space", "dismiss", "Back")]
    CSS = """
    Look { align: center middle; }
    Look > Lines { width: 90%; height: 90%; border: round $accent; background: $surface; padding: 0 1; }
    """

    def __init__(self, name: str, content: bytes, size: int) -> None:
        super().__init__()
        self._name_shown, self._content, self._whole = name, content, size

    def compose(self) -> ComposeResult:
        """One box that scrolls."""
        box = Lines(shown(self._content).split("\n"))
        box.border_title = Text(self._name_shown)
        more = self._whole - len(self._content)
        box.border_subtitle = Text(f"and {more} more bytes" if more > 0 else f"{self._whole} bytes")
        yield box

    def on_mount(self) -> None:
        """Keys scroll the text."""
        self.query_one(Lines).focus()


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
