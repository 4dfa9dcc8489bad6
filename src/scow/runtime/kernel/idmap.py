"""A user namespace with a range of ids: rung 2.

A process enters it as a whole, before it does anything: files it makes have the owners an image asks for, as far as the
store is concerned with ids of the range. An ordinary user's ids are the administrator's to give: ``/etc/subuid`` and
``/etc/subgid`` say which, and newuidmap and newgidmap, which are setuid, write the maps. root, where it may not mount,
keeps all ids that it has, under the same numbers, and writes the maps itself.
"""

from __future__ import annotations

import contextlib
import os
import pwd
from collections.abc import Iterable
from pathlib import Path

import msgspec

from scow.runtime.kernel import linux

ENOUGH = 65_536
"""What images use."""

_ALL_BUT_ONE = 2**32 - 2
_PROGRAMS = ("/usr/bin/newuidmap", "/usr/bin/newgidmap")


class Range(msgspec.Struct, frozen=True):
    """Subordinate ids: ``count`` of them from ``first``."""

    first: int
    count: int


def subordinate(text: str, name: str, uid: int) -> tuple[Range, ...]:
    """The ranges of one user in ``/etc/subuid`` (or ``subgid``): lines of ``name-or-uid:first:count``."""
    found = []
    for line in text.splitlines():
        owner, _, rest = line.partition(":")
        first, _, count = rest.partition(":")
        if owner in (name, str(uid)) and first.strip().isdigit() and count.strip().isdigit():
            found.append(Range(int(first), int(count)))
    return tuple(found)


def why_not() -> str:
    """Why this user cannot have a range of ids; "" when there is nothing in the way."""
    missing = [program for program in _PROGRAMS if not os.access(program, os.X_OK)]
    if missing:
        return f"{os.path.basename(missing[0])} is not installed"
    for file in ("/etc/subuid", "/etc/subgid"):
        if sum(one.count for one in _ranges(file)) < ENOUGH:
            return f"{file} gives {user_name()} fewer than {ENOUGH} ids"
    return ""


def enter(running: Iterable[int] = ()) -> bool:
    """Become root of a user namespace with this user's ids; False, and nothing changed, where that cannot be.

    ``running`` are processes of containers: the namespace of one of them is joined when there is any, so that they can
    be reached. For a process with one thread. Raises nothing.
    """
    if os.geteuid() and why_not():
        return False
    for pid in running:
        if _joined(pid):
            return True
    with contextlib.suppress(OSError):
        return _made()
    return False


def _made() -> bool:
    """Made in a child and entered when the maps are written: until then there is a way back."""
    theirs, ready = os.pipe2(os.O_CLOEXEC)
    ended, mine = os.pipe2(os.O_CLOEXEC)
    child = os.fork()
    if child == 0:
        try:
            os.close(mine)
            linux.unshare(linux.CLONE_NEWUSER)
            os.write(ready, b"x")
            os.read(ended, 1)
        finally:
            os._exit(0)
    os.close(ready)
    os.close(ended)
    try:
        return bool(os.read(theirs, 1)) and _mapped(child) and _joined(child)
    finally:
        os.close(theirs)
        os.close(mine)
        os.waitpid(child, 0)


def _mapped(pid: int) -> bool:
    if os.geteuid() == 0:
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{pid}/{name}").write_text(_same(Path(f"/proc/self/{name}").read_text()))
        return True
    for program, own, file in zip(_PROGRAMS, (os.geteuid(), os.getegid()), ("/etc/subuid", "/etc/subgid"), strict=True):
        words, inside = [program, str(pid), "0", str(own), "1"], 1
        for one in _ranges(file):
            words += [str(inside), str(one.first), str(one.count)]
            inside += one.count
        null = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1, 2)]
        _, status = os.waitpid(os.posix_spawn(program, words, {}, file_actions=null), 0)
        if status:
            return False
    return True


def _same(table: str) -> str:
    """The map that leaves every id of a map what it is: but the last of all, so that nobody (crun, runc) takes it for
    the machine's own."""
    spans = (line.split() for line in table.splitlines())
    return "".join(f"{inside} {inside} {min(int(count), _ALL_BUT_ONE)}\n" for inside, _, count in spans)


def _joined(pid: int) -> bool:
    """Enter the user namespace of a process, if it is one of ours with a range of ids.

    root there is root here when root enters it: with a mount namespace it can keep its interpreter from being written
    (:mod:`scow.runtime.spawn`).
    """
    root = os.geteuid() == 0
    try:
        with open(f"/proc/{pid}/uid_map") as table:
            spans = [line.split() for line in table]
        ours = bool(spans) and spans[0][:2] == ["0", str(os.geteuid())]
        if not ours or sum(int(count) for _, _, count in spans) < ENOUGH:
            return False
        there = os.open(f"/proc/{pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        linux.setns(there, linux.CLONE_NEWUSER)
    except OSError:
        return False
    finally:
        os.close(there)
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    if root:
        linux.unshare(linux.CLONE_NEWNS)
    linux.seal(False)  # what is in /proc/self stays ours
    return True


def _ranges(file: str) -> tuple[Range, ...]:
    try:
        text = Path(file).read_text()
    except OSError:
        return ()
    return subordinate(text, user_name(), os.geteuid())


def user_name() -> str:
    """Who this is, for the administrator's files."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
