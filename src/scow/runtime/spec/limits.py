"""Limits as a runtime-spec has them (``linux.resources``), and as the kernel's two versions of cgroups are told. Pure.

The launcher loads this module for the tables alone.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from scow.runtime.spec.options import Limits

_LEAST_MEMORY = 6 << 20
_LEAST_TIME, _LONGEST_PERIOD = 1000, 1_000_000  # microseconds
_WEIGHTS = range(10, 1001)
_UNLIMITED = -1  # the runtime-spec's word for it

Write = tuple[str, str, str]
"""(controller, file, text): what to write where."""


def resources(limits: Limits) -> dict[str, Any]:
    """``linux.resources`` without devices; raises :class:`Invalid` in docker's words."""
    _check(limits)
    # docker's: as much swap as memory, unless somebody says how much; -1 is what the kernel does anyway
    swap = 0 if limits.memory_swap < 0 else limits.memory_swap or 2 * limits.memory
    memory = {"limit": limits.memory, "swap": swap, "reservation": limits.memory_reservation}
    cpu: dict[str, Any] = {"shares": limits.cpu_shares, "period": limits.cpu_period, "quota": limits.cpu_quota}
    cpu |= {"cpus": limits.cpuset_cpus, "mems": limits.cpuset_mems}
    told = {
        "memory": {name: value for name, value in memory.items() if value},
        "cpu": {name: value for name, value in cpu.items() if value},
        "pids": {"limit": limits.pids} if limits.pids > 0 else {},
        "blockIO": {"weight": limits.blkio_weight} if limits.blkio_weight else {},
    }
    return {name: part for name, part in told.items() if part}


def changed(old: Limits, new: Limits) -> dict[str, Any]:
    """``linux.resources`` that make ``new`` of ``old``, also of what is no longer limited. Raises :class:`Invalid`."""
    told = resources(new)
    if new.memory_swap < 0 <= old.memory_swap and new.memory:
        told["memory"]["swap"] = _UNLIMITED
    if not new.pids and old.pids:
        told["pids"] = {"limit": _UNLIMITED}
    return told


def path(parent: str, container_id: str) -> str:
    """The path of a container's cgroup; raises :class:`Invalid`."""
    parts = [part for part in (parent or "scow").split("/") if part]
    if not parts or {".", ".."} & set(parts) or any("\0" in part or "\n" in part for part in parts):
        from scow.errors import Invalid

        raise Invalid("is no path of a cgroup", subject=f"--cgroup-parent {parent}")
    return "/".join(("", *parts, container_id))


def _check(limits: Limits) -> None:
    swap, memory = limits.memory_swap, limits.memory
    wrong = (
        (0 < memory < _LEAST_MEMORY, "Minimum memory limit allowed is 6MB"),
        (swap > 0 and not memory, "You should always set the Memory limit when using Memoryswap limit, see usage"),
        (0 < swap < memory, "Minimum memoryswap limit should be larger than memory limit, see usage"),
        (
            0 < memory < limits.memory_reservation,
            "Minimum memory limit can not be less than memory reservation limit, see usage",
        ),
        (
            limits.cpu_period != 0 and not _LEAST_TIME <= limits.cpu_period <= _LONGEST_PERIOD,
            "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)",
        ),
        (0 < limits.cpu_quota < _LEAST_TIME, "CPU cfs quota can not be less than 1ms (i.e. 1000)"),
        (
            limits.blkio_weight != 0 and limits.blkio_weight not in _WEIGHTS,
            "Range of blkio weight is from 10 to 1000",
        ),
        (not _is_list(limits.cpuset_cpus), f"Invalid value {limits.cpuset_cpus} for cpuset cpus"),
        (not _is_list(limits.cpuset_mems), f"Invalid value {limits.cpuset_mems} for cpuset mems"),
    )
    for is_wrong, problem in wrong:
        if is_wrong:
            from scow.errors import Invalid  # here, because the launcher loads this module for the tables

            raise Invalid(problem)


def _is_list(text: str) -> bool:
    """Whether it reads as ``0-3,7``, or is empty."""
    spans = [part.split("-") for part in text.split(",")] if text else []
    return all(1 <= len(ends) <= 2 and all(end.isascii() and end.isdigit() for end in ends) for ends in spans)


def controllers(wanted: dict[str, Any]) -> tuple[str, ...]:
    """The controllers that ``linux.resources`` needs."""
    cpu = wanted.get("cpu", {})
    needed = {
        "memory": "memory" in wanted,
        "cpu": bool(cpu.keys() - {"cpus", "mems"}),
        "cpuset": bool(cpu.keys() & {"cpus", "mems"}),
        "pids": "pids" in wanted,
        "blkio": "blockIO" in wanted,
    }
    return tuple(name for name, is_needed in needed.items() if is_needed)


def without(wanted: dict[str, Any], controller: str) -> dict[str, Any]:
    """``linux.resources`` less what one controller would do."""
    keys = {"cpu": {"shares", "period", "quota"}, "cpuset": {"cpus", "mems"}}.get(controller)
    if keys is None:
        return {name: part for name, part in wanted.items() if name != {"blkio": "blockIO"}.get(controller, controller)}
    cpu = {name: value for name, value in wanted.get("cpu", {}).items() if name not in keys}
    return {name: part for name, part in {**wanted, "cpu": cpu}.items() if part}


def first_version(wanted: dict[str, Any]) -> list[Write]:
    """What cgroup v1's files are told, in order: the memory limit before that of memory and swap."""
    memory, cpu = wanted.get("memory", {}), wanted.get("cpu", {})
    told = [
        ("memory", "memory.limit_in_bytes", memory.get("limit")),
        ("memory", "memory.memsw.limit_in_bytes", memory.get("swap")),
        ("memory", "memory.soft_limit_in_bytes", memory.get("reservation")),
        ("cpu", "cpu.shares", cpu.get("shares")),
        ("cpu", "cpu.cfs_period_us", cpu.get("period")),
        ("cpu", "cpu.cfs_quota_us", cpu.get("quota")),
        ("cpuset", "cpuset.cpus", cpu.get("cpus")),
        ("cpuset", "cpuset.mems", cpu.get("mems")),
        ("pids", "pids.max", _count(wanted.get("pids", {}).get("limit"))),
        ("blkio", "blkio.weight", wanted.get("blockIO", {}).get("weight")),
    ]
    return [(controller, file, str(value)) for controller, file, value in told if value]


def second_version(wanted: dict[str, Any]) -> list[Write]:
    """What cgroup v2's files are told; weights are scaled as runc and crun scale them."""
    memory, cpu = wanted.get("memory", {}), wanted.get("cpu", {})
    shares, weight = cpu.get("shares"), wanted.get("blockIO", {}).get("weight")
    told = [
        ("memory", "memory.max", memory.get("limit")),
        ("memory", "memory.swap.max", _swap(memory)),
        ("memory", "memory.low", memory.get("reservation")),
        ("cpu", "cpu.weight", shares and 1 + (min(max(shares, 2), 262144) - 2) * 9999 // 262142),
        ("cpu", "cpu.max", _bandwidth(cpu)),
        ("cpuset", "cpuset.cpus", cpu.get("cpus")),
        ("cpuset", "cpuset.mems", cpu.get("mems")),
        ("pids", "pids.max", _count(wanted.get("pids", {}).get("limit"))),
        ("blkio", "io.weight", weight and f"default {1 + (weight - 10) * 9999 // 990}"),
    ]
    return [(controller, file, str(value)) for controller, file, value in told if value]


def _count(limit: int | None) -> int | str | None:
    return "max" if limit == _UNLIMITED else limit


def _swap(memory: dict[str, int]) -> str | None:
    """v2 counts swap without memory; nothing of it may be 0."""
    swap = memory.get("swap")
    if swap is None:
        return None
    return "max" if swap == _UNLIMITED else str(swap - memory["limit"])


def _bandwidth(cpu: dict[str, int]) -> str | None:
    if not cpu.get("quota") and not cpu.get("period"):
        return None
    quota = cpu.get("quota", 0)
    return f"{quota if quota > 0 else 'max'} {cpu.get('period') or 100_000}"
