"""docker's ``HostConfig`` of a container: every field, so that no script finds one missing. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from scow.oci.config import Process
from scow.runtime.spec.capabilities import spelled
from scow.runtime.spec.document import MASKED_PATHS, READONLY_PATHS
from scow.runtime.spec.options import Limits, Mount, Options
from scow.runtime.spec.ports import exposed

if TYPE_CHECKING:
    from scow.engine.containers.records import Settings

_PERIOD = 100_000
"""Microseconds; ``--cpus`` is a share of this period."""
_MADE_UP = re.compile("[0-9a-f]{64}")
_NEVER_USED: dict[str, Any] = {
    "BlkioDeviceReadBps": [],
    "BlkioDeviceReadIOps": [],
    "BlkioDeviceWriteBps": [],
    "BlkioDeviceWriteIOps": [],
    "BlkioWeightDevice": [],
    "Cgroup": "",
    "ConsoleSize": [0, 0],
    "ContainerIDFile": "",
    "CpuCount": 0,
    "CpuPercent": 0,
    "CpuRealtimePeriod": 0,
    "CpuRealtimeRuntime": 0,
    "DeviceCgroupRules": None,
    "DeviceRequests": None,
    "IOMaximumBandwidth": 0,
    "IOMaximumIOps": 0,
    "Isolation": "",
    "Links": None,
    "MemorySwappiness": None,
    "OomKillDisable": None,
    "UsernsMode": "",
    "VolumeDriver": "",
}
"""What scow has nothing for, as docker shows it when nobody asked."""


def host_document(settings: Settings, options: Options) -> dict[str, Any]:
    """What was asked of this machine for one container."""
    return {**_NEVER_USED, **_kept(settings), **_placed(options), **_allowed(options), **_limited(options.limits)}


def _kept(settings: Settings) -> dict[str, Any]:
    keeping = settings.keeping
    log = {"max-size": str(keeping.log.largest)} if keeping.log.largest else {}
    log |= {"max-file": str(keeping.log.files)} if keeping.log.files > 1 else {}
    return {
        "AutoRemove": keeping.remove,
        "LogConfig": {"Type": keeping.log.driver, "Config": log},
        "RestartPolicy": {"Name": keeping.restart, "MaximumRetryCount": keeping.most},
        "Runtime": settings.runtime,
    }


def _placed(options: Options) -> dict[str, Any]:
    """Its files and its network."""
    bindings: dict[str, list[dict[str, str]]] = {}
    for port in options.ports:
        bound = {"HostIp": port.address, "HostPort": port.outside}
        bindings.setdefault(port.name, []).append(bound)
    in_memory = {mount.target: ",".join(mount.options) for mount in options.mounts if mount.kind == "tmpfs"}
    return {
        "Binds": [_bind(mount) for mount in options.mounts if mount.source and not is_anonymous(mount)] or None,
        **({"Tmpfs": in_memory} if in_memory else {}),
        "VolumesFrom": list(options.volumes_from) or None,
        "NetworkMode": options.network,
        "PortBindings": bindings,
        "PublishAllPorts": options.publish_all,
        "Dns": list(options.dns),
        "DnsOptions": list(options.dns_options),
        "DnsSearch": list(options.dns_search),
        "ExtraHosts": list(options.add_host) or None,
        "ReadonlyRootfs": options.read_only,
        "ShmSize": options.shm_size,
    }


def places(image: Process, options: Options) -> dict[str, Any]:
    """The image's ports and volumes, and those that were asked for; None where there are none."""
    asked: dict[str, Any] = {port.name: {} for text in options.expose for port in exposed(text)}
    ports = {**(image.exposed_ports or {}), **asked, **{port.name: {} for port in options.ports}}
    anonymous: dict[str, Any] = {one.target: {} for one in options.mounts if is_anonymous(one)}
    volumes = {**(image.volumes or {}), **anonymous}
    return {"ExposedPorts": dict(sorted(ports.items())) or None, "Volumes": volumes or None}


def is_anonymous(mount: Mount) -> bool:
    """A volume that was made for one container, and named by chance."""
    return mount.kind == "volume" and (not mount.name or _MADE_UP.fullmatch(mount.name) is not None)


def _bind(mount: Mount) -> str:
    """``-v``'s text of a mount, whichever flag it came from."""
    words = ["ro"] * mount.read_only + list(mount.options)
    return ":".join(filter(None, (mount.name or mount.source, mount.target, ",".join(words))))


def _allowed(options: Options) -> dict[str, Any]:
    security = ["no-new-privileges"] * options.no_new_privileges
    security += [f"seccomp={options.seccomp}"] if options.seccomp else []
    masked = not (options.privileged or options.unmasked)
    devices = [
        {"PathOnHost": one.source, "PathInContainer": one.target, "CgroupPermissions": one.access}
        for one in options.devices
    ]
    sysctls = dict(text.partition("=")[::2] for text in options.sysctls)
    return {
        "Privileged": options.privileged,
        "CapAdd": [spelled(name) for name in options.cap_add] or None,
        "CapDrop": [spelled(name) for name in options.cap_drop] or None,
        "GroupAdd": list(options.group_add) or None,
        "SecurityOpt": security or None,
        "Devices": devices,
        **({"Sysctls": sysctls} if sysctls else {}),
        **({"Init": True} if options.init else {}),
        "CgroupnsMode": options.cgroupns or "private",
        "IpcMode": options.ipc or "private",
        "PidMode": options.pid,
        "UTSMode": options.uts,
        "MaskedPaths": list(MASKED_PATHS) if masked else None,
        "ReadonlyPaths": list(READONLY_PATHS) if masked else None,
        "CgroupParent": options.cgroup_parent,
        "OomScoreAdj": options.oom_score_adj or 0,
        "Ulimits": [{"Name": one.name, "Hard": one.hard, "Soft": one.soft} for one in options.ulimits],
    }


def _limited(limits: Limits) -> dict[str, Any]:
    """``--cpus`` is kept as a share of its period, and shown as docker shows it."""
    cpus = limits.cpu_quota if limits.cpu_period == _PERIOD else 0
    return {
        "BlkioWeight": limits.blkio_weight,
        "CpuPeriod": 0 if cpus else limits.cpu_period,
        "CpuQuota": 0 if cpus else limits.cpu_quota,
        "CpuShares": limits.cpu_shares,
        "CpusetCpus": limits.cpuset_cpus,
        "CpusetMems": limits.cpuset_mems,
        "Memory": limits.memory,
        "MemoryReservation": limits.memory_reservation,
        "MemorySwap": limits.memory_swap,
        "NanoCpus": cpus * 10**9 // _PERIOD,
        "PidsLimit": limits.pids or None,
    }
