"""The list of files: only the lines that are on the screen are ever made."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from scow.cli.units import human_size
from scow.size.browse import Listing, Mark, Node, Row
from scow.size.report.text import printable
from scow.size.tree import text

_SIGNS: dict[Mark, tuple[str, str]] = {
    "": (" ", ""),
    "added": ("+", "green"),
    "changed": ("~", "yellow"),
    "removed": ("-", "red"),
    "within": ("·", ""),
}
_CURSOR = Style(reverse=True)
_QUIET = Style(dim=True)


class Files(ScrollView, can_focus=True):
    """The rows of a :class:`~scow.size.browse.Listing`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home,g", "jump(0)", "First", show=False),
        Binding("end,G", "jump(-1)", "Last", show=False),
        Binding("right,l", "unfold(True)", "Unfold", show=False),
        Binding("left,h", "unfold(False)", "Fold", show=False),
        Binding("enter,space", "choose", "Open"),
    ]
    cursor = reactive(0)

    class Chosen(Message):
        """A file is to be looked into."""

        def __init__(self, node: Node) -> None:
            super().__init__()
            self.node = node

    class Moved(Message):
        """The cursor stands on another node."""

        def __init__(self, node: Node | None) -> None:
            super().__init__()
            self.node = node

    def __init__(self, listing: Listing) -> None:
        super().__init__(id="files")
        self.listing = listing

    def on_mount(self) -> None:
        """The list has its length."""
        self.relist()

    def relist(self, cursor: int | None = None) -> None:
        """The listing's rows have changed."""
        self.virtual_size = Size(self.size.width, len(self.listing.rows))
        wanted = self.cursor if cursor is None else cursor
        moved = self.cursor
        self.cursor = max(0, min(wanted, len(self.listing.rows) - 1))
        if moved == self.cursor:
            self.watch_cursor(self.cursor)
        self.refresh()

    @property
    def node(self) -> Node | None:
        """What the cursor stands on."""
        return self.listing.rows[self.cursor].node if self.cursor < len(self.listing.rows) else None

    def watch_cursor(self, cursor: int) -> None:
        """Keep the cursor on the screen, and tell where it is."""
        self.scroll_to_region(Region(0, cursor, 1, 1), animate=False)
        self.refresh()
        self.post_message(self.Moved(self.node))

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        at = y + self.scroll_offset.y
        width = self.size.width
        if at >= len(self.listing.rows):
            return Strip.blank(width)
        strip = Strip(self._segments(self.listing.rows[at])).adjust_cell_length(width)
        if at == self.cursor:
            strip = strip.apply_style(_CURSOR if self.has_focus else Style(bold=True))
        return strip

    def _segments(self, row: Row) -> list[Segment]:
        node, layer = row.node, self.listing.layer
        sign, colour = _SIGNS[node.mark(layer)]
        entry = node.at(layer) or node.at(layer - 1)
        fold = " "
        if entry is not None and entry.kind == "dir":
            fold = "▾" if node in self.listing.open else "▸"
        name = printable(text(node.name))
        if entry is not None and entry.kind == "symlink":
            name += " → " + printable(text(entry.link))
        style = Style(color=colour or None, strike=sign == "-")
        size = node.size(layer) or (-node.deltas.get(layer, 0) if sign == "-" else 0)
        return [
            Segment(f" {sign} ", style),
            Segment(f"{human_size(size) if size else '':>8} ", _QUIET),
            Segment("  " * row.depth + fold + " "),
            Segment(name, style),
        ]

    def action_move(self, by: int) -> None:
        """One row up or down."""
        self.cursor = max(0, min(self.cursor + by, len(self.listing.rows) - 1))

    def action_page(self, by: int) -> None:
        """One screen up or down."""
        self.action_move(by * max(1, self.size.height - 1))

    def action_jump(self, to: int) -> None:
        """The first row or the last."""
        self.cursor = to if to >= 0 else max(0, len(self.listing.rows) - 1)

    def action_unfold(self, unfold: bool) -> None:
        """Unfold the directory; fold it, or go to the one it is in."""
        node = self.node
        if node is None:
            return
        if not unfold and node not in self.listing.open and node.parent is not None and node.parent.parent is not None:
            self.cursor = self.listing.reveal(node.parent)
            return
        self.listing.toggle(self.cursor, unfold=unfold)
        self.relist()

    def action_choose(self) -> None:
        """Unfold or fold a directory, look into a file."""
        node = self.node
        entry = node.at(self.listing.layer) if node else None
        if node is not None and entry is not None and entry.kind == "file":
            self.post_message(self.Chosen(node))
        elif node is not None:
            self.listing.toggle(self.cursor)
            self.relist()

    def on_click(self, event: object) -> None:
        """The row that was clicked, and on the second click what is in it."""
        y = getattr(event, "y", 0) + self.scroll_offset.y
        if y >= len(self.listing.rows):
            return
        if y == self.cursor:
            self.action_choose()
        else:
            self.cursor = y
