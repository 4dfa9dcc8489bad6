"""What this machine lets scow do, with reasons; nothing here changes anything.

:func:`probe` only looks (well under 5 ms); the trials also try, in children.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from scow.errors import Unsupported
from scow.held import held
from scow.layer.rights import MOUNTABLE, rights
from scow.runtime.kernel import idmap
from scow.runtime.kernel.cgroups import BASE, read
from scow.runtime.spec.capabilities import NAMES

DOCTOR = "scow doctor says what this machine lacks, and what would help"
NO_LINUX, NO_PROC = "containers need Linux", "there is no /proc, which containers need"
REMEDIES = {NO_LINUX: "scow in a virtual machine with Linux: lima, colima", NO_PROC: "mount -t proc proc /proc"}
"""What by itself keeps every container from being made, and what helps."""
_COVERED = "parts of /proc are hidden here, so that no container can have its own"
_CHROOTED = "/ is no mount point: bind the directory on itself before chroot(8)"
_NOTHING = "neither user namespaces nor CAP_SYS_CHROOT can be had"

Cgroups = Literal["v1", "hybrid", "v2", "none"]

_SEARCH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
# file: (the value that forbids user namespaces to ordinary users, why)
_SWITCHES = {
    "/proc/sys/user/max_user_namespaces": ("0", "user.max_user_namespaces is 0"),
    "/proc/sys/kernel/unprivileged_userns_clone": ("0", "kernel.unprivileged_userns_clone is 0"),
    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": ("1", "AppArmor restricts user namespaces"),
}


class OciRuntime(msgspec.Struct, frozen=True):
    """An OCI runtime that is installed; ``reason`` says why it is not taken by itself ("" = it is)."""

    name: str
    path: str
    reason: str = ""


class Probe(msgspec.Struct, frozen=True):
    """``rung`` is 1 (root, everything) to 4 (no namespaces); ``reasons`` say why not a higher one, and what is missing.

    ``capabilities`` is the mask of what this process holds; ``rootless`` means that a user namespace with a single
    id has to be made, ``user_namespace`` that containers are in one (rung 2: this process is in it already).
    """

    root: bool
    capabilities: int
    user_namespaces: bool
    cgroups: Cgroups
    runtimes: tuple[OciRuntime, ...]
    rung: int
    reasons: tuple[str, ...]

    @property
    def rootless(self) -> bool:
        """Whether a user namespace has to be made."""
        return self.rung == 3

    @property
    def user_namespace(self) -> bool:
        """Whether containers are in one, and root there is not root here."""
        return self.rung in (2, 3)

    @property
    def able(self) -> bool:
        """Whether any container can be made."""
        return self.rung < 4 or self.has("CAP_SYS_CHROOT")

    def require(self) -> None:
        """Raise :class:`Unsupported` where no container can be made."""
        if not self.able:
            why = next((reason for reason in self.reasons if reason in REMEDIES), _NOTHING)
            raise Unsupported(f"no container can be made here: {why}", hint=DOCTOR)

    def has(self, capability: str) -> bool:
        """Whether this process holds a capability, by name."""
        return bool(self.capabilities >> NAMES.index(capability) & 1)


@cache
def probe() -> Probe:
    """A look at this process and machine, once per process."""
    if sys.platform != "linux" or not os.path.exists("/proc/self/status"):
        why = NO_PROC if sys.platform == "linux" else NO_LINUX
        return Probe(os.geteuid() == 0, 0, False, "none", (), 4, (why,))
    root, mapped, bits = rights().name == "privileged", rights().name == "mapped", held()
    refused = _why_no_namespaces() if bits >> NAMES.index("CAP_SYS_ADMIN") & 1 else "root without CAP_SYS_ADMIN"
    admin = not refused
    forbidden = [] if (root or mapped) and admin else _why_no_user_namespace()
    cgroups = _cgroups()
    reasons = []
    if mapped:
        reasons.append("not the machine's root: a user namespace with a range of ids")
    elif not root:
        reasons.append(f"not root: a user namespace with a single id; {idmap.why_not() or 'the range was not entered'}")
    elif not admin:
        reasons.append(refused)
    if cgroups != "v2":
        reasons.append(f"cgroups: {cgroups}, no limits through cgroup v2")
    if root and not bits >> NAMES.index("CAP_SYS_RESOURCE") & 1:
        reasons.append("no CAP_SYS_RESOURCE: ulimits cannot be raised")
    rung = 1 if root and admin else 2 if mapped and admin else 4 if forbidden else 3
    if rung == 4:
        reasons.append("chroot only: no namespaces, no /proc, no mounts; the host name and the network are the host's")
    return Probe(
        root=root,
        capabilities=bits,
        user_namespaces=not forbidden,
        cgroups=cgroups,
        runtimes=_runtimes(root and admin, cgroups),
        rung=rung,
        reasons=(*reasons, *forbidden),
    )


def _why_no_namespaces() -> str:
    """Why whoever has CAP_SYS_ADMIN can make none all the same; "" when it can. Tried under a seccomp filter only."""
    if not _root_is_mounted():
        return _CHROOTED
    refusal = _in_child(_make_mount_namespace) if _filtered() else ""
    return f"a filter of system calls refuses namespaces: {refusal}" if refusal else ""


def _root_is_mounted() -> bool:
    """Whether / is a mount point; under chroot(2) it may not be, and then mounts cannot be kept to oneself
    (mount_namespaces(7)), nor a user namespace be made (unshare(2))."""
    return any(line.split(" ", 5)[4:5] == ["/"] for line in read("/proc/self/mountinfo").splitlines())


def _filtered() -> bool:
    return "\nSeccomp:\t0" not in read("/proc/self/status")


def _why_no_user_namespace() -> list[str]:
    """Empty when one can be made. Tried only where the switches do not tell: under a seccomp filter, and for root,
    whose id takes CAP_SETFCAP to map (user_namespaces(7)), and who can have a root directory instead."""
    reasons = [why for file, (bad, why) in _SWITCHES.items() if read(file).strip() == bad]
    reasons += [] if _root_is_mounted() else [_CHROOTED]
    if reasons or not (_filtered() or os.geteuid() == 0):
        return reasons
    if refusal := _in_child(_make_user_namespace):
        return [f"user namespaces: {refusal}"]
    return [_COVERED] if os.geteuid() == 0 and _in_child(_mount_proc) else []


def trial_of_overlay(directory: Path) -> str | None:
    """Try an overlay on ``directory``'s file system: None when it worked, else why not."""
    if probe().rung == 4:
        return probe().reasons[-1]
    with_user = probe().rootless
    return _in_child(lambda: _try_overlay(directory, with_user))


def trial_of_bridges() -> str | None:
    """Try a bridge in a network namespace of its own: None when it worked, else why not."""
    mapped = probe().rung < 3
    return _in_child(lambda: _make_bridge(with_user=not mapped))


def _make_bridge(with_user: bool) -> None:
    from scow.runtime.kernel import linux, netlink

    if with_user:
        _make_user_namespace()
    linux.unshare(linux.CLONE_NEWNET)
    line = netlink.Netlink()
    line.bridge("scow")
    line.close()


def _cgroups() -> Cgroups:
    if os.path.exists(f"{BASE}/cgroup.controllers"):
        return "v2"
    if os.path.exists(f"{BASE}/unified/cgroup.controllers"):
        return "hybrid"
    return "v1" if os.path.exists(f"{BASE}/memory") or os.path.exists(f"{BASE}/pids") else "none"


def _runtimes(privileged: bool, cgroups: Cgroups) -> tuple[OciRuntime, ...]:
    found = []
    for name in ("crun", "runc"):
        path = next((f"{d}/{name}" for d in _SEARCH if os.access(f"{d}/{name}", os.X_OK)), "")
        if not path:
            continue
        reason = ""
        if not privileged:
            reason = "without root and CAP_SYS_ADMIN the embedded sandbox does more than an OCI runtime"
        elif name == "crun" and cgroups == "hybrid":
            reason = "cgroups are mounted in hybrid mode, which crun refuses: it would run without cgroups"
        found.append(OciRuntime(name, path, reason))
    return tuple(found)


def _in_child(attempt: Callable[[], object]) -> str | None:
    """Run ``attempt`` in a forked child; None when it returned, else the words of its error."""
    reader, writer = os.pipe2(os.O_CLOEXEC)
    child = os.fork()
    if child == 0:
        try:
            attempt()
            told = b""
        except BaseException as error:
            told = _words(error).encode()
        os.write(writer, told)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        told = file.read()
    os.waitpid(child, 0)
    return told.decode() or None


def _words(error: BaseException) -> str:
    """A system call's refusal without its number."""
    if isinstance(error, OSError) and error.strerror:
        return ": ".join(filter(None, (str(error.filename or ""), error.strerror.lower())))
    return str(error) or "failed"


def _make_mount_namespace() -> None:
    from scow.runtime.kernel import linux

    linux.unshare(linux.CLONE_NEWNS)
    linux.mount(None, "/", None, linux.MS_PRIVATE | linux.MS_REC)


def _make_user_namespace() -> None:
    from scow.runtime.kernel import linux

    uid, gid = os.geteuid(), os.getegid()
    linux.unshare(linux.CLONE_NEWUSER)
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def _mount_proc() -> None:
    """The kernel gives a user namespace no new one where container engines have put mounts over parts of theirs."""
    from scow.runtime.kernel import linux

    _make_user_namespace()
    linux.unshare(linux.CLONE_NEWNS | linux.CLONE_NEWPID)
    if refusal := _in_child(lambda: linux.mount("proc", "/proc", "proc")):  # in the first process of the new one
        raise OSError(refusal)


def stacks(directory: Path) -> bool:
    """Whether an overlay can be had on ``directory``'s file system; tried in a child."""
    return trial_of_overlay(directory) is None


def mounts(directory: Path) -> bool:
    """Whether a layer can be mounted as a file of ``directory``'s file system; tried in a child."""
    return probe().rung == 1 and _in_child(lambda: _try_mountable(directory)) is None


def _try_mountable(directory: Path) -> None:
    """Mount a small one under an overlay, in a mount namespace of this process's own. Raises what goes wrong."""
    import tempfile

    from scow.layer.entry import Entry
    from scow.layer.mountable import TAR, Mountable
    from scow.runtime.kernel import linux
    from scow.runtime.launcher import mounting

    with tempfile.TemporaryDirectory(dir=directory) as place:
        names = {name: f"{place}/{name}" for name in ("upper", "work", "merged")}
        for path in names.values():
            os.mkdir(path)
        tree = Path(place) / MOUNTABLE
        tree.mkdir()
        (tree / TAR).write_bytes(b"yes".ljust(512, b"\0"))
        made = Mountable()
        made.add(Entry(b"works", "file", 0o644, size=3, offset=0))
        made.write(tree, 512)
        _make_mount_namespace()
        rootfs = {"lower": [str(tree)], "upper": names["upper"], "work": names["work"], "fleeting": True}
        mounting.mount_rootfs(rootfs, names["merged"], place)
        with open(f"{names['merged']}/works", "rb") as merged:
            answer = merged.read()
        linux.umount(names["merged"])
        linux.umount(f"{place}/lower0")
        if answer != b"yes":
            raise OSError(f"a mounted layer reads {answer!r}")


def _try_overlay(directory: Path, with_user: bool) -> None:
    import tempfile

    from scow.runtime.kernel import linux
    from scow.runtime.launcher import mounting

    with tempfile.TemporaryDirectory(dir=directory) as place:
        names = {name: f"{place}/{name}" for name in ("lower", "upper", "work", "merged")}
        for path in names.values():
            os.mkdir(path)
        if with_user:
            _make_user_namespace()
        _make_mount_namespace()
        rootfs = {"lower": [names["lower"]], "upper": names["upper"], "work": names["work"], "fleeting": False}
        mounting.mount_rootfs(rootfs, names["merged"], place)
        linux.umount(names["merged"])
        # overlayfs leaves a directory without permissions, which an ordinary user must open up to remove
        for left in os.listdir(names["work"]):
            os.chmod(f"{names['work']}/{left}", 0o700)
