"""What the kernel tells of processes, by /proc and by wait(2). Light: a monitor loads it."""

from __future__ import annotations

import os
import time

_TRIES, _PAUSE = 20, 0.005
_START_TIME = 19  # of the fields after the command's name: proc(5), 22 in all


def born(pid: int) -> int:
    """When a process was started, in ticks since the boot; 0 when there is none. With its number that names it."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[_START_TIME])
    except (OSError, IndexError, ValueError):
        return 0


def exit_code(status: int) -> int:
    """What a shell calls it: the exit code, or 128 + the signal that ended it."""
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def first_process(launcher: int) -> int:
    """A container's first process as the host counts, 0 when it is gone.

    It is process 1 of the inner one of the two pid namespaces under the launcher; its grandchild where there are none.
    """
    for _ in range(_TRIES):
        found = _descend(launcher)
        if found or not _children(launcher):
            return found
        time.sleep(_PAUSE)  # a list of children that changes while it is read may lack one
    return 0


def _descend(launcher: int) -> int:
    todo, depth = [(launcher, 0)], len(_numbers(launcher))
    while todo:
        pid, generation = todo.pop()
        numbers = _numbers(pid)
        if (len(numbers) == depth + 2 and numbers[-1] == "1") or (len(numbers) == depth and generation == 2):
            return pid
        todo += [(child, generation + 1) for child in _children(pid)]
    return 0


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
    """Every process in the pid namespace of ``pid``, in order, itself among them; its descendants where it is ours."""
    inside = _namespace(pid)
    if inside and inside != _namespace("self"):
        return sorted(int(name) for name in os.listdir("/proc") if name.isdigit() and _namespace(name) == inside)
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        found.append(one)
        todo += _children(one)
    return sorted(found)


def _namespace(pid: int | str) -> int:
    try:
        return os.stat(f"/proc/{pid}/ns/pid").st_ino
    except OSError:
        return 0
