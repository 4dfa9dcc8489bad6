"""Containers as the rows and columns of docker's ``ps``, and which of them are asked for.

The clock and the zone come in as arguments.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import tzinfo
from typing import TYPE_CHECKING

from scow.cli import table, units
from scow.cli.filters import Filters
from scow.errors import Invalid
from scow.runtime.spec import ports

if TYPE_CHECKING:
    from scow.engine.values import ContainerSummary

COLUMNS = (
    ("CONTAINER ID", "ID"),
    ("IMAGE", "Image"),
    ("COMMAND", "Command"),
    ("CREATED", "RunningFor"),
    ("STATUS", "Status"),
    ("PORTS", "Ports"),
    ("NAMES", "Names"),
)
SIZE = ("SIZE", "Size")
HEADERS = {
    "CreatedAt": "CREATED AT",
    "Labels": "LABELS",
    "LocalVolumes": "LOCAL VOLUMES",
    "Mounts": "MOUNTS",
    "Networks": "NETWORKS",
    "Platform": "PLATFORM",
    "Size": "SIZE",
    "State": "STATE",
}
FILTERS = (
    "status", "name", "id", "label", "ancestor", "exited", "before", "since", "health", "volume", "network", "publish",
    "expose", "is-task",
)  # fmt: skip
_HEALTH = {"starting": "health: starting", "healthy": "healthy", "unhealthy": "unhealthy"}
_RUNNING = ("running", "paused", "restarting")
_HEALTHS = ("starting", "healthy", "unhealthy", "none")
_STATES = ("created", "running", "paused", "restarting", "removing", "exited", "dead")
_COMMAND_WIDTH, _MOUNT_WIDTH = 20, 15


def rows(
    containers: Iterable[ContainerSummary],
    now: float,
    zone: tzinfo,
    *,
    whole: bool,
    sizes: Mapping[str, tuple[int, int]] | None = None,
    platforms: Mapping[str, object] | None = None,
) -> Iterator[table.Row]:
    """A row for each. ``whole``: nothing is cut; ``sizes``: id -> (bytes written, bytes with the image or 0);
    ``platforms``: id -> what to show."""
    for one in containers:
        command = " ".join([*one.command[:1], *(f"'{word}'" if " " in word else word for word in one.command[1:])])
        shown = command if whole else units.ellipsis(command, _COMMAND_WIDTH)
        yield {
            "ID": one.id if whole else one.id[:12],
            "Image": one.image,
            "Command": json.dumps(shown, ensure_ascii=False),
            "RunningFor": f"{units.human_duration(now - units.seconds_of(one.created))} ago",
            "CreatedAt": units.created_at(one.created, zone),
            "Status": status(one, now),
            "State": one.status,
            "Ports": ", ".join(f"{port.place}->{port.name}" for port in one.ports),
            "Names": one.name,
            "Labels": ",".join(f"{name}={value}" for name, value in sorted(one.labels.items())),
            "Label": table.labelled(one.labels),
            "LocalVolumes": str(len(one.volumes)),
            "Mounts": ",".join(one.mounts if whole else [units.ellipsis(name, _MOUNT_WIDTH) for name in one.mounts]),
            "Networks": one.network,
            "Platform": platforms.get(one.id) if platforms else None,
            "Size": _size(sizes[one.id]) if sizes else "0B",
        }


def status(one: ContainerSummary, now: float) -> str:
    """``Up 3 seconds (healthy)``, ``Up 3 seconds (Paused)``, ``Exited (0) 2 minutes ago``, ``Created``."""
    if one.status in ("running", "paused"):
        word = "Paused" if one.status == "paused" else _HEALTH.get(one.health, "")
        return f"Up {units.human_duration(now - units.seconds_of(one.started))}{word and f' ({word})'}"
    if one.status in ("exited", "restarting"):
        ago = f" {units.human_duration(now - units.seconds_of(one.finished))} ago" if one.finished else ""
        return f"{one.status.capitalize()} ({one.exit_code}){ago}"
    return one.status.capitalize()


def _size(of: tuple[int, int]) -> str:
    return units.human_size(of[0]) + (f" (virtual {units.human_size(of[1])})" if of[1] else "")


def chosen(
    containers: Iterable[ContainerSummary], asked: Filters, *, every: bool, image_id: Callable[[str], str | None],
    exposed: Callable[[str], Collection[str]],
) -> list[ContainerSummary]:  # fmt: skip
    """Those that pass the filters; the ones that do not run only when ``every``, or when a state is asked for.

    ``image_id`` is the id of the image that an ``ancestor`` filter names, ``exposed`` the ports of a container's id.
    """
    everything = list(containers)
    _check(asked, "status", _STATES)
    _check(asked, "health", _HEALTHS)
    published = {port.name for text in asked.of("publish") for port in ports.exposed(text)}
    wanted = {port.name for text in asked.of("expose") for port in ports.exposed(text)}
    ancestors = {image_id(name) for name in asked.of("ancestor")}
    codes = {_code(text) for text in asked.of("exited")}
    names = [_pattern(text) for text in asked.of("name")]
    after, before = _moments(everything, asked, "since"), _moments(everything, asked, "before")
    return [
        one
        for one in everything
        if (every or one.status in _RUNNING or "status" in asked)
        and asked.exact("status", one.status)
        and asked.exact("health", one.health or "none")
        and asked.exact("network", one.network)
        and asked.match("volume", {*one.volumes, *one.targets}.__contains__)
        and ("publish" not in asked or any(f"{there.host}/{there.protocol}" in published for there in one.ports))
        and ("expose" not in asked or not wanted.isdisjoint(exposed(one.id)))
        and asked.flag("is-task") is not True  # there is no swarm
        and asked.match("id", one.id.startswith)
        and asked.labels(one.labels)
        and (not names or any(name.search(one.name) or name.search(f"/{one.name}") for name in names))
        and (not codes or (one.status == "exited" and one.exit_code in codes))
        and ("ancestor" not in asked or one.image_id in ancestors)
        and all(one.created > moment for moment in after)
        and all(one.created < moment for moment in before)
    ]


def _check(asked: Filters, key: str, known: Collection[str]) -> None:
    for value in asked.of(key):
        if value not in known:
            raise Invalid(f"invalid filter '{key}={value}'", hint=f"it is one of {', '.join(known)}")


def _code(text: str) -> int:
    if not text.removeprefix("-").isdigit() or not text.isascii():
        raise Invalid(f"invalid filter 'exited={text}'", hint="write an exit code")
    return int(text)


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text[:256])
    except re.error:
        return re.compile(re.escape(text))


def _moments(containers: Iterable[ContainerSummary], asked: Filters, key: str) -> list[str]:
    """When the containers that ``before`` or ``since`` name were made."""
    found = []
    for text in asked.of(key):
        named = [one.created for one in containers if text == one.name or one.id.startswith(text)]
        if not named:
            raise Invalid(f"No such container: {text}")
        found.append(named[0])
    return found
