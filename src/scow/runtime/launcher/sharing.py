"""What a container shares with another one, or with this machine: process numbers, IPC, /dev/shm. Light.

A pid namespace of its own is what ends everything in a container, whoever is killed (ADR 0008). Where a container
shares one, its supervisor ends what is left in its mount namespace, which it always has alone (ADR 0070).
"""

from __future__ import annotations

import os
import time

from scow.runtime.kernel import linux, tasks
from scow.runtime.wire import Refused, give, pair, taken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

HOST = "host"

_PAUSE = 0.002  # seconds: what was killed needs a moment to go
_SIGKILL = 9


def namespace(process: list[int], kind: str) -> int:
    """A descriptor of the namespace of ``process``: its number, and when it was started (:func:`tasks.born`).

    Raises :class:`Refused` when that process is gone: another one may have its number.
    """
    pid, born = process
    try:
        fd = os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, ProcessLookupError):
        raise _gone() from None
    if tasks.born(pid) != born:
        os.close(fd)
        raise _gone()
    return fd


def _gone() -> Refused:
    return Refused("Conflict", "the container whose namespaces are to be shared is not running")


def enter_owner(there: int) -> None:
    """Be in the user namespace that a namespace belongs to."""
    owner = linux.owner(there)
    linux.setns(owner, linux.CLONE_NEWUSER)
    os.close(owner)


class Shared:
    """The namespaces of others that a launcher was told of, held open: ``{"pid": "host" | process, "ipc": process}``.

    ``memory`` is a copy of the other's mount of /dev/shm once :meth:`enter` was called; it is to be mounted where the
    launcher was told, too.
    """

    def __init__(self, told: dict[str, Any]) -> None:
        self.memory: int | None = None
        pid, ipc = told["pid"], told["ipc"]
        self.pid = namespace(pid, "pid") if pid and pid != HOST else None
        self._ipc = (namespace(ipc, "ipc"), namespace(ipc, "mnt")) if ipc else None

    @property
    def owned(self) -> int | None:
        """One of them, whose user namespace a container of a user with a single id must be in."""
        return self._ipc[0] if self._ipc else self.pid

    def enter(self) -> None:
        """Have the other's IPC; the pid namespace is for the container's first process to be born in."""
        if self._ipc:
            ipc, mounts = self._ipc
            self.memory = _memory(mounts)
            linux.setns(ipc, linux.CLONE_NEWIPC)
            os.close(ipc)
            os.close(mounts)

    def close(self) -> None:
        """Let go of them."""
        for fd in (self.pid, self.memory):
            if fd is not None:
                os.close(fd)
        self.pid = self.memory = None


def _memory(mounts: int) -> int:
    """Shared memory as a mount namespace has it, attached nowhere. A child looks: there is no way back from there."""
    ours, theirs = pair()
    child = os.fork()
    if child == 0:
        try:
            linux.setns(mounts, linux.CLONE_NEWNS)
            give(theirs, [linux.open_tree("/dev/shm")])  # noqa: S108
        finally:
            os._exit(0)
    os.close(theirs)
    found = taken(ours)
    os.close(ours)
    os.waitpid(child, 0)
    if not found:
        raise Refused("Unsupported", "its /dev/shm cannot be shared here", "--ipc")
    return found[0]


def end_all(mounts: int) -> None:
    """End every process in a mount namespace: a descriptor, as a number that nobody holds is soon another one's."""
    number = os.fstat(mounts).st_ino
    while left := tasks.inside(number, "mnt"):
        for pid in left:
            try:
                os.kill(pid, _SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(_PAUSE)
