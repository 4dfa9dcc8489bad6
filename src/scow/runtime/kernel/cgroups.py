"""A container's cgroups: making them with their limits, entering, and taking them away. Light: the launcher loads it.

The two versions of cgroups, and both side by side, look the same from outside: a hierarchy has a root, controllers, and
the place where this process is. root's containers are below the hierarchy's root, an ordinary user's below the cgroup
that was delegated to it (the one it is in).
"""

from __future__ import annotations

import errno
import os
import time

from scow.runtime.spec import limits
from scow.runtime.wire import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

BASE = "/sys/fs/cgroup"
OUT_OF_MEMORY = "oom"
"""The file in a bundle that says: the kernel ended a process of the container for its memory limit."""

_PAUSE = 0.01
_LEAF = "/scow-outside"  # v2 allows no processes in a cgroup that hands controllers on: they move there
_V2_NAMES = {"blkio": "io"}
_SHOWN = frozenset({"cpu", "cpuacct", "cpuset", "memory"})
"""v1: a runtime (Java's, Go's) that looks for its limits wants to see all of these, or believes none."""
_DELEGATE = "systemd-run --user --scope -p Delegate=yes scow run … gets one"


class Hierarchy:
    """One mounted tree of cgroups; ``mine`` is where this process is in it ("" at the root)."""

    __slots__ = ("controllers", "mine", "root", "unified")

    def __init__(self, root: str, controllers: tuple[str, ...], mine: str, unified: bool) -> None:
        self.root, self.controllers, self.mine, self.unified = root, controllers, mine, unified

    def has(self, controller: str) -> bool:
        """Whether it brings a controller, by its name in v1."""
        return (_V2_NAMES.get(controller, controller) if self.unified else controller) in self.controllers


def hierarchies(whose: int | str = "self") -> list[Hierarchy]:
    """Those of a process (this one) that are mounted where everybody mounts them."""
    found = []
    for line in read(f"/proc/{whose}/cgroup").splitlines():
        _, names, mine = line.split(":", 2)
        names = names.removeprefix("name=")
        mine = "" if mine.startswith("/..") else mine.rstrip("/").removesuffix(_LEAF)
        roots = (f"{BASE}/{names}", f"{BASE}/{names.split(',')[0]}") if names else (BASE, f"{BASE}/unified")
        marker = "cgroup.procs" if names else "cgroup.controllers"
        root = next((place for place in roots if os.path.exists(f"{place}/{marker}")), None)
        if root is None:
            continue
        brings = tuple(names.split(",")) if names else tuple(read(f"{root}{mine}/cgroup.controllers").split())
        found.append(Hierarchy(root, brings, mine, not names))
    return found


def place(hierarchy: Hierarchy, path: str, delegated: bool) -> str:
    """The directory of the cgroup ``path``."""
    return hierarchy.root + (hierarchy.mine if delegated else "") + path


def lacking(resources: dict[str, Any], path: str, delegated: bool) -> dict[str, str]:
    """The controllers that ``resources`` need and that cannot be used: why. Only looks."""
    needed = limits.controllers(resources)
    known = hierarchies() if needed else []
    found = {}
    for controller in needed:
        home = next((one for one in known if one.has(controller)), None)
        if home is None:
            found[controller] = f"there is no {controller} controller in the cgroups here"
        elif not _writable(place(home, path, delegated)):
            whose = "is not delegated to this user" if delegated else "is read-only"
            found[controller] = f"the {controller} cgroup {home.mine or '/'} {whose}"
        elif missing := _missing(home, resources, controller):
            found[controller] = f"this kernel has no {missing}"
    return found


def _missing(hierarchy: Hierarchy, resources: dict[str, Any], controller: str) -> str | None:
    """A file that v1 lacks, where its root tells; v2 answers when it is written."""
    if hierarchy.unified or controller != "blkio":
        return None
    files = [file for name, file, _ in limits.first_version(resources) if name == controller]
    return next((file for file in files if not os.path.exists(f"{hierarchy.root}/{file}")), None)


def hint(delegated: bool) -> str:
    """What to do about a limit that is refused."""
    return f"{_DELEGATE}; --best-effort-limits goes without" if delegated else "--best-effort-limits goes without"


def _writable(path: str) -> bool:
    """Whether it can be made: the nearest of its parents that is there counts."""
    while not os.path.isdir(path):
        path = path.rpartition("/")[0]
    return os.access(path, os.W_OK | os.X_OK)


class Made:
    """The cgroups that were made for one container."""

    def __init__(self, directories: list[str]) -> None:
        self.directories = directories
        # opened now: when the container enters, the mounts may be others
        self._doors = [os.open(f"{path}/cgroup.procs", os.O_WRONLY | os.O_CLOEXEC) for path in directories]

    def enter(self) -> None:
        """Move this process there."""
        self.admit(0)

    def admit(self, pid: int) -> None:
        """Move a process there, if it still is; 0 is this one."""
        for door in self._doors:
            try:
                os.write(door, str(pid).encode())
            except ProcessLookupError:
                return

    def close(self) -> None:
        """Nobody else is to enter."""
        for door in self._doors:
            os.close(door)


def make(resources: dict[str, Any], path: str, delegated: bool, whose: int = 0) -> Made:
    """Make the cgroups that enforce ``resources``; where process ``whose`` is in one of that path, that does it.

    Raises :class:`Refused` with what the kernel said.
    """
    wanted, made = set(limits.controllers(resources)), []
    shown = _SHOWN if wanted and not (delegated or whose) else frozenset()
    there = {one.root: one.root + one.mine for one in (hierarchies(whose) if whose else ()) if one.mine.endswith(path)}
    for hierarchy in hierarchies() if wanted else ():
        here = {name for name in wanted if hierarchy.has(name)}
        if not here:
            if not hierarchy.unified and shown.intersection(hierarchy.controllers):
                made += _without_limits(hierarchy, place(hierarchy, path, delegated))
            continue
        wanted -= here
        home = there.get(hierarchy.root) or place(hierarchy, path, delegated)
        told = limits.second_version(resources) if hierarchy.unified else limits.first_version(resources)
        try:
            if hierarchy.root not in there:
                _make_directory(hierarchy, home, here, delegated)
            _tell_all([(f"{home}/{file}", text) for controller, file, text in told if controller in here])
        except OSError as error:
            what = f"limits of {', '.join(sorted(here))} cannot be set: {error.strerror}"
            raise Refused("Unsupported", what, str(error.filename or home), hint(delegated)) from None
        if hierarchy.root not in there:
            made.append(home)
    return Made(made)


def _without_limits(hierarchy: Hierarchy, home: str) -> list[str]:
    """v1: a cgroup that only shows its processes that there are no limits; none where it cannot be."""
    try:
        _make_directory(hierarchy, home, set(hierarchy.controllers), delegated=False)
    except OSError:
        return []
    return [home]


def _make_directory(hierarchy: Hierarchy, home: str, needed: set[str], delegated: bool) -> None:
    """``home`` and the cgroups above it, able to limit."""
    top = hierarchy.root + (hierarchy.mine if delegated else "")
    steps = [top]
    for name in home[len(top) :].split("/"):
        if name:
            steps.append(f"{steps[-1]}/{name}")
    for above, below in zip(steps, steps[1:], strict=False):  # noqa: RUF007 -- itertools is not loaded here
        if hierarchy.unified:
            _hand_on(above, needed, delegated)
        if not os.path.isdir(below):
            os.mkdir(below)
        if "cpuset" in needed and not hierarchy.unified:
            _inherit_cpuset(above, below)


def _hand_on(cgroup: str, needed: set[str], delegated: bool) -> None:
    """v2: let the cgroups below use the controllers."""
    missing = {_V2_NAMES.get(name, name) for name in needed} - set(read(f"{cgroup}/cgroup.subtree_control").split())
    if not missing:
        return
    if delegated and read(f"{cgroup}/cgroup.procs").strip():
        os.makedirs(cgroup + _LEAF, exist_ok=True)
        for pid in read(f"{cgroup}/cgroup.procs").split():
            _tell(f"{cgroup}{_LEAF}/cgroup.procs", pid)
    _tell(f"{cgroup}/cgroup.subtree_control", " ".join(f"+{name}" for name in sorted(missing)))


def _inherit_cpuset(above: str, below: str) -> None:
    """v1: a new cpuset is empty, and nothing can run in it."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        if not read(f"{below}/{name}").strip():
            _tell(f"{below}/{name}", read(f"{above}/{name}").strip())


def directories(path: str) -> list[str]:
    """Where the cgroup ``path`` is or may be, root's or an ordinary user's."""
    known = hierarchies()
    return list(dict.fromkeys(place(one, path, delegated) for one in known for delegated in (False, True)))


def beginning(path: str) -> list[str]:
    """The directories of all cgroups whose path begins so."""
    parent, _, name = path.rpartition("/")
    return [f"{home}/{one}" for home in directories(parent) for one in _listed(home) if one.startswith(name)]


def out_of_memory(cgroups: list[str]) -> bool:
    """Whether the kernel ended a process of one of these directories for its memory limit."""
    everywhere = _with_those_below(cgroups)
    told = "".join(read(f"{place}/{name}") for place in everywhere for name in ("memory.events", "memory.oom_control"))
    return any(line.startswith("oom_kill ") and line != "oom_kill 0" for line in told.splitlines())


def remove(cgroups: list[str], patience: float = 0.0) -> None:
    """Remove these directories, and those that a runtime made in them.

    What is not there does not matter; what is still in use is tried again for ``patience`` seconds.
    """
    left, end = _with_those_below(cgroups), time.monotonic() + patience
    while True:
        left = [cgroup for cgroup in left if _in_use(cgroup)]
        if not left or time.monotonic() > end:
            return
        time.sleep(_PAUSE)


def _with_those_below(cgroups: list[str]) -> list[str]:
    """Children first."""
    return [place for cgroup in cgroups for place, _, _ in os.walk(cgroup, topdown=False)]


def _in_use(cgroup: str) -> bool:
    """Try to remove it; True when a process in it was in the way."""
    try:
        os.rmdir(cgroup)
    except OSError as error:
        return error.errno == errno.EBUSY
    return False


def _listed(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except OSError:
        return []


def read(path: str) -> str:
    """A small file, "" when it cannot be read."""
    try:
        with open(path) as file:
            return file.read(1 << 16)
    except OSError:
        return ""


def _tell_all(writes: list[tuple[str, str]]) -> None:
    """What is refused is told once more at the end: limits bound each other, and either way one order is refused."""
    refused = []
    for path, text in writes:
        try:
            _tell(path, text)
        except OSError:
            refused.append((path, text))
    for path, text in refused:
        _tell(path, text)


def _tell(path: str, text: str) -> None:
    """One write(2): the kernel reads a file of a cgroup so."""
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, text.encode())
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from None
    finally:
        os.close(fd)
