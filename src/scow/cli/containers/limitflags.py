"""docker's flags about what a container may use, and the :class:`~scow.runtime.spec.options.Limits` they come to."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

import click
import msgspec

from scow.cli.options import option, switch, together
from scow.cli.units import parse_size
from scow.errors import Invalid
from scow.runtime.spec.options import Limits

_PERIOD = 100_000  # microseconds
_CPUS = r"[0-9]{1,6}(\.[0-9]{1,9})?|\.[0-9]{1,9}"


def parsed_size(_ctx: click.Context, _param: click.Parameter, text: str | None) -> int:
    """A callback: the bytes that a flag says, 0 where it is not given."""
    return parse_size(text) if text else 0


def _swap(_ctx: click.Context, _param: click.Parameter, text: str | None) -> int:
    return -1 if text == "-1" else parse_size(text) if text else 0


def _cpus(_ctx: click.Context, _param: click.Parameter, text: str | None) -> int:
    """Microseconds of every :data:`_PERIOD`."""
    if not text:
        return 0
    if not re.fullmatch(_CPUS, text):
        raise Invalid(f"failed to parse {text} as a rational number")
    there = os.cpu_count() or 1
    if float(text) and not 0.01 <= float(text) <= there:
        raise Invalid(f"Range of CPUs is from 0.01 to {there}.00, as there are only {there} CPUs available")
    return round(float(text) * _PERIOD)


_number = partial(option, type=int, default=0)
_string = partial(option, metavar="string", default="")
_size = partial(option, metavar="bytes", callback=parsed_size)
#: Those that can change while a container runs.
changing_flags = together(
    _number("--blkio-weight", metavar="uint16", help="Block IO weight, 10 to 1000"),
    _number("--cpu-period", metavar="int", help="Length of a CPU period in microseconds"),
    _number("--cpu-quota", metavar="int", help="CPU time in each period, in microseconds"),
    _number("-c", "--cpu-shares", metavar="int", help="CPU weight beside others"),
    option("--cpus", metavar="decimal", callback=_cpus, help="Number of CPUs"),
    _string("--cpuset-cpus", help="CPUs to run on (0-3, 0,1)"),
    _string("--cpuset-mems", help="Memory nodes to use (0-3, 0,1)"),
    _size("-m", "--memory", help="Memory limit"),
    _size("--memory-reservation", help="Memory that is kept for the container"),
    option("--memory-swap", metavar="bytes", callback=_swap, help="Limit of memory and swap together; -1: any swap"),
    _number("--pids-limit", metavar="int", help="Number of processes; -1: no limit"),
)
limit_flags = together(
    changing_flags,
    _string("--cgroup-parent", help="The cgroup above the container's (default: scow)"),
    option("--oom-score-adj", type=int, metavar="int", help="Who is ended first without memory, -1000 to 1000"),
    switch(
        "--best-effort-limits",
        help="Go without the limits that cannot be enforced here, with a warning, instead of failing",
    ),
)


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
