"""Who is connected to a monitor: messages in, messages out, and nobody who does not read holds the others up. Light."""

from __future__ import annotations

import _socket

from scow.runtime import wire
from scow.runtime.monitor.loop import IN, OUT, Loop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Asked = Callable[["Caller", dict[str, Any]], None]

_CHUNK = 64 * 1024
_MUCH = 1024 * 1024  # bytes that wait for one caller, before the container is made to wait


class Caller:
    """One connection. ``wish`` says what it is attached to: ``{"stdin": bool, "output": bool}``, or None."""

    def __init__(self, owner: Callers, connection: _socket.socket, wish: dict[str, Any] | None) -> None:
        self.owner, self.socket, self.wish = owner, connection, wish
        self.pending, self.received = bytearray(), bytearray()
        self.leaving = False

    def tell(self, message: dict[str, Any]) -> None:
        """Send a message, as soon as the other side takes it."""
        self.send(wire.framed(message))

    def send(self, frame: bytes) -> None:
        """Send what was framed already."""
        self.pending += frame
        self.owner.flush(self)

    def give(self, fd: int) -> None:
        """Send a descriptor; the message before it says that it comes."""
        try:
            wire.give(self.socket.fileno(), [fd])
        except OSError:
            self.owner.drop(self)


class Callers:
    """Every connection of one monitor; true while there is one.

    ``asked`` is told of each message, ``crowded`` when too much waits for somebody who does not read, and when it is
    over, and ``gone`` of who left.
    """

    def __init__(
        self, loop: Loop, asked: Asked, crowded: Callable[[bool], None], gone: Callable[[Caller], None]
    ) -> None:
        self._loop, self._asked, self._tell_crowded, self._gone = loop, asked, crowded, gone
        self._all: dict[int, Caller] = {}
        self._crowded = False

    def __bool__(self) -> bool:
        return bool(self._all)

    def add(self, fd: int, wish: dict[str, Any] | None) -> Caller:
        """Take over a connected socket."""
        connection = _socket.socket(fileno=fd)
        connection.setblocking(False)
        caller = self._all[fd] = Caller(self, connection, wish)
        self._loop.watch(fd, lambda: self._ready(caller))
        return caller

    def drop(self, caller: Caller) -> None:
        """Forget a connection; one that is forgotten already is fine."""
        fd = caller.socket.fileno()
        if self._all.pop(fd, None) is None:
            return
        self._loop.forget(fd)
        caller.socket.close()
        caller.pending.clear()
        self._count()
        self._gone(caller)

    def broadcast(self, message: dict[str, Any]) -> None:
        """Send a message to everybody who is attached to the output."""
        listening = [one for one in self._all.values() if one.wish and one.wish["output"]]
        frame = wire.framed(message) if listening else b""
        for caller in listening:
            caller.send(frame)

    def end(self, message: dict[str, Any]) -> None:
        """Send everybody a last message; they are dropped once they have it."""
        for caller in list(self._all.values()):
            caller.leaving = True
            caller.tell(message)

    def flush(self, caller: Caller) -> None:
        """Send what the other side takes now."""
        try:
            while caller.pending:
                del caller.pending[: caller.socket.send(caller.pending)]
        except BlockingIOError:
            pass
        except OSError:
            self.drop(caller)
            return
        if caller.leaving and not caller.pending:
            self.drop(caller)
            return
        if caller.socket.fileno() in self._all:
            self._loop.watch(caller.socket.fileno(), lambda: self._ready(caller), IN | OUT if caller.pending else IN)
        self._count()

    def _count(self) -> None:
        crowded = any(len(one.pending) > _MUCH for one in self._all.values())
        if crowded != self._crowded:
            self._crowded = crowded
            self._tell_crowded(crowded)

    def _ready(self, caller: Caller) -> None:
        if caller.pending:
            self.flush(caller)
        try:
            part = caller.socket.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            part = b""
        if not part:
            self.drop(caller)
            return
        caller.received += part
        messages = wire.unframed(caller.received)
        if messages is None:
            self.drop(caller)
            return
        for message in messages:
            self._asked(caller, message)
