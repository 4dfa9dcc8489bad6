"""What a process may do to the files it makes. What it may not, the index remembers."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final, Protocol

from scow.held import held
from scow.layer.entry import FORMATS, Entry

_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_ALL_IDS: Final = 65_536  # what images use; a container of another tool has that many
_OVER_FILES: Final = 1 << 0 | 1 << 1 | 1 << 3  # CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER
_MACHINE: Final = 0xEFFFFFFD  # the inode of the user namespace that the kernel starts with (PROC_USER_INIT_INO)
#: A tree of this name is files to mount (:mod:`scow.layer.mountable`); every other one is a plain directory.
MOUNTABLE: Final = "erofs"
#: overlayfs' names for the mark of a directory that hides what lies below it.
OPAQUE: Final = (b"trusted.overlay.opaque", b"user.overlay.opaque")


class Rights(Protocol):
    """What the process may do to a file it made. ``name`` tells trees made with different rights apart."""

    @property
    def name(self) -> str:
        """``privileged``, ``mapped`` or ``ordinary``."""
        ...

    @property
    def opaque_xattrs(self) -> tuple[bytes, ...]:
        """The names under which this process may mark a directory opaque."""
        ...

    def own(self, fd: int, entry: Entry) -> bool:
        """Give the file its owner; true when that was a call (which clears setuid bits)."""
        ...

    def own_link(self, name: bytes, fd: int, entry: Entry) -> None:
        """Give a symlink or device its owner."""
        ...

    def device(self, name: bytes, fd: int, entry: Entry) -> None:
        """Make a device node."""
        ...


class Privileged:
    """The machine's root, with every id there is."""

    name = "privileged"
    opaque_xattrs: tuple[bytes, ...] = OPAQUE

    def own(self, fd: int, entry: Entry) -> bool:
        """As the image says; a new file's group is its directory's where that is setgid."""
        status = os.fstat(fd)
        if (entry.uid, entry.gid) == (status.st_uid, status.st_gid):
            return False
        os.fchown(fd, entry.uid, entry.gid)
        return True

    def own_link(self, name: bytes, fd: int, entry: Entry) -> None:
        """As the image says."""
        os.chown(name, entry.uid, entry.gid, dir_fd=fd, follow_symlinks=False)

    def device(self, name: bytes, fd: int, entry: Entry) -> None:
        """A real node; where the kernel forbids even root (a user namespace), a placeholder."""
        try:
            os.mknod(name, FORMATS[entry.kind] | 0o600, os.makedev(entry.major, entry.minor), dir_fd=fd)
        except PermissionError:
            os.close(os.open(name, _NEW, 0o600, dir_fd=fd))


class Mapped(Privileged):
    """root of a user namespace with a range of ids: every owner, but no devices, and xattrs of its own. It may be one
    that scow entered, or that of a container or a pod which scow is in."""

    name = "mapped"
    opaque_xattrs = (b"user.overlay.opaque",)


class Ordinary:
    """Any other user: one id, no devices. The index keeps what the image said."""

    name = "ordinary"
    opaque_xattrs = (b"user.overlay.opaque",)

    def own(self, fd: int, entry: Entry) -> bool:
        """Everything is the user's own."""
        return False

    def own_link(self, name: bytes, fd: int, entry: Entry) -> None:
        """Everything is the user's own."""

    def device(self, name: bytes, fd: int, entry: Entry) -> None:
        """An empty file holds the place."""
        os.close(os.open(name, _NEW, 0o600, dir_fd=fd))


def is_opaque(path: Path) -> bool:
    """Whether overlayfs' mark says that a directory hides what lies below it."""
    for name in OPAQUE:
        with contextlib.suppress(OSError):
            if os.getxattr(path, name) == b"y":
                return True
    return False


def rights() -> Rights:
    """What this process has. root with few ids, or without the rights over others' files, is an ordinary user by
    another name."""
    if os.geteuid() != 0:
        return Ordinary()
    if sum(_spans()) < _ALL_IDS or not _rules():
        return Ordinary()
    return Mapped() if in_user_namespace() else Privileged()


def in_user_namespace() -> bool:
    """Whether this process is in another user namespace than the machine's own."""
    with contextlib.suppress(OSError):  # a kernel without them, or no /proc
        return os.stat("/proc/self/ns/user").st_ino != _MACHINE
    return False


def _rules() -> bool:
    """Whether this process may give files away, and still use those of others: a pod's root may have no capability."""
    return held() & _OVER_FILES == _OVER_FILES


def _spans() -> list[int]:
    """How many user ids this process can give away, range by range."""
    try:
        with open("/proc/self/uid_map", encoding="utf-8") as table:
            return [int(line.split()[2]) for line in table]
    except OSError:
        return [_ALL_IDS]
