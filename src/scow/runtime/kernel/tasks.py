"""What the kernel tells of processes: by /proc, by wait(2), by signals. Light: a monitor loads it."""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # the module without enum: 3 ms less
import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_TRIES, _PAUSE = 20, 0.005
_SIGNALS = tuple(number for number in range(1, 65) if number not in (9, 19, 32, 33))  # KILL, STOP, the C library's own
#: where :func:`stat` has what is asked of it
NAME, PARENT, TERMINAL, USER_TIME, SYSTEM_TIME, THREADS, STARTED, RESIDENT = 2, 4, 7, 14, 15, 20, 22, 24


def born(pid: int) -> int:
    """When a process was started, in ticks since the boot; 0 when there is none. With its number that names it."""
    found = stat(pid)
    return int(found[STARTED]) if len(found) > STARTED else 0


def stat(pid: int) -> list[bytes]:
    """The fields of /proc/PID/stat, each at its number in proc(5) (the first, at 0, is empty); none when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            head, _, rest = file.read().rpartition(b")")
    except OSError:
        return []
    number, _, name = head.partition(b" (")
    return [b"", number, name, *rest.split()]


def exit_code(status: int) -> int:
    """What a shell calls it: the exit code, or 128 + the signal that ended it."""
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def heard(signals: Iterable[int]) -> int:
    """A descriptor that tells of each of these signals by a byte, its number; they do nothing else from now on."""
    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in signals:
        signal.signal(number, lambda *_: None)
    return reader


def unheard() -> None:
    """Every signal does what it does to a program at its beginning, also those that the interpreter ignores."""
    signal.set_wakeup_fd(-1)
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_DFL)


def first_process(launcher: int) -> int:
    """A container's first process as the host counts, 0 when it is gone.

    It is process 1 of the inner one of the two pid namespaces under the launcher; its grandchild where it has none of
    its own.
    """
    for _ in range(_TRIES):
        found = _descend(launcher)
        if found or not _children(launcher):
            return found
        time.sleep(_PAUSE)  # a list of children that changes while it is read may lack one
    return 0


def _descend(launcher: int) -> int:
    depth, name = len(_numbers(launcher)), _name(launcher)
    for supervisor in _children(launcher):
        if _name(supervisor) != name:
            continue  # the way out of its network
        if len(_numbers(supervisor)) == depth:
            return next(iter(_children(supervisor)), 0)
        todo = [supervisor]
        while todo:
            pid = todo.pop()
            numbers = _numbers(pid)
            if len(numbers) == depth + 2 and numbers[-1] == "1":
                return pid
            todo += _children(pid)
    return 0


def _name(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/comm") as file:
            return file.read()
    except OSError:
        return ""


def _children(pid: int) -> list[int]:
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def _numbers(pid: int) -> list[str]:
    try:
        with open(f"/proc/{pid}/status") as file:
            for line in file:
                if line.startswith("NSpid:"):
                    return line.split()[1:]
    except OSError:
        pass
    return []


def processes(pid: int) -> list[int]:
    """Every process of a container whose first one is ``pid``, in order.

    They are those in its pid namespace; in its mount namespace where it shares that; its descendants where it has
    neither.
    """
    kind = "pid" if _numbers(pid)[-1:] == ["1"] else "mnt"
    number = namespace(pid, kind)
    if number and number != namespace("self", kind):
        return inside(number, kind)
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        found.append(one)
        todo += _children(one)
    return sorted(found)


def inside(number: int, kind: str) -> list[int]:
    """Every process in the namespace of that ``kind`` (as /proc/PID/ns has it) and ``number``, in order."""
    return sorted(int(name) for name in os.listdir("/proc") if name.isdigit() and namespace(name, kind) == number)


def namespace(pid: int | str, kind: str) -> int:
    """The number of a process's namespace, 0 when it is gone or another user's."""
    try:
        return os.stat(f"/proc/{pid}/ns/{kind}").st_ino
    except OSError:
        return 0
