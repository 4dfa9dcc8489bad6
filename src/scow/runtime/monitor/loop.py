"""poll(2) with a function for each descriptor, and alarms. Light: a monitor's life is spent here."""

from __future__ import annotations

import select
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Act = Callable[[], object]

IN, OUT = select.POLLIN, select.POLLOUT


class Loop:
    """Watches descriptors and the clock, one :meth:`turn` at a time."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._acts: dict[int, Act] = {}
        self._alarms: dict[int, tuple[float, Act]] = {}
        self._count = 0

    def watch(self, fd: int, act: Act, events: int = IN) -> None:
        """Call ``act`` whenever ``fd`` is ready for ``events``; once more with others changes them."""
        self._poll.register(fd, events)
        self._acts[fd] = act

    def forget(self, fd: int) -> None:
        """Watch it no longer; not being watched is fine."""
        if self._acts.pop(fd, None) is not None:
            self._poll.unregister(fd)

    def alarm(self, seconds: float, act: Act) -> int:
        """Call ``act`` once, in ``seconds``; returns what :meth:`cancel` takes."""
        self._count += 1
        self._alarms[self._count] = (time.monotonic() + seconds, act)
        return self._count

    def cancel(self, number: int) -> None:
        """Forget an alarm; one that has rung already is fine."""
        self._alarms.pop(number, None)

    def turn(self) -> None:
        """Wait for the next thing to happen, and act."""
        for fd, _ in self._poll.poll(self._patience()):
            act = self._acts.get(fd)  # an earlier one of this turn may have forgotten it
            if act:
                act()
        now = time.monotonic()
        for number, (when, act) in sorted(self._alarms.items()):
            if when <= now and number in self._alarms:  # an earlier one may have cancelled it
                del self._alarms[number]
                act()

    def _patience(self) -> float | None:
        """Milliseconds until the next alarm; None without one."""
        if not self._alarms:
            return None
        return max(0.0, min(when for when, _ in self._alarms.values()) - time.monotonic()) * 1000 + 1
