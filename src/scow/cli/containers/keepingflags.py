"""docker's flags about how a container is kept, and the :class:`~scow.runtime.spec.keeping.Keeping` they come to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import click

from scow.cli.options import option, switch, together
from scow.cli.units import parse_size
from scow.errors import Invalid, Unsupported
from scow.oci.config import Healthcheck
from scow.runtime.spec.keeping import Keeping, Log, restart_policy

_MILLISECOND = 1_000_000
_TIMES = ("interval", "timeout", "start_period", "start_interval")
_DRIVERS = ("json-file", "local", "none")
_LOG_OPTIONS = ("max-size", "max-file", "compress", "mode", "max-buffer-size")
_ATTRIBUTES = ("labels", "labels-regex", "env", "env-regex", "tag")


def _signal(_ctx: click.Context, _param: click.Parameter, text: str | None) -> str | None:
    """As it was written, if there is such a signal."""
    if text:
        from scow.runtime.spec.signals import signal_number

        signal_number(text)
    return text


_string = partial(option, metavar="string", default="")
_duration = partial(option, metavar="duration", default="")
keeping_flags = together(
    _string("--health-cmd", help="Command that says whether the container is healthy"),
    _duration("--health-interval", help="Time between two checks (30s)"),
    option("--health-retries", type=int, default=0, metavar="int", help="Failures in a row that mean unhealthy (3)"),
    _duration("--health-start-interval", help="Time between two checks while it starts (5s)"),
    _duration("--health-start-period", help="Time to start in, before failures count"),
    _duration("--health-timeout", help="Time that one check may take (30s)"),
    _string("--log-driver", help="json-file, local (the same here) or none"),
    option("--log-opt", multiple=True, metavar="list", help="max-size and max-file of the log"),
    switch("--no-healthcheck", help="Make no health checks, whatever the image says"),
    _string("--restart", help="When to start again: no, on-failure[:N], always, unless-stopped"),
    option("--stop-signal", metavar="string", callback=_signal, help="Signal that stops the container"),
    option("--stop-timeout", type=int, metavar="int", help="Seconds that it has to follow it, before it is killed"),
)


def keeping(given: Mapping[str, Any]) -> Keeping:
    """How the container is to be kept."""
    restart, most = restart_policy(given["restart"])
    if given["rm"] and restart != "no":
        raise Invalid("Conflicting options: cannot specify both --restart and --rm")
    return Keeping(
        restart, most, _log(given["log_driver"], given["log_opt"]), _health(given), given["rm"], given["stop_timeout"]
    )


def _log(driver: str, texts: Iterable[str]) -> Log:
    if driver and driver not in _DRIVERS:
        raise Unsupported(f"log driver {driver!r} is not supported", hint=f"one of {', '.join(_DRIVERS)}")
    options = dict(text.partition("=")[::2] for text in texts)
    if told := sorted(set(options) & set(_ATTRIBUTES)):
        raise Unsupported(f"log opt '{told[0]}' is not supported", hint="lines of a log carry no attributes here")
    if unknown := sorted(set(options) - set(_LOG_OPTIONS)):
        raise Invalid(f"unknown log opt '{unknown[0]}' for {driver or 'json-file'} log driver")
    largest = parse_size(options["max-size"]) if options.get("max-size", "-1") != "-1" else 0
    files = options.get("max-file", "1")
    if not files.isdigit() or int(files) < 1:
        raise Invalid("max-file cannot be less than 1")
    return Log(driver or "json-file", largest, int(files))


def _health(given: Mapping[str, Any]) -> Healthcheck | None:
    command = given["health_cmd"]
    times = {name: _time(name, given[f"health_{name}"]) for name in _TIMES}
    asked = bool(command or any(times.values()) or given["health_retries"])
    if given["no_healthcheck"]:
        if asked:
            raise Invalid("--no-healthcheck conflicts with --health-* options")
        return Healthcheck(("NONE",))
    if given["health_retries"] < 0:
        raise Invalid("--health-retries cannot be negative")
    test = ("CMD-SHELL", command) if command else ()
    return Healthcheck(test, **times, retries=given["health_retries"]) if asked else None


def _time(name: str, text: str) -> int:
    """Nanoseconds; 0 where nothing is asked for."""
    if not text:
        return 0
    from scow.dockerfile.durations import duration  # most starts name no time

    nanoseconds = duration(text)
    if nanoseconds and nanoseconds < _MILLISECOND:
        raise Invalid(f"--health-{name.replace('_', '-')} cannot be less than 1ms")
    return nanoseconds
