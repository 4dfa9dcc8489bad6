"""The programs of one build while they run: all of them can be ended at once."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scow.build.execute import RunRequest
    from scow.runtime.runner import Running


class Steps:
    """The programs of one build, run with ``runtime`` (or the sandbox)."""

    def __init__(self, runtime: str | None) -> None:
        self._runtime = runtime
        self._running: set[Running] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def run(self, request: RunRequest) -> int:
        """Run a step to its end; returns the exit code."""
        from scow.engine.builds.running import started

        running = started(self._runtime, request)
        with self._lock:
            self._running.add(running)
            stopped = self._stopped
        if stopped:
            running.signal(int(signal.SIGKILL))
        try:
            return running.wait()
        finally:
            with self._lock:
                self._running.discard(running)

    def stop(self) -> None:
        """End every program that runs, and those that are being started."""
        with self._lock:
            self._stopped = True
            for running in self._running:
                running.signal(int(signal.SIGKILL))
