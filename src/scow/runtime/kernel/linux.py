"""The kernel's calls that Python 3.11 has no name for, through ctypes; every failure is an OSError.

Usable in a child right after fork: nothing here imports on use.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import struct

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_NOATIME, MS_NODIRATIME, MS_BIND, MS_REC = 32, 1024, 2048, 4096, 16384
MS_PRIVATE, MS_SLAVE, MS_RELATIME, MS_STRICTATIME = 1 << 18, 1 << 19, 1 << 21, 1 << 24
MNT_DETACH = 2

MOUNT_ATTR_RDONLY, MOUNT_ATTR_NODEV = 1, 4

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 4, 24, 38
PR_SET_SECCOMP, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 22, 47, 4
SECCOMP_MODE_FILTER = 2

RESOLVE_NO_MAGICLINKS, RESOLVE_IN_ROOT = 0x02, 0x10
AT_EMPTY_PATH, AT_RECURSIVE = 0x1000, 0x8000
FSOPEN_CLOEXEC, FSMOUNT_CLOEXEC, MOVE_MOUNT_F_EMPTY_PATH = 1, 1, 4
FSCONFIG_SET_FLAG, FSCONFIG_SET_STRING, FSCONFIG_CMD_CREATE = 0, 1, 6

OPEN_TREE_CLONE, OPEN_TREE_CLOEXEC = 1, os.O_CLOEXEC

# One number on every machine: these calls came after the tables were joined.
_OPEN_TREE, _MOVE_MOUNT, _FSOPEN, _FSCONFIG, _FSMOUNT, _OPENAT2, _MOUNT_SETATTR = 428, 429, 430, 431, 432, 437, 442
_CLOSE_RANGE = 436
_KEYCTL = {"x86_64": 250, "aarch64": 219, "riscv64": 219, "loongarch64": 219, "ppc64le": 271, "s390x": 280}
_KEYCTL_JOIN_SESSION_KEYRING = 1
_CAP_VERSION_3 = 0x20080522
_NS_GET_USERNS = 0xB701

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
    return result


def _syscall(what: str, number: int, *arguments: object) -> int:
    wide = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return _checked(int(_libc.syscall(ctypes.c_long(number), *wide)), what)


def _path(path: str | None) -> bytes | None:
    return None if path is None else os.fsencode(path)


def unshare(flags: int) -> None:
    """unshare(2)."""
    _checked(_libc.unshare(flags), "unshare")


def setns(fd: int, flags: int) -> None:
    """setns(2)."""
    _checked(_libc.setns(fd, flags), "setns")


def owner(namespace: int) -> int:
    """A descriptor of the user namespace that a namespace belongs to (ioctl_ns(2)); denied when it is above ours."""
    return fcntl.ioctl(namespace, _NS_GET_USERNS)


def mount(source: str | None, target: str, fstype: str | None, flags: int = 0, data: str = "") -> None:
    """mount(2); ``data`` is the comma-joined option string."""
    _checked(
        _libc.mount(
            _path(source), _path(target), _path(fstype), ctypes.c_ulong(flags), os.fsencode(data) if data else None
        ),
        f"mount {fstype or 'bind'} on {target}",
    )


def umount(target: str, flags: int = 0) -> None:
    """umount2(2)."""
    _checked(_libc.umount2(_path(target), flags), f"umount {target}")


def pivot_root(new: str, old: str) -> None:
    """pivot_root(2)."""
    _checked(_libc.pivot_root(_path(new), _path(old)), "pivot_root")


def prctl(operation: int, *arguments: object) -> int:
    """prctl(2)."""
    wide = [ctypes.c_ulong(a) if isinstance(a, int) else a for a in arguments]
    wide += [ctypes.c_ulong(0)] * (4 - len(wide))
    return _checked(_libc.prctl(operation, *wide), f"prctl {operation}")


def seal(closed: bool = True) -> None:
    """Nobody with no more rights than this process may look into it, until it is another program."""
    prctl(PR_SET_DUMPABLE, int(not closed))


def setdomainname(name: str) -> None:
    """setdomainname(2)."""
    raw = name.encode()
    _checked(_libc.setdomainname(raw, ctypes.c_size_t(len(raw))), "setdomainname")


def sethostname(name: str) -> None:
    """sethostname(2)."""
    raw = name.encode()
    _checked(_libc.sethostname(raw, ctypes.c_size_t(len(raw))), "sethostname")


def capset(effective: int, permitted: int) -> None:
    """Set this thread's capabilities, none of them inheritable; the arguments are bit masks over their numbers."""
    header = (ctypes.c_uint32 * 2)(_CAP_VERSION_3, 0)
    low = 0xFFFFFFFF
    sets = (ctypes.c_uint32 * 6)(effective & low, permitted & low, 0, effective >> 32, permitted >> 32, 0)
    _checked(_libc.capset(header, sets), "capset")


def seccomp(program: bytes) -> None:
    """Install a filter: ``program`` is an array of ``struct sock_filter``. Needs no_new_privs or CAP_SYS_ADMIN."""
    code = ctypes.create_string_buffer(program, len(program))
    told = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))  # a Structure would load its layout by now
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.c_char_p(told))


def openat2(directory: int, path: str, flags: int, resolve: int) -> int:
    """openat2(2) of what is there; a descriptor."""
    how = (ctypes.c_uint64 * 3)(flags | os.O_CLOEXEC, 0, resolve)
    return _syscall(f"open {path}", _OPENAT2, directory, ctypes.c_char_p(os.fsencode(path)), how, 24)


def fsopen(fstype: str) -> int:
    """fsopen(2); a descriptor."""
    return _syscall("fsopen", _FSOPEN, ctypes.c_char_p(fstype.encode()), FSOPEN_CLOEXEC)


def fsconfig(fd: int, key: str, value: str | None = None) -> None:
    """Set an option: a flag when ``value`` is None."""
    command = FSCONFIG_SET_FLAG if value is None else FSCONFIG_SET_STRING
    told = None if value is None else ctypes.c_char_p(os.fsencode(value))
    _syscall(f"fsconfig {key}", _FSCONFIG, fd, command, ctypes.c_char_p(key.encode()), told, 0)


def fscreate(fd: int) -> None:
    """fsconfig(2) with FSCONFIG_CMD_CREATE."""
    _syscall("fsconfig create", _FSCONFIG, fd, FSCONFIG_CMD_CREATE, None, None, 0)


def fsmount(fd: int, attributes: int) -> int:
    """fsmount(2); a descriptor."""
    return _syscall("fsmount", _FSMOUNT, fd, FSMOUNT_CLOEXEC, attributes)


def open_tree(path: str) -> int:
    """A copy of the mount that ``path`` is on, with ``path`` as its root, attached nowhere."""
    flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC
    return _syscall("open_tree", _OPEN_TREE, -100, ctypes.c_char_p(os.fsencode(path)), flags)


def move_mount(fd: int, target: str) -> None:
    """Attach a detached mount at ``target``."""
    at = -100  # AT_FDCWD
    name = ctypes.c_char_p(os.fsencode(target))
    _syscall("move_mount", _MOVE_MOUNT, fd, ctypes.c_char_p(b""), at, name, MOVE_MOUNT_F_EMPTY_PATH)


def mount_setattr(fd: int, add: int, recursive: bool = False) -> None:
    """Give the mount ``fd`` is on more attributes."""
    attributes = (ctypes.c_uint64 * 4)(add, 0, 0, 0)
    flags = AT_EMPTY_PATH | (AT_RECURSIVE if recursive else 0)
    _syscall("mount_setattr", _MOUNT_SETATTR, fd, ctypes.c_char_p(b""), flags, attributes, 32)


def close_range(first: int, last: int) -> None:
    """Close every descriptor from ``first`` to ``last``, both included."""
    if first > last:
        return
    try:
        _syscall("close_range", _CLOSE_RANGE, first, last, 0)
    except OSError:  # before 5.9
        os.closerange(first, min(last + 1, os.sysconf("SC_OPEN_MAX")))


def new_session_keyring() -> None:
    """Leave the caller's session keyring; OSError where the kernel has no keyrings."""
    number = _KEYCTL.get(os.uname().machine)
    if number is not None:
        _syscall("keyctl", number, _KEYCTL_JOIN_SESSION_KEYRING, None)
