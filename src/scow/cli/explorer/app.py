"""The screen: layers at the left, what is known of one thing below them, files at the right."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Footer, Input, OptionList, Static
from textual.widgets.option_list import Option

from scow.cli.explorer.files import Files
from scow.cli.explorer.looking import LIMIT, Look
from scow.cli.units import human_size
from scow.engine.exploring import Exploration
from scow.errors import ScowError
from scow.size.browse import Listing, Node
from scow.size.report.text import bar, path, printable, shortened
from scow.size.waste import Finding, Waste

_BAR = 8


class Explorer(App[None]):
    """``scow explore``."""

    CSS = """
    #left { width: 42; }
    #layers { height: 1fr; border: round $primary; }
    #told { height: 14; border: round $primary; padding: 0 1; }
    #right { border: round $primary; }
    #left > :focus, #right:focus-within { border: round $accent; }
    #filter { display: none; height: 3; }
    #filter.shown { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "app.focus_next", "Layers/Files"),
        Binding("slash", "filter", "Filter"),
        Binding("c", "changes", "Changes only"),
        Binding("s", "order", "By size/name"),
        Binding("w", "waste", "Next waste"),
        Binding("escape", "unfilter", "All", show=False),
        Binding("q", "quit", "Quit"),
    ]
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, exploration: Exploration) -> None:
        super().__init__()
        self.exploration = exploration
        self.listing = Listing(exploration.tree, len(exploration.layers) - 1)
        self._waste: list[tuple[Waste, Finding]] | None = None
        self._at_waste = -1
        self._about = ""

    def compose(self) -> ComposeResult:
        """The parts."""
        with Horizontal():
            with Vertical(id="left"):
                layers = OptionList(*map(self._option, range(len(self.exploration.layers))), id="layers")
                layers.border_title = "Layers"
                yield layers
                told = Static(id="told")
                told.border_title = "About"
                yield told
            right = Vertical(id="right")
            right.border_title = Text(printable(self.exploration.name))
            with right:
                yield Files(self.listing)
                yield Input(placeholder="part of a name", id="filter")
        yield Footer()

    def on_mount(self) -> None:
        """The topmost layer, and the files to walk through."""
        self.query_one("#layers", OptionList).highlighted = self.listing.layer
        self.query_one(Files).focus()
        self._find_waste()

    def _option(self, number: int) -> Option:
        layer = self.exploration.layers[number]
        largest = max((one.size for one in self.exploration.layers), default=0) or 1
        line = f"{number:>2} {human_size(layer.size):>7} {bar(layer.size / largest, _BAR)} "
        made_by = shortened(layer.instruction or "?", 120)
        return Option(Text(line + made_by, no_wrap=True, overflow="ellipsis"), id=str(number))

    # -- layers -----------------------------------------------------------------------------------------------------

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Another layer: the same directories stay unfolded, and the cursor where it was."""
        if event.option_index != self.listing.layer:
            self._go_to_layer(event.option_index)

    def _go_to_layer(self, layer: int) -> None:
        files = self.query_one(Files)
        node = files.node
        self.listing.layer = layer
        self.listing.refresh()
        rows = self.listing.rows
        files.relist(next((at for at, row in enumerate(rows) if row.node is node), 0))

    # -- files ------------------------------------------------------------------------------------------------------

    def on_files_moved(self, message: Files.Moved) -> None:
        """Tell about what the cursor stands on."""
        self.query_one("#told", Static).update(Text(self._told(message.node)))

    def _told(self, node: Node | None) -> str:
        layer = self.exploration.layers[self.listing.layer] if self.exploration.layers else None
        lines = [shortened(layer.instruction, 300)] if layer and layer.instruction else []
        if node is not None:
            lines += ["", path(node.path), *self._facts(node)]
        return "\n".join(lines + (["", self._about] if self._about else []))

    def _facts(self, node: Node) -> list[str]:
        entry = node.at(self.listing.layer)
        mark = node.mark(self.listing.layer)
        facts = [f"{human_size(node.size(self.listing.layer))}  {mark if mark != 'within' else 'changed within'}"]
        if entry is not None:
            facts.append(f"{entry.kind} {entry.mode:04o} {entry.uid}:{entry.gid}")
        history = ", ".join(f"{'-' if there is None else '+'}{number}" for number, there in node.events)
        return [*facts, f"layers {history}"]

    def on_files_chosen(self, message: Files.Chosen) -> None:
        """Look into a file."""
        event = message.node.event(self.listing.layer)
        number, entry = event or (0, None)
        if entry is None:
            return
        try:
            content = self.exploration.beginning(number, entry, LIMIT)
        except (ScowError, OSError) as error:
            self.notify(printable(str(error)), severity="error", markup=False)
            return
        self.push_screen(Look(path(entry.path), content, entry.size))

    def action_changes(self) -> None:
        """Only what this layer did, or everything."""
        self.listing.changes = not self.listing.changes
        self._relist()

    def action_order(self) -> None:
        """The largest first, or by name."""
        self.listing.by_size = not self.listing.by_size
        self._relist()

    def _relist(self) -> None:
        self.listing.refresh()
        self.query_one(Files).relist(0)

    # -- filter -----------------------------------------------------------------------------------------------------

    def action_filter(self) -> None:
        """Ask for a part of a name."""
        field = self.query_one("#filter", Input)
        field.add_class("shown")
        field.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Show what fits."""
        count = self.listing.filter(event.value.encode(errors="surrogateescape"))
        files = self.query_one(Files)
        files.relist(0)
        files.focus()
        self.query_one("#filter").remove_class("shown")
        if event.value:
            self.notify(f"{count} names fit", markup=False)

    def action_unfilter(self) -> None:
        """Show everything again."""
        self.query_one("#filter", Input).value = ""
        self.query_one("#filter").remove_class("shown")
        self.listing.filter(b"")
        files = self.query_one(Files)
        files.relist(0)
        files.focus()

    # -- waste ------------------------------------------------------------------------------------------------------

    @work(thread=True)
    def _find_waste(self) -> None:
        """While one walks around already."""
        waste = self.exploration.analysis.waste
        found = [(one, finding) for one in waste for finding in one.findings]
        self._waste = sorted(found, key=lambda one: (-one[1].size, one[1].path))

    def action_waste(self) -> None:
        """Go to the largest wasted file, and then to the next."""
        if self._waste is None:
            self.notify("still looking for waste", markup=False)
            return
        if not self._waste:
            self.notify("nothing here looks like waste", markup=False)
            return
        self._at_waste = (self._at_waste + 1) % len(self._waste)
        waste, finding = self._waste[self._at_waste]
        node = self.exploration.tree.find(finding.path)
        self.query_one("#layers", OptionList).highlighted = waste.layer
        self.listing.layer = waste.layer
        self.listing.changes = False
        self._about = f"waste: {waste.about.title}\n→ {waste.about.advice}"
        if node is not None:
            self.query_one(Files).relist(self.listing.reveal(node))
