"""A process and its options as a runtime-spec 1.1 config.json. Pure.

The launcher completes what only the mounted root file system knows: ``process.user`` is ``{"username": text}`` until
then, and HOME is added.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from typing import Any

from scow.errors import Invalid, Unsupported
from scow.runtime.spec import limits, seccomp
from scow.runtime.spec.options import Mount, Options, Ulimit
from scow.runtime.spec.process import Process

MASKED_PATHS = (
    "/proc/asound", "/proc/acpi", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
    "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware",
    "/sys/devices/virtual/powercap",
)  # fmt: skip
READONLY_PATHS = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")

# docker's: every node may be made, these may be opened.
_OPENABLE = ((1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 2), (136, None))
DEVICE_RULES: list[dict[str, Any]] = [
    {"allow": False, "access": "rwm"},
    {"allow": True, "type": "c", "access": "m"},
    {"allow": True, "type": "b", "access": "m"},
    *(
        {"allow": True, "type": "c", "major": major, "access": "rwm"} | ({} if minor is None else {"minor": minor})
        for major, minor in _OPENABLE
    ),
]

_RESTRICTIONS = "nosuid suid nodev dev noexec exec ro rw relatime noatime"
_PROPAGATION = "rprivate private rslave slave"
_SHARED = ("shared", "rshared")
_RLIMITS = "as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack"
TMPFS_FLAGS = frozenset(_RESTRICTIONS.split())
BIND_OPTIONS = TMPFS_FLAGS | frozenset(_PROPAGATION.split())
TMPFS_SIZES = frozenset({"size", "mode", "uid", "gid", "nr_inodes"})
RLIMITS = frozenset(_RLIMITS.split())

CONTAINER = "container:"
"""What another container's name follows, in a network, ``pid`` or ``ipc``."""
SHM = "shm"
"""Where in the bundle another container's /dev/shm is mounted, for who shares it."""

_IPC_SETTINGS = ("kernel.msg", "kernel.sem", "kernel.shm", "fs.mqueue.")
_STRICT = ["nosuid", "noexec", "nodev"]


def spec(
    process: Process, options: Options, *, rootfs: str, directory: str, hostname: str, container_id: str,
    capabilities: tuple[str, ...], machine: str = "x86_64", user_namespace: bool = False,
    single_id: bool = False, size: tuple[int, int] | None = None, devices: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:  # fmt: skip
    """The document. ``directory`` holds the generated hosts, hostname and resolv.conf; ``size`` is (rows, columns).

    ``user_namespace`` says that it is in one, ``single_id`` that it has only one there: what needs more is left out.
    """
    profile = seccomp.chosen(options.seccomp, options.privileged, capabilities, machine)
    return {
        "ociVersion": "1.0.2",
        "process": _process(process, options, capabilities, size),
        "root": {"path": rootfs, "readonly": options.read_only},
        "hostname": hostname,
        "mounts": mounts(options, directory, user_namespace, single_id),
        "linux": {
            "namespaces": [{"type": kind} for kind in namespaces(options)],
            "maskedPaths": [] if options.privileged or options.unmasked else list(MASKED_PATHS),
            "readonlyPaths": [] if options.privileged or options.unmasked else list(READONLY_PATHS),
            "resources": {"devices": device_rules(options, devices), **limits.resources(options.limits)},
            "cgroupsPath": limits.path(options.cgroup_parent, container_id),
            "devices": list(devices),
            "sysctl": sysctls(options),
            **({} if profile is None else {"seccomp": profile}),
        },
    }


def device_rules(options: Options, devices: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The device cgroup: docker's rules, and those for what was asked for."""
    if options.privileged:
        return [{"allow": True, "access": "rwm"}]
    access = {device.target: device.access for device in options.devices}
    asked = [
        {
            "allow": True,
            "type": one["type"],
            "major": one["major"],
            "minor": one["minor"],
            "access": access[one["path"]],
        }
        for one in devices
    ]
    return [*DEVICE_RULES, *asked]


def sysctls(options: Options) -> dict[str, str]:
    """The settings of the container's own namespaces; raises :class:`Invalid` for one that would be the host's."""
    if options.uts == "host" and (options.hostname or options.domainname):
        raise Invalid("conflicting options: hostname and the UTS mode")
    found = {"kernel.domainname": options.domainname} if options.domainname else {}
    for text in options.sysctls:
        name, equals, value = text.partition("=")
        ipc = name.startswith(_IPC_SETTINGS)
        if not equals or not (ipc or name.startswith("net.")) or "/" in name or "\n" in text:
            raise Invalid(
                f"sysctl '{name}' is not whitelisted", hint="kernel.shm*, kernel.msg*, kernel.sem, fs.mqueue.*, net.*"
            )
        if (ipc and shares_ipc(options)) or (not ipc and options.network == "host"):
            raise Invalid(f"sysctl '{name}' not allowed in host {'IPC' if ipc else 'network'} namespace")
        found[name] = value
    return found


def namespaces(options: Options) -> tuple[str, ...]:
    """The kinds of namespaces a container gets from its runtime; a network it shares with others is entered before."""
    shared = {"uts"} if options.uts == "host" else set()
    shared |= {"pid"} if options.pid else set()
    shared |= {"ipc"} if shares_ipc(options) else set()
    shared |= {"cgroup"} if options.cgroupns == "host" else set()
    shared |= set() if options.network == "none" else {"network"}
    return tuple(kind for kind in ("pid", "ipc", "uts", "mount", "cgroup", "network") if kind not in shared)


def shares_ipc(options: Options) -> bool:
    """Whether its IPC is not its own."""
    return options.ipc == "host" or options.ipc.startswith(CONTAINER)


def mounts(options: Options, directory: str, user_namespace: bool, single_id: bool = False) -> list[dict[str, Any]]:
    """The default mounts, then the user's and the generated files, parents first: a volume on /etc hides no hosts."""
    asked = [_mount(m) for m in options.mounts]
    taken = {m["destination"] for m in asked}
    ways = {"rw": ["rbind", "rprivate", *(["ro"] if options.read_only else [])], "ro": ["rbind", "rprivate", "ro"]}
    generated = [_bind(f"{directory}/{name}", f"/etc/{name}", ways[way]) for name, way in options.etc]
    standard, generated = (
        [m for m in some if m["destination"] not in taken]
        for some in (_default_mounts(options, directory, user_namespace, single_id), generated)
    )
    return standard + sorted([*generated, *asked], key=lambda m: str(m["destination"]).count("/"))


def _process(
    process: Process, options: Options, capabilities: tuple[str, ...], size: tuple[int, int] | None
) -> dict[str, Any]:
    told: dict[str, Any] = {
        "terminal": process.terminal,
        "user": {"username": process.user, **({"groups": list(options.group_add)} if options.group_add else {})},
        "args": list(process.args),
        "env": list(process.env),
        "cwd": process.cwd,
        "capabilities": {kind: list(capabilities) for kind in ("bounding", "effective", "permitted")},
        "rlimits": [rlimit(limit) for limit in {limit.name: limit for limit in options.ulimits}.values()],
        "noNewPrivileges": options.no_new_privileges and not options.privileged,
    }
    if options.oom_score_adj is not None:
        told["oomScoreAdj"] = _oom_score(options.oom_score_adj)
    if size and process.terminal:
        told["consoleSize"] = {"height": size[0], "width": size[1]}
    return told


def _default_mounts(options: Options, directory: str, user_namespace: bool, single_id: bool) -> list[dict[str, Any]]:
    pts = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]
    sys = _fs("sysfs", "/sys", [*_STRICT, "ro"])
    if options.privileged and not user_namespace:
        sys = _fs("sysfs", "/sys", _STRICT)
    if user_namespace and options.network == "host":
        # The kernel gives a fresh sysfs only to the owner of the network namespace.
        sys = _bind("/sys", "/sys", ["rbind", "rslave", *_STRICT, "ro"])
    proc = _fs("proc", "/proc", _STRICT)
    if user_namespace and options.pid == "host":  # and so it is with proc and the pid namespace
        proc = _bind("/proc", "/proc", ["rbind", "rslave", *_STRICT])
    return [
        proc,
        _fs("tmpfs", "/dev", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
        _fs("devpts", "/dev/pts", pts if single_id else [*pts, "gid=5"]),
        sys,
        *(
            []
            if user_namespace
            else [_fs("cgroup", "/sys/fs/cgroup", [*_STRICT, "relatime", "rw" if options.privileged else "ro"])]
        ),
        *([] if user_namespace and options.ipc == "host" else [_fs("mqueue", "/dev/mqueue", _STRICT)]),
        *_memory(options, directory),
    ]


def _memory(options: Options, directory: str) -> list[dict[str, Any]]:
    """Shared memory goes with the IPC namespace. The launcher mounts another container's in the bundle."""
    place = "/dev/shm"  # noqa: S108
    if options.ipc == "none":
        return []
    if shares_ipc(options):
        source = place if options.ipc == "host" else f"{directory}/{SHM}"
        return [_bind(source, place, ["rbind", "rprivate", "nosuid", "nodev"])]
    return [_fs("tmpfs", place, [*_STRICT, "mode=1777", f"size={options.shm_size}"], "shm")]


def _fs(kind: str, destination: str, options: list[str], source: str = "") -> dict[str, Any]:
    return {"destination": destination, "type": kind, "source": source or kind, "options": list(options)}


def _bind(source: str, destination: str, options: list[str]) -> dict[str, Any]:
    return {"destination": destination, "type": "bind", "source": source, "options": options}


def _mount(mount: Mount) -> dict[str, Any]:
    destination = _destination(mount.target)
    access = ["ro"] if mount.read_only else ["rw"]
    if mount.kind == "tmpfs":
        for option in mount.options:
            _check_option(option, _is_tmpfs_option(option))
        return _fs("tmpfs", destination, [*_tmpfs_defaults(mount.options), *mount.options, *access])
    if not mount.source.startswith("/"):
        raise Invalid("mount path must be absolute", subject=mount.source)
    for option in mount.options:
        _check_option(option, option in BIND_OPTIONS)
    propagation = [] if set(_PROPAGATION.split()) & set(mount.options) else ["rprivate"]
    return _bind(mount.source, destination, ["rbind", *propagation, *mount.options, *access])


def _is_tmpfs_option(option: str) -> bool:
    name, equals, value = option.partition("=")
    if name == "mode" and not (value and len(value) <= 4 and set(value) <= set("01234567")):
        raise Invalid("mode is an octal number", subject=option)
    return name in TMPFS_SIZES if equals else name in TMPFS_FLAGS


def _tmpfs_defaults(options: tuple[str, ...]) -> list[str]:
    opposite = {"suid": "nosuid", "exec": "noexec", "dev": "nodev"}
    return [word for plain, word in opposite.items() if plain not in options]


def _check_option(option: str, known: bool) -> None:
    if option in _SHARED:
        why = "no mount of a container reaches the machine"
        raise Unsupported(f"propagation is one of {_PROPAGATION}: {why}", subject=option)
    if not known:
        raise Unsupported("mount option is not known", subject=option)


def _destination(target: str) -> str:
    """The place of a mount, without detours."""
    if not target.startswith("/") or "\0" in target:
        raise Invalid("mount path must be absolute", subject=target)
    place = posixpath.normpath(f"/{target.lstrip('/')}")
    if place == "/":
        raise Invalid("destination can't be '/'", subject=target)
    return place


def _oom_score(value: int) -> int:
    if not -1000 <= value <= 1000:
        raise Invalid(f"Invalid value {value}, range for oom score adj is [-1000, 1000]")
    return value


def rlimit(limit: Ulimit) -> dict[str, Any]:
    """The runtime-spec's (``process.rlimits``). Raises :class:`Invalid` for what is none."""
    if limit.name not in RLIMITS:
        raise Invalid("invalid ulimit type", subject=limit.name)
    soft, hard = (2**64 - 1 if value == -1 else value for value in (limit.soft, limit.hard))
    if soft > hard:
        raise Invalid("ulimit soft limit must be less than or equal to hard limit", subject=limit.name)
    return {"type": f"RLIMIT_{limit.name.upper()}", "soft": soft, "hard": hard}
