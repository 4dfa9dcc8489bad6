"""Health checks, as docker makes them: a program in the container, now and then, whose exit code tells. Light.

The first comes one interval after the start. Failures do not count while the container starts (``start_period``, until
one succeeds); ``retries`` of them in a row mean ``unhealthy``, one success means ``healthy``.
"""

from __future__ import annotations

import _socket
import os
import time

from scow.runtime.launcher import joining
from scow.runtime.monitor.forking import forked
from scow.runtime.monitor.journal import now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from scow.runtime.monitor.loop import Loop

_KEPT, _OUTPUT = 5, 4096
PAUSED = "paused"
"""The file beside the state that says: this container is held."""


class Health:
    """The checks of one container. ``wanted`` are times in seconds, ``retries`` and a joiner's ``plan``; ``note`` is
    told of ``{"status", "failing", "log"}`` after each."""

    def __init__(self, loop: Loop, wanted: dict[str, Any], note: Callable[[dict[str, Any]], None]) -> None:
        self._loop, self._wanted, self._note = loop, wanted, note
        self._place: dict[str, Any] = {}
        self._alarm = self._limit = 0
        self._check: _Check | None = None
        self._begun = 0.0
        self._early = False  # the check under way was begun while the container started
        self.told: dict[str, Any] = {}

    def begin(self, pid: int, born: int) -> None:
        """Check from now on."""
        self._place, self._begun = {"pid": pid, "born": born}, time.monotonic()
        self.told = {"status": "starting", "failing": 0, "log": []}
        self._next()

    def end(self) -> None:
        """The container is gone."""
        self._loop.cancel(self._alarm)
        self._give_up()

    def _starting(self) -> bool:
        early = time.monotonic() - self._begun < self._wanted["start_period"]
        return bool(early and self.told["status"] == "starting")

    def _next(self) -> None:
        name = "start_interval" if self._starting() else "interval"
        self._alarm = self._loop.alarm(self._wanted[name], self._start)

    def _start(self) -> None:
        if os.path.exists(PAUSED):
            self._next()
            return
        self._early = self._starting()
        self._check = _Check(self._loop, {**self._wanted["plan"], **self._place, "ends_with_us": True})
        self._limit = self._loop.alarm(self._wanted["timeout"], self._too_long)

    def _too_long(self) -> None:
        check = self._check
        self._give_up()
        if check:
            self._judge(check.started, -1, f"Health check exceeded timeout ({self._wanted['timeout']:g}s)")

    def _give_up(self) -> None:
        self._loop.cancel(self._limit)
        if self._check:
            self._check.close()
        self._check = None

    def reaped(self, pid: int, code: int) -> None:
        """A child of the monitor ended: perhaps a check."""
        check = self._check
        if check and check.process == pid:
            output = check.output()
            self._give_up()
            self._judge(check.started, code, output)

    def _judge(self, started: str, code: int, output: str) -> None:
        told = self.told
        if code == 0:
            told["status"], told["failing"] = "healthy", 0
        elif not self._early:
            told["failing"] += 1
            if told["failing"] >= self._wanted["retries"]:
                told["status"] = "unhealthy"
        entry = {"start": started, "end": now(), "exit_code": code, "output": output}
        told["log"] = [*told["log"], entry][-_KEPT:]
        self._note(told)
        self._next()


class _Check:
    """One check under way."""

    def __init__(self, loop: Loop, plan: dict[str, Any]) -> None:
        self._loop = loop
        self.started = now()
        self._text = b""
        self._control, theirs = _socket.socketpair()
        self._reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        os.set_blocking(writer, True)
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        self.process = forked([null, writer, writer, theirs.fileno()], lambda: joining.main(plan))
        theirs.close()
        os.close(null)
        os.close(writer)
        loop.watch(self._reader, self._read)

    def _read(self) -> None:
        try:
            part = os.read(self._reader, 65536)
        except BlockingIOError:
            return
        self._text = (self._text + part)[:_OUTPUT]
        if not part:
            self._loop.forget(self._reader)

    def output(self) -> str:
        """What it said, as far as it is kept."""
        self._read()
        return self._text.decode("utf-8", "replace")

    def close(self) -> None:
        """Let go of it; if it still runs, it is ended."""
        self._loop.forget(self._reader)
        os.close(self._reader)
        self._control.close()
