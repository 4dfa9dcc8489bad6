"""What containers and builds may leave behind anywhere on the machine: processes, mounts, cgroups."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Found = TypeVar("Found")


def until(true: Callable[[], Found], seconds: float = 60) -> Found:
    """Wait for the first answer that is true, and return it; what takes long is a slow machine, not a failure."""
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.05)
    return found


def gone(name: str, seconds: float = 60) -> None:
    """Nothing is left of it, soon."""
    end = time.monotonic() + seconds
    while left := leftovers(name):
        assert time.monotonic() < end, left
        time.sleep(0.05)


def leftovers(name: str) -> list[str]:
    """What is left of a container, a build or a store: processes, by what they mount or where they are, and cgroups."""
    found = []
    for proc in processes():
        try:
            if name in (proc / "mountinfo").read_text() or name in os.readlink(proc / "cwd"):
                found.append(f"process {proc.name} {(proc / 'cmdline').read_bytes()!r}")
        except OSError:
            continue
    return found + cgroups(name)


def held(place: Path) -> list[str]:
    """What still uses a directory: processes that stand, are served from or have their root there, and mounts."""
    beneath = f"{place}/"
    found = [f"mount {line.split()[1]}" for line in _lines(Path("/proc/self/mounts")) if f" {beneath}" in line]
    for proc in processes():
        roots = [line for line in _lines(proc / "mountinfo") if line.split()[4:5] == ["/"]]
        words = " ".join(_lines(proc / "cmdline")).replace("\0", " ")
        if any(beneath in line for line in [*roots, words, f"{_place(proc / 'cwd')}/"]) and proc.name not in _mine():
            found.append(f"process {proc.name} {words}")
    return found


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()
    except OSError:
        return []


def _place(link: Path) -> str:
    try:
        return os.readlink(link)
    except OSError:
        return ""


def _mine() -> set[str]:
    """This process and those above it: the command line of a suite may name any place."""
    return {str(pid) for pid in lineage(os.getpid(), 1)}


def processes() -> list[Path]:
    """Every process, as its directory in /proc."""
    return list(Path("/proc").glob("[0-9]*"))


def cgroups(name: str) -> list[str]:
    """The cgroups whose own names have ``name`` in them."""
    places = os.walk("/sys/fs/cgroup")
    return [f"{place}/{one}" for place, directories, _ in places for one in directories if name in one]


def lineage(pid: int, oldest: int) -> list[int]:
    """A process and those above it, up to but without ``oldest``."""
    found = []
    while pid not in (0, 1, oldest):
        found.append(pid)
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return found
