"""The mounts of a runtime-spec made by hand, beneath a root that is not yet ours. Light: the launcher loads it."""

from __future__ import annotations

import errno
import os
import stat

from scow.runtime.kernel import cgroups, linux
from scow.runtime.kernel.beneath import make_place, open_beneath
from scow.runtime.wire import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# word: (flag, set it). What is no word here is the file system's own option.
FLAGS = {
    "ro": (linux.MS_RDONLY, True), "rw": (linux.MS_RDONLY, False),
    "nosuid": (linux.MS_NOSUID, True), "suid": (linux.MS_NOSUID, False),
    "nodev": (linux.MS_NODEV, True), "dev": (linux.MS_NODEV, False),
    "noexec": (linux.MS_NOEXEC, True), "exec": (linux.MS_NOEXEC, False),
    "noatime": (linux.MS_NOATIME, True), "relatime": (linux.MS_RELATIME, True),
    "strictatime": (linux.MS_STRICTATIME, True),
    "bind": (linux.MS_BIND, True), "rbind": (linux.MS_BIND | linux.MS_REC, True),
}  # fmt: skip

PROPAGATION = {
    "private": linux.MS_PRIVATE, "rprivate": linux.MS_PRIVATE | linux.MS_REC,
    "slave": linux.MS_SLAVE, "rslave": linux.MS_SLAVE | linux.MS_REC,
}  # fmt: skip

# name: (major, minor); runtime-spec config-linux.md, "Default Devices".
DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}
LINKS = {
    "fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2",
    "ptmx": "pts/ptmx", "core": "/proc/kcore",
}  # fmt: skip

_ATTRIBUTES = linux.MS_RDONLY | linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC  # the same bits as MOUNT_ATTR_*


def mount_all(spec: dict[str, Any], root: int, may_make_nodes: bool, own_cgroups: list[str]) -> None:
    """Everything the container sees beside its root file system; raises :class:`Refused` or OSError."""
    for mount in spec["mounts"]:
        try:
            if mount["type"] == "cgroup" and not os.path.exists(f"{cgroups.BASE}/cgroup.controllers"):
                _first_version(root, mount, own_cgroups)
            else:
                mount_one(root, mount)
        except OSError as error:
            if mount["type"] in ("mqueue", "cgroup") and mount["destination"] != "/":
                continue  # kernels and cgroup modes differ: an empty directory is left
            raise _refusal(mount, error) from None
        if mount["destination"] == "/dev":
            _devices(spec, root, mount["type"] == "tmpfs", may_make_nodes)
    for path in spec["linux"].get("readonlyPaths", ()):
        _read_only(root, path)
    for path in spec["linux"].get("maskedPaths", ()):
        _mask(root, path)


def _refusal(mount: dict[str, Any], error: OSError) -> Refused:
    if mount["type"] == "proc" and isinstance(error, PermissionError):
        why = "parts of this machine's /proc are hidden, and so a user namespace may have none of its own"
        return Refused("Unsupported", why, "/proc", "--pid host does without one")
    return Refused.by(error)


def mount_one(root: int, mount: dict[str, Any]) -> None:
    """One mount of a runtime-spec, beneath ``root``."""
    flags, propagation, own = _words(mount.get("options", ()))
    kind, source = mount["type"], mount["source"]
    if kind != "devpts" and mount["destination"] != "/dev":
        flags |= linux.MS_NODEV  # there is no device cgroup here: no node that a container makes may work
    if kind == "cgroup":
        kind = source = "cgroup2"
    bind = bool(flags & linux.MS_BIND)
    place = mount["destination"]
    make_place(root, place, not bind or os.path.isdir(source))
    if kind == "tmpfs" and "mode=" not in own:
        own = f"{own},mode={_mode_of(root, place):o}".lstrip(",")
    _on(root, place, source, None if bind else kind, flags & (linux.MS_BIND | linux.MS_REC) if bind else flags, own)
    if bind and flags & _ATTRIBUTES:
        _restrict(root, place, flags)
    if propagation:
        _on(root, place, None, None, propagation)


def _first_version(root: int, mount: dict[str, Any], own: list[str]) -> None:
    """Cgroups of version 1: those that were made for the container, each at its hierarchy's usual place.

    What limits nobody is not shown: a program that looks for its limits finds those of the machine.
    """
    if not own:
        return
    place = mount["destination"]
    mount_one(root, {**mount, "type": "tmpfs", "source": "tmpfs", "options": [*mount["options"], "rw", "mode=755"]})
    for directory in own:
        hierarchy = directory.removeprefix(f"{cgroups.BASE}/").partition("/")[0]
        ways = ["bind", *mount["options"]]
        mount_one(root, {"destination": f"{place}/{hierarchy}", "type": "bind", "source": directory, "options": ways})
    _restrict(root, place, linux.MS_RDONLY, below=False)


def _mode_of(root: int, path: str) -> int:
    fd = open_beneath(root, path, os.O_PATH)
    try:
        return stat.S_IMODE(os.fstat(fd).st_mode)
    finally:
        os.close(fd)


def _words(options: list[str]) -> tuple[int, int, str]:
    flags, propagation, own = 0, 0, []
    for word in options:
        if word in FLAGS:
            bit, on = FLAGS[word]
            flags = flags | bit if on else flags & ~bit
        elif word in PROPAGATION:
            propagation = PROPAGATION[word]
        elif word != "newinstance":  # what devpts does anyway
            own.append(word)
    return flags, propagation, ",".join(own)


def _on(root: int, path: str, source: str | None, kind: str | None, flags: int, options: str = "") -> None:
    """mount(2) onto a path inside the root: by descriptor, so that nothing can be swapped in between."""
    fd = open_beneath(root, path, os.O_PATH)
    try:
        linux.mount(source, f"/proc/self/fd/{fd}", kind, flags, options)
    except OSError as error:
        raise OSError(error.errno, error.strerror, f"mount {path}") from None
    finally:
        os.close(fd)


def _restrict(root: int, path: str, flags: int, below: bool = True) -> None:
    """Give the mount on ``path`` the attributes in ``flags``; ``below``: and every mount below it, if possible."""
    fd = open_beneath(root, path, os.O_PATH)
    try:
        try:
            linux.mount_setattr(fd, flags & _ATTRIBUTES, recursive=below)
        except OSError as error:
            if error.errno != errno.ENOSYS:
                raise
            kept = os.fstatvfs(fd).f_flag & (_ATTRIBUTES | linux.MS_NOATIME | linux.MS_NODIRATIME)
            again = linux.MS_BIND | linux.MS_REMOUNT | kept | flags & _ATTRIBUTES
            linux.mount(None, f"/proc/self/fd/{fd}", None, again)
    finally:
        os.close(fd)


def _fill_dev(root: int, may_make_nodes: bool) -> None:
    dev = open_beneath(root, "/dev", os.O_RDONLY | os.O_DIRECTORY)
    try:
        for name, (major, minor) in DEVICES.items():
            if may_make_nodes:
                os.mknod(name, stat.S_IFCHR | 0o666, os.makedev(major, minor), dir_fd=dev)
                source = f"/proc/self/fd/{dev}/{name}"  # onto itself: a mount of its own, that stays usable
            else:
                os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o666, dir_fd=dev))
                source = f"/dev/{name}"
            _on(root, f"/dev/{name}", source, None, linux.MS_BIND)
        for name, target in LINKS.items():
            os.symlink(target, name, dir_fd=dev)
    finally:
        os.close(dev)


def _devices(spec: dict[str, Any], root: int, of_its_own: bool, may_make_nodes: bool) -> None:
    """No node in /dev works but what every container has and what was asked for; the privileged have them all.

    ``of_its_own``: /dev is new. Otherwise it is a volume or the host's, with the nodes that are in it.
    """
    devices = spec["linux"].get("devices", ())
    if of_its_own:
        _fill_dev(root, may_make_nodes)
        for device in devices:
            _device(root, device, may_make_nodes)
    if _every_device(spec):
        return
    _restrict(root, "/dev", linux.MS_NODEV, below=not of_its_own)
    if not of_its_own:
        for name, (major, minor) in DEVICES.items():
            _let_work(root, f"/dev/{name}", stat.S_IFCHR, os.makedev(major, minor))
        for device in devices:
            kind = stat.S_IFBLK if device["type"] == "b" else stat.S_IFCHR
            _let_work(root, device["path"], kind, os.makedev(device["major"], device["minor"]))


def _let_work(root: int, path: str, kind: int, device: int) -> None:
    """A mount of its own for a node, where it is there and this one."""
    try:
        fd = open_beneath(root, path, os.O_PATH)
    except FileNotFoundError:
        return
    there = os.fstat(fd)
    if (stat.S_IFMT(there.st_mode), there.st_rdev) == (kind, device):
        here = f"/proc/self/fd/{fd}"
        linux.mount(here, here, None, linux.MS_BIND)
        kept = os.fstatvfs(fd).f_flag & _ATTRIBUTES & ~linux.MS_NODEV
        _on(root, path, None, None, linux.MS_BIND | linux.MS_REMOUNT | kept)
    os.close(fd)


def _every_device(spec: dict[str, Any]) -> bool:
    """Whether nodes that the container makes may work: it is privileged."""
    rules = spec["linux"]["resources"]["devices"]
    return len(rules) == 1 and bool(rules[0]["allow"])


def _device(root: int, device: dict[str, Any], may_make_nodes: bool) -> None:
    """A node that was asked for: made and mounted onto itself, or the host's own."""
    path = device["path"]
    parent, _, name = path.rpartition("/")
    make_place(root, parent or "/", directory=True)
    at = open_beneath(root, parent or "/", os.O_RDONLY | os.O_DIRECTORY)
    try:
        if may_make_nodes:
            kind = stat.S_IFBLK if device["type"] == "b" else stat.S_IFCHR
            os.mknod(name, kind | device["fileMode"], os.makedev(device["major"], device["minor"]), dir_fd=at)
            os.chown(name, device["uid"], device["gid"], dir_fd=at)
            source = f"/proc/self/fd/{at}/{name}"
        else:
            os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o666, dir_fd=at))
            source = device["source"]
        _on(root, path, source, None, linux.MS_BIND)
    except FileExistsError:
        pass  # every container has it
    finally:
        os.close(at)


def _read_only(root: int, path: str) -> None:
    try:
        fd = open_beneath(root, path, os.O_PATH)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return
    here = f"/proc/self/fd/{fd}"
    try:
        linux.mount(here, here, None, linux.MS_BIND | linux.MS_REC)
    finally:
        os.close(fd)
    _restrict(root, path, linux.MS_RDONLY)


def _mask(root: int, path: str) -> None:
    try:
        fd = open_beneath(root, path, os.O_PATH)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return
    try:
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            linux.mount("tmpfs", f"/proc/self/fd/{fd}", "tmpfs", linux.MS_RDONLY, "size=0k")
        else:
            null = _null(root)
            linux.mount(f"/proc/self/fd/{null}", f"/proc/self/fd/{fd}", None, linux.MS_BIND)
            os.close(null)
    finally:
        os.close(fd)


def _null(root: int) -> int:
    """The container's own, for it may chmod this one; in a /dev of a volume it may be anything (CVE-2025-31133)."""
    try:
        fd = open_beneath(root, "/dev/null", os.O_PATH)
    except FileNotFoundError:
        hint = "what is mounted on /dev hides the devices; --security-opt systempaths=unconfined masks nothing"
        raise Refused("NotFound", "is not there, and nothing can be masked without it", "/dev/null", hint) from None
    there = os.fstat(fd)
    if not stat.S_ISCHR(there.st_mode) or there.st_rdev != os.makedev(*DEVICES["null"]):
        raise Refused("Invalid", "is not the null device, and nothing can be masked with it", "/dev/null")
    return fd
