"""This directory on PYTHONPATH makes CPython on Linux an imitation of CPython on macOS, for the command's tests.

What is taken away is what typeshed declares for linux and not for darwin; paths of /proc, /sys and /dev/shm are not
there; and what macOS answers otherwise is answered so.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
import resource
import select
import signal
import socket
import stat
import sys
import time
import types
from collections.abc import Callable
from typing import Any

_GONE = ("/proc", "/sys", "/dev/shm", "/dev/fd")  # the last is there, but what it opens shares the other's offset
_BEGINNINGS: dict[types.ModuleType, tuple[str, ...]] = {
    os: (
        "CLONE_", "EFD_", "GRND_", "MFD_", "O_DIRECT\n", "O_LARGEFILE", "O_NOATIME", "O_PATH", "O_RSYNC", "O_TMPFILE",
        "PIDFD_", "POSIX_FADV_", "P_PIDFD", "RWF_", "SCHED_BATCH", "SCHED_IDLE", "SPLICE_", "ST_NO", "ST_RELATIME",
        "TFD_", "XATTR_", "copy_file_range", "eventfd", "fdatasync", "getrandom", "getresgid", "getresuid", "getxattr",
        "listxattr", "memfd_create", "pidfd_open", "pipe2", "posix_fadvise", "posix_fallocate", "removexattr",
        "sched_get", "sched_rr", "sched_set", "setns", "setresgid", "setresuid", "setxattr", "splice", "timerfd_",
        "unshare", "waitid",
    ),
    signal: ("SIGCLD", "SIGPOLL", "SIGPWR", "SIGRT", "SIGSTKFLT", "pidfd_send_signal", "sigtimedwait", "sigwaitinfo"),
    fcntl: ("DN_", "F_ADD_SEALS", "F_EXLCK", "F_GETPIPE_SZ", "F_GET_SEALS", "F_OFD_", "F_SEAL_", "F_SETPIPE_SZ"),
    select: ("EPOLL", "POLLMSG", "POLLRDHUP", "epoll"),
    socket: (
        "AF_ALG", "AF_CAN", "AF_NETLINK", "AF_PACKET", "AF_VSOCK", "MSG_CMSG_CLOEXEC", "NETLINK_", "SOCK_CLOEXEC",
        "SOCK_NONBLOCK", "SO_DOMAIN", "SO_MARK", "SO_PASSCRED", "SO_PEERCRED", "SO_PRIORITY", "SO_PROTOCOL", "TCP_CORK",
        "TCP_DEFER_ACCEPT", "TCP_INFO", "TCP_KEEPIDLE", "TCP_QUICKACK", "TCP_USER_TIMEOUT",
    ),
    resource: ("RLIMIT_MSGQUEUE", "RLIMIT_NICE", "RLIMIT_OFILE", "RLIMIT_RT", "RLIMIT_SIG", "RUSAGE_THREAD", "prlimit"),
    errno: ("EBADE\n", "EBADFD", "ECOMM", "EKEY", "ENOKEY", "ENOMEDIUM", "EREMOTEIO", "ERESTART", "EUCLEAN"),
    time: ("CLOCK_BOOTTIME", "CLOCK_TAI"),
    mmap: ("MADV_DO", "MADV_HUGEPAGE", "MADV_NOHUGEPAGE", "MADV_REMOVE", "MAP_POPULATE", "MAP_STACK"),
}  # fmt: skip
#: functions of the C library that are Linux's alone, or that macOS has with other arguments
_CALLS = ("clone", "fallocate", "mount", "pivot_root", "prctl", "setns", "umount2", "unshare")
#: what makes a name: the places of its arguments that are paths
_MAKERS = {"os.link": (1,), "os.mkdir": (0,), "os.rename": (1,), "os.symlink": (1,)}

_unlink, _sendfile, _library = os.unlink, os.sendfile, ctypes.CDLL.__getattr__


def _take_away(module: types.ModuleType, beginnings: tuple[str, ...]) -> None:
    for name in list(vars(module)):
        if f"{name}\n".startswith(beginnings):
            delattr(module, name)


def _failure(number: int, path: object) -> OSError:
    return OSError(number, os.strerror(number), path)


def _text(path: object) -> str:
    if isinstance(path, (str, bytes, os.PathLike)):
        return os.fsdecode(path)
    return ""


def _refuse_gone(path: object) -> None:
    if any(_text(path) == gone or _text(path).startswith(f"{gone}/") for gone in _GONE):
        raise _failure(errno.ENOENT, path)


def _event(event: str, arguments: tuple[Any, ...]) -> None:
    """macOS has no /proc, and its file systems take names of UTF-8 only."""
    if event in ("open", "os.listdir", "os.scandir", "os.chdir"):
        _refuse_gone(arguments[0])
    made = _MAKERS.get(event, ())
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & os.O_CREAT:
        made = (0,)
    for place in made:
        if any("\udc80" <= letter <= "\udcff" for letter in _text(arguments[place])):
            raise _failure(errno.EILSEQ, arguments[place])


def _looking(call: Callable[..., Any]) -> Callable[..., Any]:
    """``call`` for what the interpreter tells nobody of."""

    def look(path: Any, *arguments: Any, **named: Any) -> Any:
        _refuse_gone(path)
        return call(path, *arguments, **named)

    return look


def _unlink_files(path: Any, *, dir_fd: int | None = None) -> None:
    try:
        _unlink(path, dir_fd=dir_fd)
    except IsADirectoryError:
        raise _failure(errno.EPERM, path) from None


def _sendfile_to_sockets(out: int, source: int, offset: int, count: int, *more: Any, **named: Any) -> int:
    if not stat.S_ISSOCK(os.fstat(out).st_mode):
        raise _failure(errno.ENOTSOCK, None)
    return _sendfile(out, source, offset, count, *more, **named)


def _function(library: ctypes.CDLL, name: str) -> Any:
    if name in _CALLS:
        raise AttributeError(f"dlsym(RTLD_DEFAULT, {name}): symbol not found")
    return types.SimpleNamespace() if name == "syscall" else _library(library, name)  # there, and not to be called


for _module, _names in _BEGINNINGS.items():
    _take_away(_module, _names)
    if _module is os:
        _take_away(sys.modules["posix"], _names)
for _name in ("access", "lstat", "readlink", "stat", "statvfs"):
    setattr(os, _name, _looking(getattr(os, _name)))
os.unlink = os.remove = _unlink_files
os.sendfile = _sendfile_to_sockets  # type: ignore[assignment]
os.uname = lambda: os.uname_result(("Darwin", "mac.local", "24.6.0", "Darwin Kernel Version 24.6.0", "arm64"))
ctypes.CDLL.__getattr__ = _function  # type: ignore[method-assign]
sys.modules["_scproxy"] = types.ModuleType("_scproxy")
vars(sys.modules["_scproxy"]).update(_get_proxies=dict, _get_proxy_settings=dict)
sys.addaudithook(_event)
sys.platform = "darwin"
