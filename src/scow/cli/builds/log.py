"""How a build shows: BuildKit's numbered lines in a pipe, its list of steps on a terminal, nothing when quiet.

The displays take the events of any stage, from any thread. What a program writes may come from anywhere: on a terminal,
nothing of it moves the cursor.
"""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import IO, TYPE_CHECKING

import msgspec

from scow.cli.progress import Display
from scow.cli.registries.transfers import PULL, Transfer
from scow.errors import CONTROLS, ScowError
from scow.oci.reference import Reference

if TYPE_CHECKING:
    from typing import Self

    from scow.build.execute import Event
    from scow.content.copy import Progress

_LAST_LINES = 20
_LONGEST_LINE = 4096
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)")
_DROPPED = dict.fromkeys(code for code in CONTROLS if chr(code) != "\t")


class Step(msgspec.Struct):
    """A step that was seen, by its number in the order of starting."""

    id: int
    name: str
    began: float
    state: str = "started"
    seconds: float = 0.0
    rest: bytes = b""
    last: deque[str] = msgspec.field(default_factory=lambda: deque(maxlen=_LAST_LINES))

    def lines(self, output: bytes, now: float) -> list[str]:
        """The lines that ``output`` completes, each with the seconds since the step began."""
        *whole, self.rest = (self.rest + output).split(b"\n")
        if len(self.rest) > _LONGEST_LINE:
            whole, self.rest = [*whole, self.rest], b""
        return self._told(whole, now)

    def ending(self, now: float) -> list[str]:
        """What was written without a line end."""
        rest, self.rest = self.rest, b""
        return self._told([rest], now) if rest else []

    def _told(self, lines: Sequence[bytes], now: float) -> list[str]:
        told = [f"{now - self.began:.3f} {plain(line)}" for line in lines]
        self.last.extend(told)
        return told


def plain(line: bytes) -> str:
    """One line of a program's output as text that moves nothing; of what a ``\\r`` overwrote, the last."""
    text = line.rstrip(b"\r").rpartition(b"\r")[2][:_LONGEST_LINE].decode("utf-8", "replace")
    return _ESCAPES.sub("", text).translate(_DROPPED)


class Steps:
    """Every step that was seen."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.began = clock()
        self.all: dict[tuple[str, int], Step] = {}
        self._totals: dict[str, int] = {}

    @property
    def total(self) -> int:
        """How many there will be, of the stages that were seen."""
        return sum(self._totals.values())

    @property
    def finished(self) -> int:
        """How many ended."""
        return sum(step.state in ("done", "cached") for step in self.all.values())

    def of(self, event: Event) -> Step:
        """The step that ``event`` is about, brought up to date."""
        key = (event.stage, event.number)
        step = self.all.get(key)
        if step is None:
            name = f"[{event.stage} {event.number}/{event.total}] {_one_line(event.title)}"
            step = self.all[key] = Step(len(self.all) + 1, name, self.clock())
            self._totals[event.stage] = event.total
        if event.state != "output":
            step.state, step.seconds = event.state, event.seconds
        return step

    @property
    def failed(self) -> Step | None:
        """The step that failed first: others fail because of it."""
        return next((step for step in self.all.values() if step.state == "failed"), None)


def _one_line(title: str) -> str:
    return plain(" ".join(title.split()).encode("utf-8", "replace"))


class Log:
    """Shows nothing, but the output of a step that failed; what shows more is made of it."""

    def __init__(self, stream: IO[str], pulls: Display | None = None) -> None:
        self._stream = stream
        self._pulls = pulls
        self._transfer = Transfer(pulls, PULL) if pulls else None
        self._lock = threading.RLock()
        self._warnings: list[str] = []
        self.steps = Steps()

    def watch(self, event: Event) -> None:
        """Told by every stage."""
        with self._lock:
            self._end_pulls()
            step = self.steps.of(event)
            now = self.steps.clock()
            lines = step.lines(event.output, now) if event.state == "output" else []
            if event.state in ("done", "failed"):
                lines = step.ending(now)
            self.show(step, event.state, lines)

    def watch_pull(self, progress: Progress) -> None:
        """Told by the pull of each base image."""
        if self._transfer:
            self._transfer(progress)

    def show(self, step: Step, state: str, lines: Sequence[str]) -> None:
        """A step began, ended or wrote ``lines``."""

    def finish(self, image_id: str, tags: Sequence[str]) -> None:
        """The image is there."""

    def warn(self, text: str) -> None:
        """Something that the build does without; told at the end."""
        with self._lock:
            self._warnings.append(text)

    def close(self, error: BaseException | None) -> None:
        """Everything is over."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._end_pulls()
        self.close(error)  # not under the lock: whoever draws waits for it
        self.write(*(f"WARNING: {text}" for text in dict.fromkeys(self._warnings)))
        if isinstance(error, ScowError) and (step := self.steps.failed) and step.last:
            self.write("------", f" > {step.name}:", *step.last, "------")

    def write(self, *lines: str) -> None:
        """Put lines on the stream at once."""
        self._stream.write("".join(f"{line}\n" for line in lines))
        self._stream.flush()

    def _end_pulls(self) -> None:
        if self._pulls:
            self._pulls.close()


class Plain(Log):
    """``#5 [build 2/4] RUN make``, ``#5 0.123 what it writes``, ``#5 DONE 0.4s``."""

    def __init__(self, stream: IO[str], pulls: Display | None = None) -> None:
        super().__init__(stream, pulls)
        self._shown = 0

    def show(self, step: Step, state: str, lines: Sequence[str]) -> None:
        """The lines, beneath the name of the step when another one spoke last."""
        if state == "failed" and step is not self.steps.failed:
            self._about(step, f"#{step.id} CANCELED")
            return
        ends = {"cached": [f"#{step.id} CACHED"], "done": [f"#{step.id} DONE {step.seconds:.1f}s"]}
        told = [*(f"#{step.id} {line}" for line in lines), *ends.get(state, [])]
        if told or state == "started":
            self._about(step, *told)

    def finish(self, image_id: str, tags: Sequence[str]) -> None:
        number = len(self.steps.all) + 1
        told = [f"writing image {image_id} done", *(f"naming to {Reference.parse(tag)} done" for tag in tags)]
        self.write(*self._gap(number), *(f"#{number} {text}" for text in ("exporting to image", *told, "DONE 0.0s")))

    def close(self, error: BaseException | None) -> None:
        """What failed is told last."""
        failed = self.steps.failed
        if failed and isinstance(error, ScowError):
            self._about(failed, f"#{failed.id} ERROR: {error.problem}")

    def _about(self, step: Step, *lines: str) -> None:
        """The lines, beneath the step's name when others were spoken of last."""
        heading = [] if self._shown == step.id else [*self._gap(step.id), f"#{step.id} {step.name}"]
        self.write(*heading, *lines)

    def _gap(self, number: int) -> list[str]:
        before, self._shown = self._shown, number
        return [""] if before else []
