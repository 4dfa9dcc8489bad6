"""A program that was started in a container that runs, as its starter sees it."""

from __future__ import annotations

import contextlib
import os
from typing import Any

from scow.runtime import wire
from scow.runtime.child import Stdio, began
from scow.runtime.kernel import tasks
from scow.runtime.spawn import start


class Joined:
    """``process`` is that of ours which stands for the program outside."""

    def __init__(self, process: int, control: int, stdio: Stdio, console: int | None) -> None:
        self.process = process
        self._stdio, self._console = stdio, console
        self._control: int | None = control
        self._ended: int | None = None

    def wait(self, detach_keys: bytes = b"") -> int | None:
        """Its exit code, or 128 + the signal that ended it; None when the keys were typed first.

        Copies its terminal meanwhile, when it has one. It may be asked again.
        """
        if self._ended is not None:
            return self._ended
        try:
            if self._console is not None:
                from scow.runtime import terminal

                if not terminal.copy(self._console, self._stdio.stdin, self._stdio.stdout, detach_keys):
                    return None
            _, status = os.waitpid(self.process, 0)
        finally:
            self.close()
        self._ended = tasks.exit_code(status)
        return self._ended

    def signal(self, number: int) -> None:
        """Send it a signal; nothing happens when it is gone."""
        if self._control is not None:
            with contextlib.suppress(OSError):
                wire.send(self._control, {"signal": number})

    def close(self) -> None:
        """Leave it alone: it goes on."""
        open_ones = (self._control, self._console)
        self._control = self._console = None  # first: a signal may be on its way
        for fd in open_ones:
            if fd is not None:
                os.close(fd)


def join(plan: dict[str, Any], stdio: Stdio) -> Joined:
    """Start the program of ``plan`` (:mod:`scow.runtime.launcher.joining`) and return once it runs.

    Raises :class:`scow.errors.Process` with docker's 126 or 127 when it cannot be run, and what else was met.
    """
    process, control = start("joining", plan, (stdio.stdin, stdio.stdout, stdio.stderr))
    return Joined(process, control, stdio, began(process, control))
