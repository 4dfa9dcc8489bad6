"""One run of a container as its monitor sees it: a launcher forked from here, and the ends of its streams. Light."""

from __future__ import annotations

import _socket
import os

from scow.runtime.launcher import launch
from scow.runtime.monitor.forking import forked
from scow.runtime.wire import KEPT, Refused, receive, send, taken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from scow.runtime.monitor.loop import Loop

    Wrote = Callable[[str, bytes], None]

_CHUNK = 64 * 1024


class Program:
    """``launcher`` is its process; ``entrance`` the descriptor that what it reads is written to, if it reads."""

    def __init__(self, plan: dict[str, Any], keep: dict[str, Any]) -> None:
        self._plan, self._keep = plan, keep
        self._control, self._theirs = _socket.socketpair()
        self._outputs: dict[int, str] = {}
        self._loop: Loop | None = None
        self._wrote: Wrote = lambda stream, part: None
        self.launcher = 0
        self.entrance: int | None = None

    def start(self) -> None:
        """Start it and return once its program runs; raises :class:`Refused`."""
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        theirs = [null, null, null] if self._keep["terminal"] else self._pipes(null)
        self.launcher = forked([*theirs, self._theirs.fileno(), KEPT], lambda: launch.main(self._plan))
        self._theirs.close()
        for fd in {null, *theirs}:
            os.close(fd)
        try:
            self._began()
        except Refused:
            os.waitpid(self.launcher, 0)
            self._close()
            raise

    def _pipes(self, null: int) -> list[int]:
        """The container's standard streams; this side's ends are kept."""
        theirs = [null]
        if self._keep["stdin"]:
            reader, self.entrance = os.pipe2(os.O_CLOEXEC)
            theirs = [reader]
        for stream in ("stdout", "stderr"):
            reader, writer = os.pipe2(os.O_CLOEXEC)
            self._outputs[reader] = stream
            theirs.append(writer)
        return theirs

    def _began(self) -> None:
        try:
            answer = receive(self._control.fileno())
            if answer and answer.get("console"):
                self.entrance = taken(self._control.fileno())[0]
                self._outputs = {self.entrance: "stdout"}
        except (OSError, IndexError):
            answer = None
        if answer is None:
            raise Refused("Unsupported", "the launcher ended early")
        if "error" in answer:
            raise Refused(**answer["error"])
        for fd in {*self._outputs, *([] if self.entrance is None else [self.entrance])}:
            os.set_blocking(fd, False)

    def watch(self, loop: Loop, wrote: Wrote) -> None:
        """Read what it writes from now on."""
        self._loop, self._wrote = loop, wrote
        self.hold(False)

    def hold(self, held: bool) -> None:
        """Stop reading what it writes (``held``), so that it waits; or go on."""
        assert self._loop  # noqa: S101 - it is watched
        for fd in self._outputs:
            self._loop.forget(fd)
            if not held:
                self._loop.watch(fd, lambda fd=fd: self._read(fd))  # type: ignore[misc]

    def _read(self, fd: int) -> bool:
        """One piece of output; False when there is no more, for now or at all."""
        try:
            part = os.read(fd, _CHUNK)
        except BlockingIOError:
            return False
        except OSError:  # a terminal's end
            part = b""
        if part:
            self._wrote(self._outputs[fd], part)
        elif self._loop:
            self._loop.forget(fd)
        return bool(part)

    def signal(self, number: int) -> None:
        """Send it a signal; nothing happens when it is gone."""
        try:
            send(self._control.fileno(), {"signal": number})
        except OSError:
            return

    def close_stdin(self) -> None:
        """It reads the end of its input; a terminal has none."""
        if not self._keep["terminal"] and self.entrance is not None:
            os.close(self.entrance)
            self.entrance = None

    def drain(self) -> None:
        """After its end: take what it wrote last, and let go of everything."""
        for fd in list(self._outputs):
            while self._read(fd):
                pass
        self._close()

    def _close(self) -> None:
        self._control.close()
        for fd in {*self._outputs, *([] if self.entrance is None else [self.entrance])}:
            if self._loop:
                self._loop.forget(fd)
            os.close(fd)
        self._outputs, self.entrance = {}, None
