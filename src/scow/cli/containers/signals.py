"""Signals that come to scow go to the container: its program decides what to do about them."""

from __future__ import annotations

import signal
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import Protocol

    class Hearing(Protocol):
        """What runs, and takes signals."""

        def signal(self, number: int, /) -> None: ...


_FORWARDED = ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGCONT")
_ENDING = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP})
_PATIENCE = 3


class Forwarding:
    """While entered, signals are kept for :meth:`begin`, and from then on sent to what runs.

    Whoever asks for the end three times gets it: a first process that has no handler hears nothing but SIGKILL.
    Without ``proxy`` signals mean what they mean to every command.
    """

    def __init__(self, proxy: bool = True) -> None:
        self._proxy = proxy
        self._running: Hearing | None = None
        self._early: list[int] = []
        self._asked = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Forwarding:
        for name in _FORWARDED if self._proxy else ():
            number = signal.Signals[name]
            if signal.getsignal(number) != signal.SIG_IGN:  # nohup stays nohup
                self._before[number] = signal.signal(number, self._arrived)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def begin(self, running: Hearing) -> None:
        """Send to ``running`` from now on, first of all what came before it was there."""
        self._running = running
        while self._early:
            running.signal(self._early.pop(0))

    def _arrived(self, number: int, _frame: FrameType | None) -> None:
        if number in _ENDING:
            self._asked += 1
        if self._asked >= _PATIENCE:
            number = int(signal.SIGKILL)
        if self._running is None:
            self._early.append(number)
        else:
            self._running.signal(number)
