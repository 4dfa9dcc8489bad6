"""docker's JSON of a container, from its settings and its state."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from scow.engine.containers.hostconfig import host_document, places
from scow.engine.containers.origins import options_of
from scow.engine.containers.records import ALIVE, Health, Settings, State
from scow.engine.describe import mounts_document, process_document
from scow.image.image import Image
from scow.runtime.spec.keeping import healthcheck
from scow.runtime.spec.options import Options

_NEVER = "0001-01-01T00:00:00Z"


def container_document(settings: Settings, state: State, image: Image, home: Path) -> dict[str, Any]:
    """What ``docker inspect`` prints of a container, but for its network."""
    options = options_of(settings)
    return {
        "Id": settings.id,
        "Created": settings.created,
        "Path": settings.args[0] if settings.args else "",
        "Args": list(settings.args[1:]),
        "State": _state(state, home),
        "Image": settings.image_id,
        "Name": f"/{settings.name}",
        "RestartCount": state.restarts,
        "ResolvConfPath": str(home / "bundle/resolv.conf"),
        "HostnamePath": str(home / "bundle/hostname"),
        "HostsPath": str(home / "bundle/hosts"),
        "LogPath": "" if settings.keeping.log.driver == "none" else str(home / "log"),
        "Driver": "overlay",
        "Platform": "linux",
        "MountLabel": "",
        "ProcessLabel": "",
        "AppArmorProfile": "",
        "ExecIDs": None,
        "GraphDriver": {"Name": "overlay", "Data": {"UpperDir": str(home / "upper")}},
        "HostConfig": host_document(settings, options),
        "Mounts": mounts_document(settings.spec.get("mounts", ())),
        "Config": _config(settings, options, image),
    }


def _state(state: State, home: Path) -> dict[str, Any]:
    running = state.status in ALIVE
    fields: dict[str, Any] = {
        "Status": state.status,
        "Running": running,
        "Paused": state.status == "paused",
        "Restarting": state.status == "restarting",
        "OOMKilled": (home / "bundle/oom").exists(),
        "Dead": False,
        "Pid": state.pid if running else 0,
        "ExitCode": state.exit_code,
        "Error": state.error,
        "StartedAt": state.started or _NEVER,
        "FinishedAt": state.finished or _NEVER,
    }
    return {**fields, "Health": _health(state.health)} if state.health else fields


def _health(health: Health) -> dict[str, Any]:
    log = [{"Start": c.start, "End": c.end, "ExitCode": c.exit_code, "Output": c.output} for c in health.log]
    return {"Status": health.status, "FailingStreak": health.failing, "Log": log}


def _config(settings: Settings, options: Options, image: Image) -> dict[str, Any]:
    """The image's process, with what the user asked for instead."""
    process = image.config.process
    document = process_document(process)
    check = healthcheck(settings.keeping.health, process.healthcheck)
    asked: dict[str, Any] = {
        "Hostname": options.hostname or settings.id[:12],
        "Domainname": options.domainname,
        "User": options.user,
        "WorkingDir": options.workdir,
        "StopSignal": options.stop_signal,
        "StopTimeout": settings.keeping.stop_timeout,
        "Healthcheck": msgspec.to_builtins(check) if check else None,
    }
    if options.entrypoint is not None:
        document["Entrypoint"], document["Cmd"] = list(options.entrypoint) or None, None
    if options.args:
        document["Cmd"] = list(options.args)
    return {
        **document,
        **{name: value for name, value in asked.items() if value is not None and value != ""},
        "Env": _env(process.env or (), options.env),
        "Image": settings.image,
        "Labels": settings.labels,
        **{name: found for name, found in places(process, options).items() if found or name == "Volumes"},
        "Tty": options.tty,
        "OpenStdin": options.interactive,
        "StdinOnce": settings.stdin_once,
    }


def _env(image: Iterable[str], asked: Sequence[str]) -> list[str]:
    """What was asked for as it was, a bare name among it, and then what of the image is not taken by that."""
    taken = {entry.partition("=")[0] for entry in asked}
    return [*asked, *(entry for entry in image if entry.partition("=")[0] not in taken)]
