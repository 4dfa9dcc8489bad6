"""The keeper of a user's networks: a process that holds a network namespace while containers need it. Light.

The bridges are in that namespace, and for an ordinary user the user namespace that owns it is the containers' too.
Three files beside each other say how it is doing, each by an flock:

* ``keeper``: shared by every container on a network. The keeper waits for it alone, and ends when it has it.
* ``keeper.alive``: held by the keeper, with its process id in it.
* ``keeper.gate``: held while somebody looks whether there is one, or starts it.
"""

from __future__ import annotations

import errno
import fcntl
import os

from scow.runtime.kernel import linux, tasks
from scow.runtime.wire import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def hold(network: dict[str, Any], new_user_namespace: Callable[[], None] | None) -> None:
    """Take a share in the keeper at ``network["keeper"]`` (a path), and start it when there is none.

    The share ends with this process and those it forks. ``network["keeper_pid"]`` is set.
    """
    path = network["keeper"]
    gate = _locked(f"{path}.gate", fcntl.LOCK_EX)
    _locked(path, fcntl.LOCK_SH)  # never closed: this is the share
    pid = find(path)
    if not pid:
        _start(path, new_user_namespace)
        pid = find(path)
    os.close(gate)
    if not pid:
        raise Refused("Unsupported", "no network namespace can be made here", f"network {network['name']}")
    network["keeper_pid"] = pid


def find(path: str) -> int:
    """The keeper's process id; 0 when there is none."""
    fd = os.open(f"{path}.alive", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return int(os.pread(fd, 32, 0) or b"0")
    finally:
        os.close(fd)
    return 0


def enter(network: dict[str, Any], kind: str, flag: int) -> None:
    """Join the keeper's namespace of that kind; raises :class:`Refused`."""
    fd = os.open(f"/proc/{network['keeper_pid']}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        linux.setns(fd, flag)
    except OSError as error:
        why = "belongs to another user namespace" if error.errno == errno.EPERM else str(error.strerror)
        raise Refused("Unsupported", why, f"network {network['name']}") from None
    finally:
        os.close(fd)


def _locked(path: str, how: int) -> int:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(fd, how)
    return fd


def _start(path: str, new_user_namespace: Callable[[], None] | None) -> None:
    """Return once it is there, or could not be."""
    reader, writer = os.pipe2(os.O_CLOEXEC)
    child = os.fork()
    if child == 0:
        if os.fork() == 0:  # nobody's child: it outlives the launcher
            _be(path, writer, new_user_namespace)
        os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    os.read(reader, 1)  # a byte when it is ready, the end of file when it failed
    os.close(reader)


def _be(path: str, ready: int, new_user_namespace: Callable[[], None] | None) -> None:
    try:
        os.setsid()
        tasks.unheard()  # the launcher may have been told to ignore some
        if new_user_namespace is not None:
            new_user_namespace()
        linux.unshare(linux.CLONE_NEWNET)
        alive = _locked(f"{path}.alive", fcntl.LOCK_EX)
        os.ftruncate(alive, 0)
        os.pwrite(alive, str(os.getpid()).encode(), 0)
        alone = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        os.write(ready, b"x")
        _forget_all_but(alive, alone)
        fcntl.flock(alone, fcntl.LOCK_EX)
        os.close(alive)  # before the other one goes: who waits for that finds nobody alive
    finally:
        os._exit(0)


def _forget_all_but(*kept: int) -> None:
    """Nothing of whoever started it stays open, and no directory in use."""
    os.chdir("/")
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    first = 3
    for fd in sorted(kept):
        linux.close_range(first, fd - 1)
        first = fd + 1
    linux.close_range(first, (1 << 31) - 1)
