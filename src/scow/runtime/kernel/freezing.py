"""Holding a container's processes still: by the freezer of its cgroup, else by SIGSTOP to each of them.

A process can tell that it was stopped by a signal (its parent is told), not that it was frozen; that is the only
difference, and there is no other way where a container has no cgroup of its own.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from scow.errors import Denied, Unavailable
from scow.runtime.kernel import cgroups
from scow.runtime.kernel.tasks import processes

_PATIENCE = 5.0
_PASSES = 5  # a process may fork while the others are being stopped


def freeze(pid: int) -> str:
    """Hold everything in the pid namespace of ``pid``; returns by what: ``freezer`` or ``signals``."""
    return _switch(pid, frozen=True)


def thaw(pid: int) -> None:
    """Let it go on."""
    _switch(pid, frozen=False)


def _switch(pid: int, *, frozen: bool) -> str:
    for file, words, told in _freezers(pid):
        try:
            file.write_text(words[frozen])
        except OSError:
            continue
        _wait(told, frozen=frozen)
        return "freezer"
    _signal(pid, signal.SIGSTOP if frozen else signal.SIGCONT)
    return "signals"


def _freezers(pid: int) -> list[tuple[Path, tuple[str, str], tuple[Path, str, str]]]:
    """The files that freeze the cgroups that are the container's alone: (file, its words, where the answer is)."""
    mine = {one.root: one.mine for one in cgroups.hierarchies()}
    found: list[tuple[Path, tuple[str, str], tuple[Path, str, str]]] = []
    for one in cgroups.hierarchies(pid):
        home = Path(one.root + one.mine)
        if one.mine == mine.get(one.root) or not one.mine:
            continue
        if one.unified and (home / "cgroup.freeze").exists():
            found.append((home / "cgroup.freeze", ("0", "1"), (home / "cgroup.events", "frozen 0", "frozen 1")))
        if "freezer" in one.controllers and not one.unified:
            found.append((home / "freezer.state", ("THAWED", "FROZEN"), (home / "freezer.state", "THAWED", "FROZEN")))
    return found


def _wait(told: tuple[Path, str, str], *, frozen: bool) -> None:
    file, end = told[0], time.monotonic() + _PATIENCE
    while told[1 + frozen] not in file.read_text().splitlines():
        if time.monotonic() > end:
            raise Unavailable("the freezer does not come to an end", subject=str(file))
        time.sleep(0.005)


def _signal(pid: int, number: int) -> None:
    done: set[int] = set()
    for _ in range(_PASSES):
        left = set(processes(pid)) - done
        for one in left:
            try:
                os.kill(one, number)
            except ProcessLookupError:
                continue
            except PermissionError:
                raise Denied("has processes of another user, and no freezer", subject="container") from None
        if not left:
            return
        done |= left
