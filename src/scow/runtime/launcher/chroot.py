"""Rung 4: root without CAP_SYS_ADMIN, as in a default pod. A root directory is all that can be given; light.

What a container then lacks: namespaces of its own (it sees and may signal the host's processes as its user could),
/proc, /sys, mounts, a network of its own, and its host name is only in $HOSTNAME and /etc. The probe's reasons say so;
a mount, a network or a read-only root that was asked for is refused.
"""

from __future__ import annotations

import os
import stat

from scow.runtime.kernel import linux
from scow.runtime.kernel.beneath import Placed, make_place, open_beneath
from scow.runtime.launcher.sandbox_mounts import DEVICES
from scow.runtime.wire import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PR_SET_CHILD_SUBREAPER = 36
_GENERATED = ("/etc/hosts", "/etc/hostname", "/etc/resolv.conf")
_STANDARD = (*_GENERATED, "/proc", "/sys", "/sys/fs/cgroup", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue")  # noqa: S108


def check(plan: dict[str, Any]) -> None:
    """Refuse what needs a mount or a namespace; raises :class:`Refused`."""
    spec = plan["spec"]
    asked = [m["destination"] for m in spec["mounts"] if m["destination"] not in _STANDARD]
    kinds = [n["type"] for n in spec["linux"]["namespaces"]]
    wishes = (
        ("path" not in plan["rootfs"], "an overlay root file system", "use the copying snapshot"),
        (bool(asked), f"a mount on {', '.join(asked)}", "scow create, scow cp, scow start bring files in without one"),
        ("network" in kinds, "a network of its own", "--network host"),
        (bool(spec["root"].get("readonly")), "a read-only root", ""),
    )
    for wished, what, hint in wishes:
        if wished:
            raise Refused(
                "Unsupported", f"{what} needs CAP_SYS_ADMIN or user namespaces, and neither is here", hint=hint
            )


def adopt_orphans() -> None:
    """Become the parent of every process whose own parent ends, so that none outlives the container."""
    linux.prctl(_PR_SET_CHILD_SUBREAPER, 1)


def kill_leftovers() -> None:
    """End what the container's processes left running."""
    me = os.getpid()
    while True:
        with open(f"/proc/{me}/task/{me}/children") as file:
            children = [int(word) for word in file.read().split()]
        if not children:
            return
        for child in children:
            os.kill(child, 9)
        os.waitpid(children[0], 0)


def furnish(spec: dict[str, Any], root: int) -> list[Placed]:
    """Devices, and the generated files that the image lacks, put into the tree itself for as long as it runs."""
    placed: list[Placed] = []
    for mount in spec["mounts"]:
        if mount["destination"] in _GENERATED:
            made = make_place(root, mount["destination"], directory=False)
            placed += made
            if made:
                made[-1].size = _copy(mount["source"], root, mount["destination"])
    placed += make_place(root, "/dev", directory=True)
    dev = open_beneath(root, "/dev", os.O_RDONLY | os.O_DIRECTORY)
    for name, (major, minor) in DEVICES.items():
        before = os.fstat(dev)
        try:
            os.mknod(name, stat.S_IFCHR | 0o666, os.makedev(major, minor), dir_fd=dev)
        except (FileExistsError, PermissionError):
            continue  # the image has its own, or there is no CAP_MKNOD
        placed.append(Placed("/dev", name, False, before, os.fstat(dev).st_mtime_ns))
    os.close(dev)
    return placed


def _copy(source: str, root: int, place: str) -> int:
    with open(source, "rb") as file:
        content = file.read()
    target = open_beneath(root, place, os.O_WRONLY)
    try:
        return os.write(target, content)
    finally:
        os.close(target)


def enter(root: int) -> None:
    """Make the directory the root."""
    os.fchdir(root)
    os.chroot(".")
    os.chdir("/")
