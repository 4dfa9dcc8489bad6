"""A build on a terminal: the steps with their seconds, and the last lines of those under way, redrawn in place.

::

    [+] Building 1.2s (2/5)
     => CACHED [build 1/2] COPY . /src                                                      0.0s
     => [build 2/2] RUN make                                                                1.1s
     => => 0.911 cc -o app app.c
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import IO, TYPE_CHECKING

from scow.cli.builds.log import Log, Step
from scow.cli.progress import ECHO
from scow.cli.units import ellipsis, width
from scow.oci.reference import Reference

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live as RichLive

    from scow.cli.progress import Display

_SHOWN_OUTPUT = 6
_PER_SECOND = 8
_ROOM = 2  # lines of the screen that steps leave free, for the heading and the cursor
_MARKS = {"cached": "CACHED ", "failed": "ERROR "}
_STYLES = {"started": "", "done": "blue", "cached": "blue", "failed": "red"}


class Live(Log):
    """The list of steps, drawn about eight times a second by rich's own thread."""

    def __init__(self, stream: IO[str], pulls: Display | None = None, *, color: bool = True) -> None:
        super().__init__(stream, pulls)
        self._color = color
        self._live: RichLive | None = None
        self._ended: list[str] = []
        self._over = False

    def show(self, step: Step, state: str, lines: Sequence[str]) -> None:
        """Everything is drawn from the steps themselves; the first of them starts that."""
        if self._live is None:
            self._live = self._start()

    def finish(self, image_id: str, tags: Sequence[str]) -> None:
        self._ended = [f"writing image {image_id}", *(f"naming to {Reference.parse(tag)}" for tag in tags)]

    def close(self, error: BaseException | None) -> None:
        """What is on the screen stays there."""
        self._over = True
        if self._live:
            self._live.stop()
        if self._ended:
            self.write(*(f" => {text}" for text in self._ended))

    def __rich__(self) -> RenderableType:
        """What is on the screen now."""
        from rich.text import Text

        with self._lock:
            columns = (self._live.console.width if self._live else 80) - ECHO
            steps = [line for step in self.steps.all.values() for line in self._step(step, columns)]
            room = None if self._over or not self._live else self._live.console.height - _ROOM
            lines = [self._heading(), *(steps[-room:] if room else steps)]
            return Text("\n", no_wrap=True, overflow="crop").join(Text(text, style) for text, style in lines)

    def _start(self) -> RichLive:
        from rich.console import Console
        from rich.live import Live as RichLive

        console = Console(file=self._stream, force_terminal=True, no_color=not self._color, highlight=False)
        live = RichLive(
            self, console=console, refresh_per_second=_PER_SECOND, redirect_stdout=False, redirect_stderr=False,
            vertical_overflow="crop",
        )  # fmt: skip
        live.start()
        return live

    def _heading(self) -> tuple[str, str]:
        steps = self.steps
        finished = " FINISHED" if self._ended else ""
        return f"[+] Building {steps.clock() - steps.began:.1f}s ({steps.finished}/{steps.total}){finished}", "bold"

    def _step(self, step: Step, columns: int) -> Iterable[tuple[str, str]]:
        seconds = step.seconds if step.state != "started" else self.steps.clock() - step.began
        right = f" {seconds:.1f}s"
        left = ellipsis(f" => {_MARKS.get(step.state, '')}{step.name}", columns - len(right))
        yield left + " " * (columns - len(right) - width(left)) + right, _STYLES[step.state]
        if step.state == "started":
            for line in list(step.last)[-_SHOWN_OUTPUT:]:
                yield ellipsis(f" => => {line}", columns), "dim"
