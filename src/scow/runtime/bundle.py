"""A container ready to start: its directory, its root file system and its runtime-spec."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

import msgspec

from scow.errors import Denied, NotFound, Unsupported
from scow.layer.rootfs import Rootfs
from scow.oci.config import Process as ImageProcess
from scow.runtime.kernel import cgroups, idmap
from scow.runtime.kernel.devices import told_devices
from scow.runtime.networking import RESOLVER, Attachment
from scow.runtime.probe import Probe
from scow.runtime.spec import capabilities, etc, limits
from scow.runtime.spec.document import SHM, spec
from scow.runtime.spec.options import Options
from scow.runtime.spec.process import process

#: With these a root directory holds nobody; who adds them by name gets them.
_NOT_UNDER_A_CHROOT = ("SYS_CHROOT", "MKNOD")
_TAKES_MORE_THAN_A_CHROOT = {
    "init": "--init",
    "hostname": "--hostname",
    "domainname": "--domainname",
    "devices": "--device",
    "sysctls": "--sysctl",
    "shm_size": "--shm-size",
    "ipc": "--ipc",
    "uts": "--uts",
    "cgroupns": "--cgroupns",
}


#: Programs that need no library, and where one of them is in a container.
_INITS = (
    "/usr/bin/docker-init", "/usr/libexec/docker/docker-init", "/usr/local/bin/docker-init", "/usr/bin/tini-static",
    "/usr/bin/catatonit", "/usr/libexec/podman/catatonit",
)  # fmt: skip
_INIT = "/sbin/docker-init"


class Shared(msgspec.Struct, frozen=True):
    """Whose namespaces a container shares, by their first process and when it was started: ``pid`` with "host", too."""

    pid: tuple[int, int] | Literal["", "host"] = ""
    ipc: tuple[int, int] | None = None


class Bundle(msgspec.Struct, frozen=True):
    """``directory`` belongs to this container alone; the launcher keeps its own files there."""

    directory: Path
    id: str
    rootfs: Rootfs
    spec: dict[str, Any]
    network: Attachment | None = None
    shared: Shared | None = None


def make_bundle(
    directory: Path, container_id: str, rootfs: Rootfs, image: ImageProcess, options: Options, probe: Probe,
    size: tuple[int, int] | None = None, network: Attachment | None = None, shared: Shared | None = None,
) -> Bundle:  # fmt: skip
    """Write what a container needs into ``directory`` (made if missing) and say how to start it.

    ``size`` is the terminal's (rows, columns); ``network`` the container's own, where it has one; ``shared`` is what
    is not its own.
    Raises :class:`Invalid`, :class:`NotFound` (a bind mount's source) and
    :class:`Unsupported` (what this machine cannot give).
    """
    _check_sources(options)
    if probe.rootless:
        _check_single_id(options)
    if probe.rung == 4:
        _check_lowest(options)
    directory = directory.absolute()
    if network and network.hostname:
        options = msgspec.structs.replace(options, hostname=network.hostname)
    document = describe(directory, container_id, image, options, probe, size)
    if options.init:
        _put_init_first(document)
    if network and network.files:
        _share_files(document, directory, network.files)
    hostname = document["hostname"]
    try:
        (directory / "rootfs").mkdir(parents=True, exist_ok=True)
        if shared and shared.ipc:
            (directory / SHM).mkdir(exist_ok=True)
        files = {
            "hosts": _hosts(hostname, options, network),
            "hostname": etc.hostname_file(hostname),
            "resolv.conf": _resolv_conf(options, network),
        }
        for name, content in files.items():
            _write(directory / name, content)
        (directory / cgroups.OUT_OF_MEMORY).unlink(missing_ok=True)  # of a start before this one
    except OSError as error:
        raise Denied(f"cannot write the bundle: {error.strerror}", subject=str(directory)) from None
    _limit(document["linux"], options, probe)
    return Bundle(directory, container_id, rootfs, document, network, shared)


def _check_single_id(options: Options) -> None:
    """What takes others' ids is refused where there is one id."""
    owned = (word for mount in options.mounts if mount.kind == "tmpfs" for word in mount.options)
    asked = ["--group-add"] if options.group_add else []
    asked += [f"--tmpfs {word}" for word in owned if word[:4] in ("uid=", "gid=") and word[4:].strip("0")]
    if asked:
        raise Unsupported("takes more ids than one", subject=asked[0], hint=idmap.why_not())


def _check_lowest(options: Options) -> None:
    """What a root directory alone cannot give is refused when it was asked for."""
    default = Options()
    for field, flag in _TAKES_MORE_THAN_A_CHROOT.items():
        if getattr(options, field) not in (getattr(default, field), "host"):
            why = "needs CAP_SYS_ADMIN or user namespaces, and neither is here"
            raise Unsupported(why, subject=flag)


def _share_files(document: dict[str, Any], directory: Path, theirs: str) -> None:
    """Who has another container's network has its names too."""
    for mount in document["mounts"]:
        if mount["source"].startswith(f"{directory}/"):
            mount["source"] = f"{theirs}/{os.path.basename(mount['source'])}"


def _put_init_first(document: dict[str, Any]) -> None:
    program = next((path for path in _INITS if os.access(path, os.X_OK)), None)
    if program is None:
        raise Unsupported(
            "there is no init program on this machine", subject="--init", hint="install tini or catatonit"
        )
    ways = ["bind", "ro", "nosuid", "nodev"]
    document["mounts"].append({"destination": _INIT, "type": "bind", "source": program, "options": ways})
    document["process"]["args"] = [_INIT, "--", *document["process"]["args"]]


def describe(
    directory: Path, container_id: str, image: ImageProcess, options: Options, probe: Probe,
    size: tuple[int, int] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The runtime-spec of a container whose own files are in ``directory``; nothing is written."""
    hostname = etc.checked_hostname(options.hostname or _default_hostname(container_id, options))
    if options.domainname:
        etc.checked_hostname(options.domainname)
    held = held_capabilities(options, probe)
    devices = told_devices(options, user_namespace=probe.user_namespace)
    return spec(
        process(image, options, hostname), options,
        rootfs=str(directory / "rootfs"), directory=str(directory), hostname=hostname, container_id=container_id,
        capabilities=held, machine=os.uname().machine, user_namespace=probe.user_namespace,
        single_id=probe.rootless, size=size, devices=devices,
    )  # fmt: skip


def _hosts(hostname: str, options: Options, network: Attachment | None) -> bytes:
    add = tuple(_with_gateway(entry, network is not None) for entry in options.add_host)
    whole = f"{hostname}.{options.domainname}" if options.domainname else hostname
    if network is None:
        return etc.hosts(whole, add)
    return etc.hosts(whole, add, network.address, network.neighbours)


def _with_gateway(entry: str, own_network: bool) -> str:
    """docker's ``NAME:host-gateway``: this machine, as the container reaches it."""
    if not entry.endswith(("=host-gateway", ":host-gateway")):
        return entry
    return entry.removesuffix("host-gateway") + (_own_address() if own_network else "127.0.0.1")


def _own_address() -> str:
    """The address that this machine has for others; nothing is sent to find out."""
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        try:
            one.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(one.getsockname()[0])


def _resolv_conf(options: Options, network: Attachment | None) -> bytes:
    resolver = RESOLVER if network and network.way_out else ""
    return etc.resolv_conf(_host_resolv_conf(), options.dns, options.dns_search, options.dns_options, resolver)


def unenforceable(options: Options, probe: Probe) -> tuple[str, ...]:
    """Why some of the limits cannot be set here."""
    wanted = limits.resources(options.limits)
    return tuple(cgroups.lacking(wanted, limits.path(options.cgroup_parent, ""), probe.rung != 1).values())


def _limit(linux: dict[str, Any], options: Options, probe: Probe) -> None:
    """See that every limit can be set here, or with best effort leave out what cannot."""
    if not options.best_effort_limits:
        check_limits(linux["resources"], linux["cgroupsPath"], delegated=probe.rung != 1)
        return
    for controller in cgroups.lacking(linux["resources"], linux["cgroupsPath"], probe.rung != 1):
        linux["resources"] = limits.without(linux["resources"], controller)


def check_limits(resources: dict[str, Any], path: str, *, delegated: bool) -> None:
    """Raise :class:`Unsupported` when some of the limits cannot be set here."""
    if lacking := cgroups.lacking(resources, path, delegated):
        why = "; ".join(lacking.values())
        raise Unsupported(f"cannot be enforced: {why}", subject="limits", hint=cgroups.hint(delegated))


def _default_hostname(container_id: str, options: Options) -> str:
    """docker's: the host's own name on its network, else the short id."""
    if options.network == "host":
        name = "".join(c for c in os.uname().nodename if c.isascii() and (c.isalnum() or c in "-._"))
        return name[:64] or container_id[:12]
    return container_id[:12]


def held_capabilities(options: Options, probe: Probe) -> tuple[str, ...]:
    """What a container's processes may hold. Raises :class:`Unsupported` for one that cannot be handed on here."""
    possible = None if probe.rootless else probe.capabilities
    if options.privileged:
        return capabilities.chosen(("ALL",), (), possible)
    dropped = (*options.cap_drop, *(_NOT_UNDER_A_CHROOT if probe.rung == 4 else ()))
    held = capabilities.chosen(options.cap_add, dropped, possible)
    named = capabilities.chosen(tuple(c for c in options.cap_add if c.upper() != "ALL"), ("ALL",))
    missing = [name for name in named if name not in held]
    if missing:
        raise Unsupported("this process does not hold it, and so cannot hand it on", subject=", ".join(missing))
    return held


def _check_sources(options: Options) -> None:
    for mount in options.mounts:
        if mount.kind != "tmpfs" and not os.path.exists(mount.source):
            raise NotFound("bind source path does not exist", subject=mount.source)


def _host_resolv_conf() -> bytes:
    try:
        with open("/etc/resolv.conf", "rb") as file:
            return file.read(1 << 16)
    except OSError:
        return b""


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o644)  # whatever the umask: the container's users read them
