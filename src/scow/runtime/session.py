"""The other end of a monitor's line."""

from __future__ import annotations

import _socket
import contextlib
import os
import struct
from pathlib import Path
from typing import Any

from scow.errors import NotFound, Unavailable, Unsupported
from scow.runtime import wire
from scow.runtime.child import told
from scow.runtime.spawn import start

KILLED = 137
_PATIENCE = 10  # seconds for an answer


class Session:
    """A line to a monitor. When it is an attached one: ``terminal`` says whether the container has one, and what is
    written to ``entrance`` (not blocking) the container reads."""

    def __init__(self, channel: _socket.socket, answer: dict[str, Any]) -> None:
        self.channel = channel
        self.terminal = bool(answer.get("terminal"))
        self.entrance: int | None = next(iter(wire.taken(channel.fileno())), None) if answer.get("entrance") else None

    @classmethod
    def to(cls, home: Path, message: dict[str, Any]) -> Session:
        """Connect to the monitor of the container in ``home`` and send a first message.

        Raises :class:`NotFound` when there is none, or it is leaving, and :class:`Unavailable` when it does not answer.
        """
        channel = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        _be_patient(channel, _PATIENCE)
        try:
            _connect(channel, home)
            wire.send(channel.fileno(), message)
            answer = _answer(channel)
        except BlockingIOError:
            channel.close()
            raise Unavailable("its monitor does not answer", subject=home.name[:12]) from None
        except OSError:
            answer = None
        if answer is None or "exit" in answer:  # that tells everybody of the end
            channel.close()
            raise NotFound("has no monitor", subject=home.name[:12])
        if answer.get("protocol") != wire.PROTOCOL:
            channel.close()
            raise Unsupported("its monitor is of another version of scow", subject=home.name[:12], hint="restart it")
        _be_patient(channel, 0)
        return cls(channel, answer)

    def tell(self, message: dict[str, Any]) -> None:
        """Send a message; nothing happens when the monitor is gone."""
        with contextlib.suppress(OSError):
            self.channel.sendall(wire.framed(message))

    def signal(self, number: int) -> None:
        """Send the container a signal; nothing happens when it is gone."""
        self.tell({"signal": number})

    def wait(self) -> int:
        """The exit code of this run; what the container writes meanwhile is let go."""
        try:
            while message := wire.receive(self.channel.fileno()):
                if "exit" in message:
                    return int(message["exit"])
            return KILLED
        finally:
            self.close()

    def end_input(self) -> None:
        """The container has read everything there is."""
        self._close_entrance()
        self.tell({"end": True})

    def close(self) -> None:
        """Leave; the container goes on."""
        self.channel.close()
        self._close_entrance()

    def _close_entrance(self) -> None:
        if self.entrance is not None:
            os.close(self.entrance)
            self.entrance = None


def begin(plan: dict[str, Any], kept: int) -> Session:
    """Start a monitor with ``plan`` (:mod:`scow.runtime.monitor.monitor`) and the lock ``kept``; the first line to it.

    Returns once the container's program runs. Raises what the launcher met, as :meth:`Runner.start`.
    """
    starter, line = start("monitor", plan, (None, None, None), kept)
    ours = _socket.socket(fileno=line)
    try:
        os.waitpid(starter, 0)  # it has left its own child behind
        answer = _answer(ours)
    except OSError:
        answer = None
    except BaseException:  # interrupted: nothing may stay behind
        ours.close()
        raise
    if answer and "started" in answer:
        return Session(ours, answer)
    ours.close()
    if answer is None:
        raise Unavailable("the monitor ended early", subject=str(plan["launch"]["id"])[:12])
    raise told(answer["error"])


def _be_patient(channel: _socket.socket, seconds: int) -> None:
    """How long a read or write may take (0: as long as it takes); the descriptor goes on blocking."""
    for which in (_socket.SO_RCVTIMEO, _socket.SO_SNDTIMEO):
        channel.setsockopt(_socket.SOL_SOCKET, which, struct.pack("ll", seconds, 0))


def _connect(channel: _socket.socket, home: Path) -> None:
    """By a short name: a socket's path has 107 bytes at most."""
    at = os.open(home, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        channel.connect(f"/proc/self/fd/{at}/{wire.SOCKET}")
    finally:
        os.close(at)


def _answer(channel: _socket.socket) -> dict[str, Any] | None:
    """The first message, and not a byte more: a descriptor may come after it."""
    return wire.receive(channel.fileno())
