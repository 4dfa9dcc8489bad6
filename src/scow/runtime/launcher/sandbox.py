"""The embedded sandbox: one process made into a container's first, from a completed runtime-spec. Light.

It is forked by the launcher's supervisor as process 1 of a new pid namespace; the supervisor already has the root file
system mounted, in a mount namespace that nobody else sees.
"""

from __future__ import annotations

import _socket
import errno
import fcntl
import os
import sys

from scow.runtime.kernel import linux
from scow.runtime.kernel.beneath import open_beneath
from scow.runtime.launcher import chroot
from scow.runtime.launcher.sandbox_mounts import mount_all
from scow.runtime.spec import bpf, capabilities
from scow.runtime.wire import Refused, give

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

NAMESPACES = {
    "ipc": linux.CLONE_NEWIPC, "uts": linux.CLONE_NEWUTS, "mount": linux.CLONE_NEWNS, "network": linux.CLONE_NEWNET,
    "cgroup": linux.CLONE_NEWCGROUP,
}  # fmt: skip

_SIGKILL = 9
_TIOCSCTTY, _TIOCSPTLCK, _TIOCGPTN, _TIOCSWINSZ = 0x540E, 0x40045431, 0x80045430, 0x5414
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1


def become(
    plan: dict[str, Any], executable: str, report: int, console: int | None, show: int | None, own_cgroups: list[str]
) -> None:
    """Turn this process into the container's; returns only by raising (:class:`Refused`, OSError).

    ``report`` stays open until the program is executed; ``console`` is a socket that takes the terminal's master,
    ``show`` one that takes the mount namespace.
    """
    spec, rootless = plan["spec"], plan["rootless"]
    set_limits = limits(spec["process"].get("rlimits", ()))
    _oom_score(spec["process"].get("oomScoreAdj"))
    os.setsid()
    os.umask(0)
    if plan["chroot"]:
        _chroot(spec, console)
    else:
        _isolate(spec, plan["user_namespace"], console, show, own_cgroups)
    set_limits()
    close_all_but(report)
    _working_directory(spec["process"]["cwd"])
    if spec["root"].get("readonly"):  # after the working directory, which may have to be made
        _write_protect()
    identity(spec, rootless, admin=not plan["chroot"])
    if plan["shared"]:  # nothing else ends it with the supervisor then; a change of identity forgets it
        linux.prctl(linux.PR_SET_PDEATHSIG, _SIGKILL)
    execute(executable, spec["process"])


def _isolate(
    spec: dict[str, Any], user_namespace: bool, console: int | None, show: int | None, own_cgroups: list[str]
) -> None:
    _new_namespaces(spec)
    if show is not None:
        give(show, [os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)])
    _sysctls(spec["linux"].get("sysctl", {}))
    root = os.open(spec["root"]["path"], os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    mount_all(spec, root, not user_namespace, own_cgroups)
    if console is not None:
        size = spec["process"].get("consoleSize")
        _name_console(root, open_terminal(root, console, size))
    _enter(root)
    if any(namespace["type"] == "uts" for namespace in spec["linux"]["namespaces"]):
        linux.sethostname(spec["hostname"])


def _chroot(spec: dict[str, Any], console: int | None) -> None:
    if console is not None:
        host = os.open("/", os.O_PATH | os.O_CLOEXEC)
        open_terminal(host, console, spec["process"].get("consoleSize"))
    chroot.enter(os.open(spec["root"]["path"], os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))


def _new_namespaces(spec: dict[str, Any]) -> None:
    kinds = [n["type"] for n in spec["linux"]["namespaces"]]
    flags = 0
    for kind in kinds:
        flags |= NAMESPACES.get(kind, 0)
    linux.unshare(flags)
    linux.mount(None, "/", None, linux.MS_PRIVATE | linux.MS_REC)
    if "network" in kinds:
        _loopback_up()


def _sysctls(settings: dict[str, str]) -> None:
    """Through the host's /proc, which shows every process its own namespaces' settings."""
    for name, value in settings.items():
        try:
            if name == "kernel.domainname":  # the file is the machine's root's, whoever's the namespace is
                linux.setdomainname(value)
                continue
            with open(f"/proc/sys/{name.replace('.', '/')}", "w") as file:
                file.write(value)
        except OSError as error:
            raise Refused("Unsupported", f"cannot be set: {error.strerror}", f"sysctl {name}") from None


def _loopback_up() -> None:
    line = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
    told = fcntl.ioctl(line, _SIOCGIFFLAGS, b"lo".ljust(40, b"\0"))
    flags = int.from_bytes(told[16:18], sys.byteorder) | _IFF_UP
    fcntl.ioctl(line, _SIOCSIFFLAGS, told[:16] + flags.to_bytes(2, sys.byteorder) + told[18:])
    line.close()


def open_terminal(root: int, console: int, size: dict[str, int] | None) -> int:
    """A pty of ``root``'s devpts becomes the controlling terminal and the standard streams; its master goes away."""
    try:
        master = open_beneath(root, "/dev/pts/ptmx", os.O_RDWR | os.O_NOCTTY)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        hint = "something else is mounted on /dev: start it without a terminal (-t)"
        raise Refused("Unsupported", "gives no terminal", "/dev/pts", hint) from None
    fcntl.ioctl(master, _TIOCSPTLCK, bytes(4))
    number = int.from_bytes(fcntl.ioctl(master, _TIOCGPTN, bytes(4)), sys.byteorder)
    slave = open_beneath(root, f"/dev/pts/{number}", os.O_RDWR | os.O_NOCTTY)
    if size:
        rows, columns = (size[k].to_bytes(2, sys.byteorder) for k in ("height", "width"))
        fcntl.ioctl(slave, _TIOCSWINSZ, rows + columns + bytes(4))
    fcntl.ioctl(slave, _TIOCSCTTY, 0)
    for stream in (0, 1, 2):
        os.dup2(slave, stream)
    give(console, [master])
    os.close(master)
    return slave


def _name_console(root: int, slave: int) -> None:
    """runtime-spec: /dev/console is the terminal, when there is one."""
    at = open_beneath(root, "/dev", os.O_RDONLY | os.O_DIRECTORY)
    try:  # noqa: SIM105 -- contextlib is not loaded here
        os.close(os.open("console", os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600, dir_fd=at))
    except FileExistsError:  # in a /dev that somebody mounts; the host's has one
        pass
    os.close(at)
    place = open_beneath(root, "/dev/console", os.O_PATH)
    linux.mount(f"/proc/self/fd/{slave}", f"/proc/self/fd/{place}", None, linux.MS_BIND)
    os.close(place)


def _enter(root: int) -> None:
    os.fchdir(root)
    linux.pivot_root(".", ".")
    linux.umount(".", linux.MNT_DETACH)
    os.chdir("/")


def _write_protect() -> None:
    """The root directory's mount, and nothing on it."""
    here = os.open("/", os.O_PATH | os.O_CLOEXEC)
    try:
        linux.mount_setattr(here, linux.MOUNT_ATTR_RDONLY)
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
        linux.mount(None, "/", None, linux.MS_BIND | linux.MS_REMOUNT | linux.MS_RDONLY)
    os.close(here)


_RLIMIT_LOCKS = 10  # the one that Python has no name for


def limits(rlimits: list[dict[str, Any]]) -> Callable[[], None]:
    """How to set them; what it takes is imported now, while the interpreter's files can be seen."""
    if not rlimits:
        return lambda: None
    import resource

    def apply() -> None:
        for limit in rlimits:
            name = limit["type"].removeprefix("RLIMIT_").lower()
            soft, hard = (-1 if limit[k] >= 2**63 else limit[k] for k in ("soft", "hard"))
            try:
                resource.setrlimit(getattr(resource, limit["type"], _RLIMIT_LOCKS), (soft, hard))
            except (ValueError, PermissionError):
                hint = "ask for no more than `ulimit -H` tells"
                raise Refused("Denied", "may not be raised here", f"ulimit {name}", hint) from None

    return apply


def _oom_score(value: int | None) -> None:
    """While the host's /proc is still here."""
    if value is None:
        return
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write(str(value))
    except PermissionError:
        raise Refused("Denied", "may not be lowered here", "oom score adj", "it takes CAP_SYS_RESOURCE") from None


def close_all_but(report: int) -> None:
    """Before the working directory: no descriptor of the outside may be reachable through /proc/self/fd."""
    linux.close_range(3, report - 1)
    linux.close_range(report + 1, (1 << 31) - 1)


def _working_directory(path: str) -> None:
    os.umask(0o022)
    try:
        os.makedirs(path, exist_ok=True)
        os.chdir(path)
        here = os.getcwd()
    except OSError as error:
        raise Refused("Invalid", f"chdir to cwd: {error.strerror}", path) from None
    if not here.startswith("/"):
        raise Refused("Denied", "the working directory is outside the container", path)


def identity(spec: dict[str, Any], rootless: bool, admin: bool) -> None:
    """Give up what the container may not have: keyring, capabilities, system calls, ids."""
    process = spec["process"]
    user = process["user"]
    uid, gid = user["uid"], user["gid"]
    if rootless and (uid or gid):
        _rename_ids(uid, gid)
    linux.seal()  # from here on it holds no more than the container's own, whose interpreter may be the user's to write
    try:  # noqa: SIM105 -- contextlib is not loaded here
        linux.new_session_keyring()
    except OSError:
        pass  # a kernel without keyrings has none to leave
    held = process["capabilities"]
    bounding = capabilities.mask(held["bounding"])
    for number in range(len(capabilities.NAMES)):
        if not bounding >> number & 1:
            _drop(number)
    linux.prctl(linux.PR_CAP_AMBIENT, linux.PR_CAP_AMBIENT_CLEAR_ALL)
    # A filter needs CAP_SYS_ADMIN or this; and nothing under a chroot should gain what it does not hold.
    if process.get("noNewPrivileges") or not admin:
        linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
    _filter(spec["linux"].get("seccomp"))
    if not rootless:
        _set_groups(user.get("additionalGids", []))
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    if uid == 0:
        linux.capset(capabilities.mask(held["effective"]), capabilities.mask(held["permitted"]))


def _set_groups(groups: list[int]) -> None:
    try:
        os.setgroups(groups)
    except PermissionError:  # in a user namespace with one id: there nobody can leave the groups that it has
        if not {0}.issuperset(groups):
            raise


def _rename_ids(uid: int, gid: int) -> None:
    """One id is all there is: show it as the one that was asked for, in a user namespace of its own."""
    linux.seal(False)  # its maps are nobody's to write otherwise
    linux.unshare(linux.CLONE_NEWUSER)
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} 0 1"), ("gid_map", f"{gid} 0 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def _drop(number: int) -> None:
    try:
        linux.prctl(linux.PR_CAPBSET_DROP, number)
    except OSError as error:
        if error.errno != errno.EINVAL:  # EINVAL: a kernel older than this capability
            raise


def _filter(profile: dict[str, Any] | None) -> None:
    machine = os.uname().machine
    if profile is not None and machine in bpf.HOSTS:
        linux.seccomp(bpf.program(profile, machine))


def execute(executable: str, process: dict[str, Any]) -> None:
    """Become the program; returns only by raising :class:`Refused`."""
    environment = dict(entry.partition("=")[::2] for entry in process["env"])
    try:
        os.execve(executable, process["args"], environment)  # noqa: S606
    except OSError as error:
        code = 127 if error.errno in (errno.ENOENT, errno.ENOTDIR) else 126
        why = f'exec: "{process["args"][0]}": {str(error.strerror).lower()}: unknown'
        raise Refused("Process", why, exit_code=code) from None
