"""What the kernel has counted for a container's own cgroups: also what processes used that have ended."""

from __future__ import annotations

from typing import NamedTuple

from scow.runtime.kernel import cgroups

_NANO, _MICRO = 1_000_000_000, 1_000_000


class Account(NamedTuple):
    """Seconds of CPU time, bytes of memory less what can be dropped at once (docker's figure), processes with their
    threads, bytes read and written; None where the container has no cgroup of its own that counts it."""

    cpu: float | None = None
    memory: int | None = None
    pids: int | None = None
    io: tuple[int, int] | None = None


def account(pid: int, container_id: str) -> Account:
    """Of the container whose first process is ``pid``."""
    mine = [(one, one.root + one.mine) for one in cgroups.hierarchies(pid) if container_id in one.mine]
    found: dict[str, object] = {}
    for hierarchy, home in mine:
        counters = _SECOND if hierarchy.unified else _FIRST
        told = {name: read(home) for name, read in counters.items()}
        found |= {name: value for name, value in told.items() if value is not None}
    return Account(**found)  # type: ignore[arg-type]


def _number(path: str) -> int | None:
    text = cgroups.read(path).strip()
    return int(text) if text.isdigit() else None


def _table(path: str) -> dict[str, int]:
    pairs = (line.split() for line in cgroups.read(path).splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}


def _memory(home: str, total: str, idle: str) -> int | None:
    used = _number(f"{home}/{total}")
    return None if used is None else max(used - _table(f"{home}/memory.stat").get(idle, 0), 0)


def _cpu_first(home: str) -> float | None:
    spent = _number(f"{home}/cpuacct.usage")
    return None if spent is None else spent / _NANO


def _cpu_second(home: str) -> float | None:
    spent = _table(f"{home}/cpu.stat").get("usage_usec")
    return None if spent is None else spent / _MICRO


def _io_first(home: str) -> tuple[int, int] | None:
    """Lines like ``8:0 Read 4096``."""
    text = cgroups.read(f"{home}/blkio.throttle.io_service_bytes")
    words = [line.split() for line in text.splitlines()]
    sums = {kind: sum(int(word[2]) for word in words if word[1:2] == [kind]) for kind in ("Read", "Write")}
    return (sums["Read"], sums["Write"]) if text else None


def _io_second(home: str) -> tuple[int, int] | None:
    """Lines like ``8:0 rbytes=4096 wbytes=0 …``."""
    text = cgroups.read(f"{home}/io.stat")
    pairs = [word.partition("=") for word in text.split()]
    sums = [sum(int(value) for name, _, value in pairs if name == wanted) for wanted in ("rbytes", "wbytes")]
    return (sums[0], sums[1]) if text else None


_FIRST = {
    "cpu": _cpu_first,
    "memory": lambda home: _memory(home, "memory.usage_in_bytes", "total_inactive_file"),
    "pids": lambda home: _number(f"{home}/pids.current"),
    "io": _io_first,
}
_SECOND = {
    "cpu": _cpu_second,
    "memory": lambda home: _memory(home, "memory.current", "inactive_file"),
    "pids": lambda home: _number(f"{home}/pids.current"),
    "io": _io_second,
}
