"""How long work shows: plain lines in a pipe, bars on a terminal, nothing when quiet.

The three displays take the same two calls, from any thread: ``update(item, status, done, total)`` and ``close()``.
``item`` is a short id ("4f4fb700ef54") or empty for a message of its own, ``done`` and ``total`` are bytes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import IO, TYPE_CHECKING

import msgspec

from scow.cli.units import human_size

if TYPE_CHECKING:
    from typing import Self

    from rich.console import RenderableType
    from rich.live import Live as RichLive

FINAL = (
    "Pull complete",
    "Already exists",
    "Pushed",
    "Layer already exists",
    "Loaded",
    "Copied",
    "Already there",
)
"""How the status of an item begins that needs no bar any more."""
_INTERVAL = 0.1
#: Columns that what is redrawn leaves free: a terminal writes ``^C`` where the cursor is, and may not begin a new line
#: with it, as all would be a line further down than was drawn.
ECHO = 2


class Display:
    """Shows nothing; what shows something has the same calls."""

    def update(self, item: str, status: str, done: int = 0, total: int | None = None) -> None:
        """``item`` is in ``status`` now, with ``done`` of ``total`` bytes."""

    def close(self) -> None:
        """No more updates will come."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def choose(stream: IO[str], *, quiet: bool = False, isatty: bool = False, no_color: bool = False) -> Display:
    """The display for ``stream``; the caller knows about ``-q``, ``NO_COLOR`` and ``TERM=dumb`` (which is no tty)."""
    if quiet:
        return Display()
    return Live(stream, color=not no_color) if isatty else Lines(stream)


def _line(item: str, status: str) -> str:
    return f"{item}: {status}" if item else status


class Lines(Display):
    """A line whenever the status of an item changes; how far it has come is not told, as docker does in a pipe."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._last: dict[str, str] = {}

    def update(self, item: str, status: str, done: int = 0, total: int | None = None) -> None:
        """Print a line when an item comes into a new state."""
        under_way = (done > 0 or total is not None) and status.endswith("ing")
        with self._lock:
            if under_way or (item and self._last.get(item) == status):
                return
            self._last[item] = status
            self._stream.write(_line(item, status) + "\n")
            self._stream.flush()


class _Item(msgspec.Struct):
    status: str
    done: int
    total: int | None
    since: float
    at_first: int

    def told(self, now: float) -> str:
        """``12.3MB/45.6MB  8.1MB/s``"""
        if not self.done and self.total is None:
            return ""
        size = human_size(self.done) + (f"/{human_size(self.total)}" if self.total is not None else "")
        passed = now - self.since
        rate = (self.done - self.at_first) / passed if passed > 0 else 0
        return f"{size}  {human_size(rate)}/s" if rate > 0 else size


class Live(Display):
    """A bar for each item under way, redrawn about ten times a second; finished items are lines above the bars.

    rich is imported when the first bar is drawn. The last statuses stay on the screen.
    """

    def __init__(
        self,
        stream: IO[str],
        *,
        color: bool = True,
        clock: Callable[[], float] = time.monotonic,
        width: int | None = None,
    ) -> None:
        self._stream, self._color, self._clock, self._width = stream, color, clock, width
        self._lock = threading.RLock()
        self._items: dict[str, _Item] = {}
        self._live: RichLive | None = None
        self._drawn = float("-inf")
        self._closed = False

    def update(self, item: str, status: str, done: int = 0, total: int | None = None) -> None:
        """Show where an item is."""
        with self._lock:
            if self._closed:
                return
            if not item or status.startswith(FINAL):
                self._items.pop(item, None)
                self._print(_line(item, status))
                return
            self._note(item, status, done, total)
            if self._clock() - self._drawn >= _INTERVAL:
                self._draw()

    def close(self) -> None:
        """Take the bars away and leave the last status of each unfinished item."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            unfinished, self._items = self._items, {}
            if self._live:
                self._live.stop()
            for item, state in unfinished.items():
                self._stream.write(_line(item, state.status) + "\n")
            self._stream.flush()

    def _note(self, item: str, status: str, done: int, total: int | None) -> None:
        known = self._items.get(item)
        if known and known.status == status:
            known.done, known.total = done, total
        else:
            self._items[item] = _Item(status, done, total, self._clock(), done)

    def _print(self, line: str) -> None:
        if self._live:
            from rich.text import Text

            self._draw()
            self._live.console.print(Text(line), soft_wrap=True)
        else:
            self._stream.write(line + "\n")
            self._stream.flush()

    def _draw(self) -> None:
        if self._live is None:
            self._live = self._start()
        from rich.constrain import Constrain

        self._live.update(Constrain(self._bars(), self._live.console.width - ECHO), refresh=True)
        self._drawn = self._clock()

    def _start(self) -> RichLive:
        from rich.console import Console
        from rich.live import Live as RichLive

        console = Console(
            file=self._stream, force_terminal=True, no_color=not self._color, width=self._width, highlight=False
        )
        live = RichLive(
            console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
        )
        live.start()
        return live

    def _bars(self) -> RenderableType:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        now = self._clock()
        grid = Table.grid(padding=(0, 1))
        for _ in range(4):
            grid.add_column(no_wrap=True)
        for item, state in self._items.items():
            bar = ProgressBar(total=state.total, completed=state.done, width=24) if state.total else Text("")
            grid.add_row(Text(item), Text(state.status), bar, Text(state.told(now)))
        return grid
