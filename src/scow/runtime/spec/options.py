"""What a user asks of one container."""

# Annotations are not deferred: msgspec would compile each of them before the first document is read.

from typing import Annotated, Literal

import msgspec

from scow.runtime.spec.ports import Port


class Mount(msgspec.Struct, frozen=True):
    """A place of the container's file system that comes from elsewhere.

    ``kind`` bind: the host's ``source``; volume: the volume ``name``, which may stand as ``source`` ("" makes an
    anonymous one; ``no_copy`` leaves it empty); tmpfs: memory (no source). The ``source`` of a volume in a container's
    settings is its directory.
    ``options`` are mount(8) words: of a bind ``nosuid nodev noexec rprivate private rslave slave``, of a tmpfs also
    ``size= mode= uid= gid= nr_inodes= exec suid dev``.
    """

    kind: Literal["bind", "volume", "tmpfs"]
    source: str
    target: str
    read_only: bool = False
    options: tuple[str, ...] = ()
    name: str = ""
    no_copy: bool = False


class Ulimit(msgspec.Struct, frozen=True):
    """``name`` without RLIMIT_, as in ``nofile``; -1 is unlimited."""

    name: str
    soft: int
    hard: int


class Device(msgspec.Struct, frozen=True):
    """A device of this machine that a container may use at ``target``; ``access`` is of ``r``, ``w``, ``m`` (mknod)."""

    source: str
    target: str
    access: str = "rwm"


class Limits(msgspec.Struct, frozen=True):
    """What a container's processes may use together; 0 and "" are no limit.

    Sizes are bytes, times microseconds. ``memory_swap`` counts memory and swap, -1 is as much swap as there is.
    """

    memory: int = 0
    memory_swap: int = 0
    memory_reservation: int = 0
    cpu_shares: int = 0
    cpu_period: int = 0
    cpu_quota: int = 0
    cpuset_cpus: str = ""
    cpuset_mems: str = ""
    pids: int = 0
    blkio_weight: int = 0


class Options(msgspec.Struct, frozen=True):
    """One container's start.

    ``args`` follow the image's name; ``entrypoint`` None is the image's, () resets it. ``env`` entries are ``K=V``, or
    ``K`` to take the image's away. ``add_host`` entries are ``name:address``. ``shm_size`` is in bytes.
    ``domainname`` is what follows the ``hostname`` in the whole name. ``etc``: generated files of /etc, ro or rw.
    ``network`` is host, none, bridge (a network of its own), the name of a user's network, or ``container:NAME``.
    ``volumes_from`` names containers whose volumes and bind mounts this one has too (``CONTAINER[:ro]``).
    ``seccomp`` is a profile of docker's as JSON text, "unconfined", or "" for the default; ``unmasked`` shows all of
    /proc; ``sysctls`` are ``NAME=VALUE``; ``ipc``, ``uts`` and ``cgroupns`` are host, private, or "", and ``ipc`` may
    be shareable, ``container:NAME`` of such a one, or none (no /dev/shm); ``pid`` is host, ``container:NAME``, or "".
    ``init`` puts a program of the machine's first, which passes signals on and reaps what nobody waits for.
    ``best_effort_limits`` leaves out the limits that cannot be enforced here, which are an error otherwise.
    """

    args: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] | None = None
    env: tuple[str, ...] = ()
    user: str = ""
    workdir: str = ""
    hostname: str = ""
    domainname: str = ""
    etc: tuple[tuple[str, str], ...] = (("hosts", "rw"), ("hostname", "rw"), ("resolv.conf", "rw"))
    tty: bool = False
    interactive: bool = False
    network: str = "host"
    ports: tuple[Port, ...] = ()
    publish_all: bool = False
    expose: tuple[str, ...] = ()
    network_aliases: tuple[str, ...] = ()
    ip: str = ""
    mounts: tuple[Mount, ...] = ()
    volumes_from: tuple[str, ...] = ()
    read_only: bool = False
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    no_new_privileges: bool = False
    privileged: bool = False
    seccomp: str = ""
    unmasked: bool = False
    devices: tuple[Device, ...] = ()
    group_add: tuple[str, ...] = ()
    sysctls: tuple[str, ...] = ()
    pid: str = ""
    ipc: str = ""
    uts: Literal["", "private", "host"] = ""
    cgroupns: Literal["", "private", "host"] = ""
    add_host: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    dns_options: tuple[str, ...] = ()
    shm_size: Annotated[int, msgspec.Meta(ge=0)] = 64 * 1024 * 1024
    ulimits: tuple[Ulimit, ...] = ()
    stop_signal: str = ""
    limits: Limits = Limits()
    best_effort_limits: bool = False
    init: bool = False
    oom_score_adj: int | None = None
    cgroup_parent: str = ""
