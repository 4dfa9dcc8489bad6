"""docker's flags about what a container may use, and the :class:`~scow.runtime.options.Limits` that they come to."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click
import msgspec

from scow.cli.options import option, switch
from scow.cli.units import parse_size
from scow.errors import Invalid
from scow.runtime.options import Limits

_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])
_PERIOD = 100_000  # microseconds
_CPUS = re.compile(r"[0-9]{1,6}(\.[0-9]{1,9})?|\.[0-9]{1,9}")


def _bytes(_ctx: click.Context, _param: click.Parameter, text: str | None) -> int:
    return parse_size(text) if text else 0


def _swap(_ctx: click.Context, _param: click.Parameter, text: str | None) -> int:
    return -1 if text == "-1" else parse_size(text) if text else 0


def _cpus(_ctx: click.Context, _param: click.Parameter, text: str | None) -> int:
    """Microseconds of every :data:`_PERIOD`."""
    if not text:
        return 0
    if not _CPUS.fullmatch(text):
        raise Invalid(f"failed to parse {text} as a rational number")
    there = os.cpu_count() or 1
    if float(text) and not 0.01 <= float(text) <= there:
        raise Invalid(f"Range of CPUs is from 0.01 to {there}.00, as there are only {there} CPUs available")
    return round(float(text) * _PERIOD)


_Flag = tuple[tuple[str, ...], dict[str, Any], str]
_ONCE = ("--cgroup-parent", "--oom-score-adj")
_FLAGS: tuple[_Flag, ...] = (
    (("--blkio-weight",), {"type": int, "default": 0, "metavar": "uint16"}, "Block IO weight, 10 to 1000"),
    (("--cgroup-parent",), {"metavar": "string", "default": ""}, "The cgroup above the container's (default: scow)"),
    (("--cpu-period",), {"type": int, "default": 0, "metavar": "int"}, "Length of a CPU period in microseconds"),
    (("--cpu-quota",), {"type": int, "default": 0, "metavar": "int"}, "CPU time in each period, in microseconds"),
    (("-c", "--cpu-shares"), {"type": int, "default": 0, "metavar": "int"}, "CPU weight beside others"),
    (("--cpus",), {"metavar": "decimal", "callback": _cpus}, "Number of CPUs"),
    (("--cpuset-cpus",), {"metavar": "string", "default": ""}, "CPUs to run on (0-3, 0,1)"),
    (("--cpuset-mems",), {"metavar": "string", "default": ""}, "Memory nodes to use (0-3, 0,1)"),
    (("-m", "--memory"), {"metavar": "bytes", "callback": _bytes}, "Memory limit"),
    (("--memory-reservation",), {"metavar": "bytes", "callback": _bytes}, "Memory that is kept for the container"),
    (("--memory-swap",), {"metavar": "bytes", "callback": _swap}, "Limit of memory and swap together; -1: any swap"),
    (("--oom-score-adj",), {"type": int, "metavar": "int"}, "Who is ended first without memory, -1000 to 1000"),
    (("--pids-limit",), {"type": int, "default": 0, "metavar": "int"}, "Number of processes; -1: no limit"),
)


def limit_flags(function: _Decorated) -> _Decorated:
    """Declare them all on a command."""
    function = _declared(function, _FLAGS)
    best = "Go without the limits that cannot be enforced here, with a warning, instead of failing"
    return switch("--best-effort-limits", help=best)(function)


def changing_flags(function: _Decorated) -> _Decorated:
    """Declare those that can change while a container runs."""
    return _declared(function, [flag for flag in _FLAGS if flag[0][0] not in _ONCE])


def _declared(function: _Decorated, flags: Sequence[_Flag]) -> _Decorated:
    for names, settings, told in reversed(flags):
        function = option(*names, help=told, **settings)(function)
    return function


def changes(given: Mapping[str, Any]) -> dict[str, int | str]:
    """The fields of :class:`Limits` that were given: what is 0 or empty stays as it is, -1 processes are no limit."""
    asked = msgspec.to_builtins(limits(given))
    unlimited = {"pids": 0} if given["pids_limit"] < 0 else {}
    return {name: value for name, value in asked.items() if value} | unlimited


def limits(given: Mapping[str, Any]) -> Limits:
    """The limits that were given."""
    period, quota = given["cpu_period"], given["cpu_quota"]
    if given["cpus"]:
        for name, value in (("Period", period), ("Quota", quota)):
            if value:
                raise Invalid(f"Conflicting options: Nano CPUs and CPU {name} cannot both be set.")
        period, quota = _PERIOD, given["cpus"]
    names = ("memory", "memory_swap", "memory_reservation", "cpu_shares", "cpuset_cpus", "cpuset_mems", "blkio_weight")
    return Limits(
        **{name: given[name] for name in names}, cpu_period=period, cpu_quota=quota, pids=max(given["pids_limit"], 0)
    )
