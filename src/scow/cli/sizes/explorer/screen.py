"""What is on the screen, and what keys do to it: an image's layers, its files after one of them, a file's beginning.

A key is a name or a character (:mod:`scow.cli.sizes.explorer.keys`). What takes long is left in ``later``, so that
the screen can be drawn with a notice of it first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from scow.cli.sizes.explorer.looking import LIMIT, Look
from scow.engine.analysis.exploring import Exploration
from scow.errors import ScowError, printable
from scow.size.browse import Listing, Node
from scow.size.report.text import path
from scow.size.waste import Finding, Waste

_ALIASES: Final = {
    "k": "up", "j": "down", "h": "left", "l": "right", "g": "home", "G": "end", " ": "enter", "backtab": "tab",
}  # fmt: skip
_BACK: Final = frozenset({"escape", "q", "enter", " "})


class Cursor:
    """Where one stands in a list, and which part of it is on the screen."""

    def __init__(self, at: int = 0) -> None:
        self.at = at
        self._top, self._page = 0, 1

    def press(self, key: str, count: int) -> bool:
        """Whether the key is one that moves in a list of ``count`` rows."""
        steps = {
            "up": self.at - 1, "down": self.at + 1, "home": 0, "end": count - 1,
            "pageup": self.at - self._page, "pagedown": self.at + self._page,
        }  # fmt: skip
        if key in steps:
            self.go(steps[key], count)
        return key in steps

    def go(self, at: int, count: int) -> None:
        """Stand on row ``at``, or on the nearest there is."""
        self.at = max(0, min(at, count - 1))

    def shown(self, count: int, height: int) -> range:
        """The rows that are on a screen of ``height`` rows, this one among them."""
        self._page = max(1, height)
        lowest = min(self.at, count - self._page)
        self._top = max(0, self.at - self._page + 1, min(self._top, lowest))
        return range(self._top, min(count, self._top + height))


class Screen:
    """The state. ``asked`` is a filter while it is typed; ``notice`` stands at the bottom until the next key."""

    def __init__(self, exploration: Exploration) -> None:
        self.exploration = exploration
        self.listing = Listing(exploration.tree, len(exploration.layers) - 1)
        self.focus: Literal["files", "layers"] = "files"
        self.files, self.layers = Cursor(), Cursor(max(0, self.listing.layer))
        self.look: Look | None = None
        self.asked: str | None = None
        self.wanted = self.about = self.notice = ""
        self.later: Callable[[], None] | None = None
        self._waste: list[tuple[Waste, Finding]] | None = None
        self._at_waste = -1

    @property
    def node(self) -> Node | None:
        """The file or directory that the cursor stands on."""
        rows = self.listing.rows
        return rows[self.files.at].node if self.files.at < len(rows) else None

    def press(self, key: str) -> bool:
        """Do what a key stands for; False for those that leave."""
        self.notice = ""
        if key == "interrupt":
            return False
        if self.look is not None:
            self._press_look(self.look, key)
        elif self.asked is not None:
            self._press_filter(self.asked, key)
        elif key == "q":
            return False
        else:
            self._press(_ALIASES.get(key, key))
        return True

    def _press(self, key: str) -> None:
        if key in _ACTIONS:
            _ACTIONS[key](self)
        elif self.focus == "layers":
            if self.layers.press(key, len(self.exploration.layers)):
                self._go_to_layer(self.layers.at)
        elif self.files.press(key, len(self.listing.rows)):
            self.about = ""
        elif key in _ON_FILES:
            _ON_FILES[key](self)

    def _switch(self) -> None:
        self.focus = "layers" if self.focus == "files" else "files"

    def _go_to_layer(self, layer: int) -> None:
        """Another layer: the same directories stay unfolded, and the cursor where it was."""
        node = self.node
        self.listing.layer = layer
        self._relist(node)

    def _relist(self, node: Node | None = None) -> None:
        self.listing.refresh()
        rows = self.listing.rows
        self.files.go(next((at for at, row in enumerate(rows) if row.node is node), 0), len(rows))

    # -- files ------------------------------------------------------------------------------------------------------

    def _changes(self) -> None:
        self.listing.changes = not self.listing.changes
        self._relist(self.node)

    def _order(self) -> None:
        self.listing.by_size = not self.listing.by_size
        self._relist(self.node)

    def _unfold(self) -> None:
        if self.node is not None:
            self.listing.toggle(self.files.at, unfold=True)

    def _fold(self) -> None:
        """Fold the directory; a folded one or a file leads to the directory that it is in."""
        node = self.node
        if node is None:
            return
        if node in self.listing.open or node.parent is None or node.parent.parent is None:
            self.listing.toggle(self.files.at, unfold=False)
        else:
            self.files.at = self.listing.reveal(node.parent)

    def _open(self) -> None:
        """Unfold or fold a directory; look into a file, also one that this layer removed."""
        node, layer = self.node, self.listing.layer
        if node is None:
            return
        number, entry = node.event(layer) or (0, None)
        if entry is None:
            number, entry = node.event(layer - 1) or (0, None)
        if entry is None or entry.kind != "file":
            self.listing.toggle(self.files.at)
            return
        try:
            content = self.exploration.beginning(number, entry, LIMIT)
        except (ScowError, OSError) as error:
            self.notice = printable(str(error))
            return
        self.look = Look(path(node.path), content, entry.size)

    def _press_look(self, look: Look, key: str) -> None:
        if key in _BACK:
            self.look = None
        else:
            look.press(key)

    # -- filter -----------------------------------------------------------------------------------------------------

    def _ask(self) -> None:
        self.asked = self.wanted

    def _press_filter(self, asked: str, key: str) -> None:
        if key == "enter":
            self._filter(asked)
        elif key == "escape":
            self.asked = None
        elif key == "backspace":
            self.asked = asked[:-1]
        elif len(key) == 1:
            self.asked = asked + key

    def _filter(self, text: str) -> None:
        """Show only what has ``text`` in its name; everything again for none."""
        self.asked, self.wanted, self.focus = None, text, "files"
        count = self.listing.filter(text.encode(errors="surrogateescape"))
        self.files.go(0, len(self.listing.rows))
        if text:
            self.notice = f"{count} names fit; escape shows all again"

    def _unfilter(self) -> None:
        self.about = ""
        if self.wanted:
            node = self.node
            self._filter("")
            self._relist(node)

    # -- waste ------------------------------------------------------------------------------------------------------

    def _next_waste(self) -> None:
        if self._waste is None:
            self.notice, self.later = "looking for waste", self._find_waste
        elif not self._waste:
            self.notice = "nothing here looks like waste"
        else:
            self._at_waste = (self._at_waste + 1) % len(self._waste)
            self._go_to_waste(*self._waste[self._at_waste])

    def _find_waste(self) -> None:
        self.later, self.notice = None, ""
        found = [(one, finding) for one in self.exploration.analysis.waste for finding in one.findings]
        self._waste = sorted(found, key=lambda one: (-one[1].size, one[1].path))
        self._next_waste()

    def _go_to_waste(self, waste: Waste, finding: Finding) -> None:
        self.listing.layer = self.layers.at = waste.layer
        self.listing.changes = False
        self.notice = f"waste: {waste.about.title}"
        self.about = f"{self.notice}\n→ {waste.about.advice}"
        node = self.exploration.tree.find(finding.path)
        if node is not None:
            self.files.at = self.listing.reveal(node)


_ACTIONS: Final[dict[str, Callable[[Screen], None]]] = {
    "tab": Screen._switch,
    "/": Screen._ask,
    "c": Screen._changes,
    "s": Screen._order,
    "w": Screen._next_waste,
    "escape": Screen._unfilter,
}
_ON_FILES: Final[dict[str, Callable[[Screen], None]]] = {
    "right": Screen._unfold,
    "left": Screen._fold,
    "enter": Screen._open,
}
