"""docker's JSON for images and containers, from our values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from scow.engine.networks.records import Endpoint
from scow.engine.texts import rfc3339
from scow.engine.values import HistoryStep
from scow.image.image import Image
from scow.layer.index import Header
from scow.oci.config import Process


def image_document(
    image: Image, tags: Sequence[str], digests: Sequence[str], size: int, trees: Sequence[str], used: float
) -> dict[str, Any]:
    """What ``docker image inspect`` prints of an image, and when it was last ``used`` (unix seconds).

    ``trees`` are its unpacked layers, topmost first.
    """
    config = image.config
    history = config.history or ()
    fields: dict[str, Any] = {
        "Id": image.id,
        "RepoTags": list(tags),
        "RepoDigests": list(digests),
        "Parent": "",
        "Comment": history[-1].comment if history else "",
        "Created": config.created or "0001-01-01T00:00:00Z",
        "DockerVersion": "",
        "Author": config.author,
        "Config": process_document(config.process),
        "Architecture": config.architecture,
        "Variant": config.variant,
        "Os": config.os,
        "OsVersion": config.os_version,
        "Size": size,
        "VirtualSize": size,
        "GraphDriver": {"Name": "scow", "Data": {"LowerDir": ":".join(trees)} if trees else None},
        "RootFS": {"Type": "layers", "Layers": list(config.diff_ids)},
        "Metadata": {"LastTagTime": "0001-01-01T00:00:00Z", "LastUsedTime": rfc3339(used)},
        "Descriptor": msgspec.to_builtins(image.descriptor.plain, enc_hook=str),
    }
    return {name: value for name, value in fields.items() if value is not None}


def process_document(process: Process) -> dict[str, Any]:
    """docker's ``Config`` object of an image."""
    health = process.healthcheck
    fields: dict[str, Any] = {
        "Hostname": "",
        "Domainname": "",
        "User": process.user,
        "AttachStdin": False,
        "AttachStdout": False,
        "AttachStderr": False,
        "ExposedPorts": process.exposed_ports or None,
        "Tty": False,
        "OpenStdin": False,
        "StdinOnce": False,
        "Env": list(process.env or ()),
        "Cmd": list(process.cmd) if process.cmd is not None else None,
        "Healthcheck": msgspec.to_builtins(health) if health else None,
        "Image": "",
        "Volumes": process.volumes or None,
        "WorkingDir": process.working_dir,
        "Entrypoint": list(process.entrypoint) if process.entrypoint is not None else None,
        "OnBuild": list(process.on_build) if process.on_build is not None else None,
        "Labels": process.labels or None,
        "StopSignal": process.stop_signal or None,
        "Shell": list(process.shell) if process.shell else None,
    }
    shown_when_set = {"ExposedPorts", "Healthcheck", "StopSignal", "Shell"}
    return {name: value for name, value in fields.items() if value is not None or name not in shown_when_set}


def history_steps(image: Image, headers: Sequence[Header], tags: Sequence[str]) -> tuple[HistoryStep, ...]:
    """The history, newest first, each step with the bytes of the layer that it brought."""
    steps: list[HistoryStep] = []
    sizes = [header.content for header in headers]
    for record in image.config.history or ():
        size = 0 if record.empty_layer or not sizes else sizes.pop(0)
        steps.append(HistoryStep(None, record.created or "", record.created_by, size, record.comment))
    steps += [HistoryStep(None, "", "", size, "") for size in sizes]  # layers that no history speaks of
    steps.reverse()
    if steps:
        first = steps[0]
        steps[0] = HistoryStep(image.id, first.created, first.created_by, first.size, first.comment, tuple(tags))
    return tuple(steps)


def mounts_document(mounts: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """docker's ``Mounts`` of the mounts in a container's record."""
    return [
        {
            "Type": mount["kind"],
            **({"Name": mount["name"], "Driver": "local"} if mount["kind"] == "volume" else {}),
            "Source": mount["source"],
            "Destination": mount["target"],
            "Mode": ",".join([*(["ro"] if mount.get("read_only") else []), *mount.get("options", ())]),
            "RW": not mount.get("read_only"),
            "Propagation": "rprivate" if mount["kind"] == "bind" else "",
        }
        for mount in mounts
    ]


_NO_ENDPOINT: dict[str, Any] = {
    "EndpointID": "",
    "GlobalIPv6Address": "",
    "GlobalIPv6PrefixLen": 0,
    "IPv6Gateway": "",
    "MacAddress": "",
}
_NO_SANDBOX: dict[str, Any] = {
    "Bridge": "",
    "SandboxID": "",
    "SandboxKey": "",
    "HairpinMode": False,
    "LinkLocalIPv6Address": "",
    "LinkLocalIPv6PrefixLen": 0,
    "SecondaryIPAddresses": None,
    "SecondaryIPv6Addresses": None,
}
_NO_PLUG: dict[str, Any] = {"IPAMConfig": None, "Links": None, "DriverOpts": None, "NetworkID": "", "DNSNames": None}
"""What docker shows where a container has nothing of the kind: scow's networks have no ids of ends, and no IPv6."""


def network_document(mode: str, place: Endpoint | None) -> dict[str, Any]:
    """docker's ``NetworkSettings`` of a container, as of its last start."""
    here = place or Endpoint(mode)
    ports: dict[str, list[dict[str, str]]] = {}
    for port in here.ports:
        bound = {"HostIp": port.address or "0.0.0.0", "HostPort": str(port.host)}  # noqa: S104
        ports.setdefault(port.name, []).append(bound)
    address = {**_NO_ENDPOINT, "IPAddress": here.address, "IPPrefixLen": here.prefix, "Gateway": here.gateway}
    plug = {**_NO_PLUG, **address, "Aliases": list(here.names) or None}
    networks = {} if mode.startswith("container:") else {here.network: plug}
    return {**_NO_SANDBOX, "Ports": ports, **address, "Networks": networks}
