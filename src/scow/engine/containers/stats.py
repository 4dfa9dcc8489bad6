"""What a container uses: as its own cgroups have counted it, the rest added up over its processes.

Of the sums: memory is what is resident, a page that two processes share counts twice; what processes used that have
ended is not in CPU and IO.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable

import msgspec

from scow.engine.containers.records import ALIVE, Settings, State
from scow.runtime.kernel import tasks
from scow.runtime.kernel.accounts import Account, account


class Stats(msgspec.Struct, frozen=True):
    """``cpu`` in percent of one processor; everything else in bytes, but for ``pids``."""

    id: str
    name: str
    cpu: float = 0.0
    memory: int = 0
    limit: int = 0
    received: int = 0
    sent: int = 0
    read: int = 0
    written: int = 0
    pids: int = 0


def stats(settings: Settings, state: State, pause: float) -> Stats:
    """One look (two, ``pause`` seconds apart, for the processors); all zero when it does not run."""
    if state.status not in ALIVE or not state.pid:
        return Stats(settings.id, settings.name)
    first, before, since = account(state.pid, settings.id), _used(state.pid), time.monotonic()
    time.sleep(pause)
    last, after, now = account(state.pid, settings.id), _used(state.pid), time.monotonic()
    if first.cpu is not None and last.cpu is not None:
        spent = last.cpu - first.cpu
    else:
        spent = sum(used - before.get(pid, used if pause == 0 else 0) for pid, used in after.items())
    memory, pids, read, written = _sums(after, last)
    received, sent = _network(state.pid) if settings.spec.get("network", "host") != "host" else (0, 0)  # not its own
    limit = int(settings.spec.get("limits", {}).get("memory", 0)) or _total()
    share = 100 * spent / max(now - since, 0.001) if pause else 0.0
    return Stats(settings.id, settings.name, share, memory, limit, received, sent, read, written, pids)


def _sums(everybody: Iterable[int], counted: Account) -> tuple[int, int, int, int]:
    """Memory, processes with their threads, bytes read and written."""
    memory = pids = read = written = 0
    for pid in everybody:
        resident, threads, fetched, stored = _of(pid)
        memory, pids, read, written = memory + resident, pids + threads, read + fetched, written + stored
    read, written = counted.io or (read, written)
    memory = memory if counted.memory is None else counted.memory
    pids = pids if counted.pids is None else counted.pids
    return memory, pids, read, written


def _used(pid: int) -> dict[int, float]:
    """Process -> seconds of CPU time."""
    ticks = os.sysconf("SC_CLK_TCK")
    known = {one: tasks.stat(one) for one in tasks.processes(pid)}
    return {one: (int(f[tasks.USER_TIME]) + int(f[tasks.SYSTEM_TIME])) / ticks for one, f in known.items() if f}


def _of(pid: int) -> tuple[int, int, int, int]:
    """Resident bytes, threads, bytes read from and written to disks."""
    fields = tasks.stat(pid)
    if not fields:
        return 0, 0, 0, 0
    counts = _table(f"/proc/{pid}/io")
    resident = int(fields[tasks.RESIDENT]) * os.sysconf("SC_PAGE_SIZE")
    return resident, int(fields[tasks.THREADS]), counts.get("read_bytes", 0), counts.get("write_bytes", 0)


def _table(path: str) -> dict[str, int]:
    try:
        with open(path) as file:
            pairs = [line.partition(":") for line in file]
    except OSError:
        return {}
    return {name: int(value) for name, _, value in pairs}


def _network(pid: int) -> tuple[int, int]:
    """Bytes received and sent by what is not the loopback."""
    received = sent = 0
    try:
        with open(f"/proc/{pid}/net/dev") as file:
            lines = file.read().splitlines()[2:]
    except OSError:
        return 0, 0
    for line in lines:
        name, _, rest = line.partition(":")
        fields = rest.split()
        if name.strip() != "lo" and len(fields) > 8:
            received, sent = received + int(fields[0]), sent + int(fields[8])
    return received, sent


def _total() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
