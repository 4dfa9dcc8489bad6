"""Signals that come to scow go to the container: its program decides what to do about them."""

from __future__ import annotations

import os
import signal
from _thread import allocate_lock, start_new_thread
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

    On a thread of its own: one that comes right before the main thread begins to wait would not be handled until that
    is over (https://docs.python.org/3/library/signal.html, "Execution of Python signal handlers").
    Whoever asks for the end three times gets it: a first process that has no handler hears nothing but SIGKILL.
    Without ``proxy`` signals mean what they mean to every command.
    """

    def __init__(self, proxy: bool = True) -> None:
        self._proxy = proxy
        self._running: Hearing | None = None
        self._early: list[int] = []
        self._asked = 0
        self._before: dict[int, Any] = {}
        self._guard = allocate_lock()

    def __enter__(self) -> Forwarding:
        if self._proxy:
            reader, self._writer = os.pipe2(os.O_CLOEXEC)
            os.set_blocking(self._writer, False)
            self._wakeup = signal.set_wakeup_fd(self._writer)
            for name in _FORWARDED:
                number = signal.Signals[name]
                if signal.getsignal(number) != signal.SIG_IGN:  # nohup stays nohup
                    self._before[number] = signal.signal(number, lambda *_: None)
            start_new_thread(self._listen, (reader,))
        return self

    def __exit__(self, *error: object) -> None:
        if self._proxy:
            for number, handler in self._before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(self._wakeup)
            os.close(self._writer)

    def begin(self, running: Hearing) -> None:
        """Send to ``running`` from now on, first of all what came before it was there."""
        with self._guard:
            self._running = running
            while self._early:
                running.signal(self._early.pop(0))

    def _listen(self, reader: int) -> None:
        """Until the other end is closed."""
        while numbers := os.read(reader, 64):
            for number in numbers:
                if number in self._before:
                    self._arrived(number)
        os.close(reader)

    def _arrived(self, number: int) -> None:
        with self._guard:
            if number in _ENDING:
                self._asked += 1
            if self._asked >= _PATIENCE:
                number = int(signal.SIGKILL)
            if self._running is None:
                self._early.append(number)
            else:
                self._running.signal(number)
