"""What our small processes say to each other: one socket, a message = length + marshalled plain values.

Both ends belong to one user and trust each other; marshal costs no import, and this version of it every interpreter
reads. A process that was started is told ``{"module": name, "plan": …}`` (:mod:`~scow.runtime.entry`). A launcher
answers ``{"started": True}`` (with the terminal's master, if any) or ``{"error": …}``, and then hears
``{"signal": n}``. An end of file from the starter means that it died: the container is killed. What a monitor is told
is in :mod:`~scow.runtime.monitor.monitor`.
"""

from __future__ import annotations

import _socket  # the socket module makes enums of its constants, which is a tenth of a start
import marshal
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

CONTROL = 3
"""The descriptor a launcher finds its end on."""
KEPT = 4
"""The descriptor that holds the container's lock, for as long as anything of the container is left."""
HIGH = KEPT + 1
"""Above every such place: where descriptors are moved first that are to come to one."""

PROTOCOL = 1
"""What monitors speak; one that runs may be older than the scow that asks."""
SOCKET = "monitor.sock"
"""Where a monitor listens, in the container's directory."""

READY = b"r"
"""What a small interpreter says once it can be told something, and what carries the descriptors to it."""

_FORMAT = 4  # marshal's, of Python 3.4 and later
_LARGEST = 64 * 1024 * 1024


class Refused(Exception):
    """A start that failed; ``kind`` names the class of :mod:`scow.errors` that it becomes on the other side."""

    def __init__(self, kind: str, problem: str, subject: str = "", hint: str = "", exit_code: int = 125) -> None:
        super().__init__(problem)
        self.fields: dict[str, Any] = {
            "kind": kind, "problem": problem, "subject": subject, "hint": hint, "exit_code": exit_code,
        }  # fmt: skip

    @classmethod
    def by(cls, error: Exception) -> Refused:
        """What an unexpected error is told as."""
        if isinstance(error, Refused):
            return error
        if isinstance(error, PermissionError):
            return cls("Denied", str(error.strerror), str(error.filename or "launcher"))
        if isinstance(error, OSError):
            return cls("Unsupported", f"{error.strerror}", str(error.filename or "launcher"))
        return cls("Unsupported", f"{type(error).__name__}: {error}", "launcher")


def pair() -> tuple[int, int]:
    """The two ends of a new line; a program that is executed has neither."""
    ours, theirs = _socket.socketpair()
    return ours.detach(), theirs.detach()


def give(fd: int, descriptors: list[int]) -> None:
    """Send descriptors, with one byte."""
    line = _socket.socket(fileno=fd)
    try:
        rights = b"".join(one.to_bytes(4, sys.byteorder) for one in descriptors)
        line.sendmsg([READY], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, rights)])
    finally:
        line.detach()


def taken(fd: int, most: int = 1) -> list[int]:
    """The descriptors that come next; none when the other end is gone."""
    line = _socket.socket(fileno=fd)
    try:
        _, carried, _, _ = line.recvmsg(1, _socket.CMSG_SPACE(4 * most))
    except ConnectionError:
        return []
    finally:
        line.detach()
    rights = b"".join(data for _, _, data in carried)
    return [int.from_bytes(rights[at : at + 4], sys.byteorder) for at in range(0, len(rights), 4)]


def framed(message: dict[str, Any]) -> bytes:
    """One message as it is sent."""
    raw = marshal.dumps(message, _FORMAT)
    return len(raw).to_bytes(4, "little") + raw


def unframed(received: bytearray) -> list[dict[str, Any]] | None:
    """The whole messages at the beginning of ``received``, which are taken out of it; None when it is nonsense."""
    messages = []
    while len(received) >= 4:
        size = int.from_bytes(received[:4], "little")
        if size > _LARGEST:
            return None
        if len(received) < 4 + size:
            break
        messages.append(marshal.loads(received[4 : 4 + size]))  # noqa: S302
        del received[: 4 + size]
    return messages


def send(fd: int, message: dict[str, Any]) -> None:
    """Send one message."""
    rest = framed(message)
    while rest:
        rest = rest[os.write(fd, rest) :]


def send_error(fd: int, error: Exception) -> None:
    """Tell the other side what went wrong, if it is still there."""
    try:  # noqa: SIM105 -- contextlib is not loaded here
        send(fd, {"error": Refused.by(error).fields})
    except OSError:
        pass


def receive(fd: int) -> dict[str, Any] | None:
    """The next message; None at the end."""
    head = _exactly(fd, 4)
    if head is None:
        return None
    size = int.from_bytes(head, "little")
    raw = _exactly(fd, size) if size <= _LARGEST else None
    return None if raw is None else marshal.loads(raw)  # noqa: S302


def _exactly(fd: int, size: int) -> bytes | None:
    raw = b""
    while len(raw) < size:
        try:
            part = os.read(fd, size - len(raw))
        except ConnectionError:
            return None
        if not part:
            return None
        raw += part
    return raw
