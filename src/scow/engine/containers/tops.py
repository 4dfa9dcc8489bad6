"""The processes of a container as a table: from /proc as ``ps -ef`` shows them, or by the host's ``ps``."""

from __future__ import annotations

import os
import pwd
import time
from collections.abc import Sequence

import msgspec

from scow.errors import Invalid, Unsupported
from scow.runtime.kernel import tasks

_TITLES = ("UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD")


class Table(msgspec.Struct, frozen=True):
    """Titles, and a row of as many texts for each process."""

    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def top(pid: int, arguments: Sequence[str] = ()) -> Table:
    """The processes in the pid namespace of ``pid``. Raises :class:`Unsupported` for arguments without a ``ps``."""
    inside = tasks.processes(pid)
    if arguments:
        return _by_ps(inside, arguments)
    now, booted = time.time(), _booted()
    rows = (_row(one, now, booted) for one in inside)
    return Table(_TITLES, tuple(row for row in rows if row))


def _row(pid: int, now: float, booted: float) -> tuple[str, ...] | None:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            command = file.read(1 << 16).replace(b"\0", b" ").strip()
        owner = os.stat(f"/proc/{pid}").st_uid
    except OSError:
        return None  # it ended meanwhile
    if not (fields := tasks.stat(pid)):
        return None
    ticks = os.sysconf("SC_CLK_TCK")
    began = booted + int(fields[tasks.STARTED]) / ticks
    used = (int(fields[tasks.USER_TIME]) + int(fields[tasks.SYSTEM_TIME])) / ticks
    share = int(min(99, 100 * used / max(now - began, 0.01)))
    shown = os.fsdecode(command or b"[" + fields[tasks.NAME] + b"]")
    parent, terminal = fields[tasks.PARENT].decode(), int(fields[tasks.TERMINAL])
    return (_user(owner), str(pid), parent, str(share), _stime(began, now), _tty(terminal),
            time.strftime("%H:%M:%S", time.gmtime(used)), shown)  # fmt: skip


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _stime(began: float, now: float) -> str:
    return time.strftime("%H:%M" if now - began < 86_400 else "%b%d", time.localtime(began))


def _tty(number: int) -> str:
    """tty_nr of proc(5): pseudo terminals have the majors from 136."""
    major, minor = number >> 8 & 0xFFF, number & 0xFF | number >> 12 & 0xFFF00
    return f"pts/{minor + (major - 136 << 8)}" if 136 <= major < 144 else "?"


def _booted() -> float:
    with open("/proc/stat") as file:
        return next((float(line.split()[1]) for line in file if line.startswith("btime")), 0.0)


def _by_ps(inside: Sequence[int], arguments: Sequence[str]) -> Table:
    import subprocess

    try:
        done = subprocess.run(["ps", *arguments], capture_output=True, text=True, check=False, errors="replace")
    except FileNotFoundError:
        raise Unsupported("there is no ps on this machine", hint="leave its arguments out") from None
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        raise Invalid(f"ps: {next(iter(done.stderr.strip().splitlines()), 'shows nothing')}")
    titles = lines[0].split()
    if "PID" not in titles:
        raise Invalid("Couldn't find PID field in ps output", hint="let ps show it: -o pid,comm")
    at, wanted = titles.index("PID"), {str(pid) for pid in inside}
    rows = (tuple(line.split(None, len(titles) - 1)) for line in lines[1:])
    return Table(tuple(titles), tuple(row for row in rows if len(row) > at and row[at] in wanted))
