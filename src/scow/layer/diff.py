"""What a container wrote: the upper directory of an overlay → the changeset it stands for.

overlayfs marks a deleted path with a 0/0 character device and a replaced directory with an ``opaque`` xattr (kernel
Documentation/filesystems/overlayfs.rst); hard links are found by inode.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, Protocol

from scow.layer.entry import Entry, Kind
from scow.layer.tree import is_whiteout
from scow.layer.view import View

if TYPE_CHECKING:
    from scow.layer.pack import Item

#: A file's format in its mode → what an entry of it is.
KINDS: Final[dict[int, Kind]] = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "dir",
    stat.S_IFLNK: "symlink",
    stat.S_IFCHR: "char",
    stat.S_IFBLK: "block",
    stat.S_IFIFO: "fifo",
}
_OPAQUE: Final = frozenset({"trusted.overlay.opaque", "user.overlay.opaque"})
_OVERLAY: Final = ("trusted.overlay.", "user.overlay.")


class Owners(Protocol):
    """Whose a file is, in the container's ids."""

    def __call__(self, path: bytes, status: os.stat_result) -> tuple[int, int]: ...


def on_disk(path: bytes, status: os.stat_result) -> tuple[int, int]:
    """The owners that root's trees really have."""
    return status.st_uid, status.st_gid


def remembered(lower: View) -> Owners:
    """Owners where one id is mapped: a file that was there before keeps its own, a new one is root's."""

    def owner(path: bytes, status: os.stat_result) -> tuple[int, int]:
        found = lower.find(path)
        return (found.entry.uid, found.entry.gid) if found else (0, 0)

    return owner


def changes(upper: str, owners: Owners, *, latest: int | None = None) -> Iterator[Item]:
    """The entries of ``upper``, sorted, parents first, with their contents; the root itself is left out.

    ``latest`` (ns) is a ceiling for times, for builds that must come out the same tomorrow.
    """
    with contextlib.ExitStack() as lent:
        yield from _walk(os.fsencode(upper), owners, latest, lent)


def _walk(root: bytes, owners: Owners, latest: int | None, lent: contextlib.ExitStack) -> Iterator[Item]:
    links: dict[tuple[int, int], bytes] = {}
    todo = [b""]
    while todo:
        path = todo.pop()
        full = os.path.join(root, path) if path else root
        status = os.lstat(full)
        if is_whiteout(status):
            yield Entry(path, "whiteout"), b""
            continue
        if stat.S_ISSOCK(status.st_mode):
            continue  # a socket means nothing once its process is gone: no tar can hold it
        if _is_closed(status):  # to an ordinary user, not to the root of its container
            lent.enter_context(_lent(full, 0o500))
        if path:
            yield item(path, full, status, owners, links, latest)
        if stat.S_ISDIR(status.st_mode):
            if not _OPAQUE.isdisjoint(_xattrs(full)):
                yield Entry(path, "opaque"), b""
            todo += sorted((os.path.join(path, name) for name in os.listdir(full)), reverse=True)


def _is_closed(status: os.stat_result) -> bool:
    """Whether a directory's owner cannot look into it."""
    return stat.S_ISDIR(status.st_mode) and status.st_mode & 0o500 != 0o500 and os.geteuid() == status.st_uid != 0


def item(
    path: bytes,
    full: bytes,
    status: os.stat_result,
    owners: Owners,
    links: dict[tuple[int, int], bytes],
    latest: int | None,
) -> Item:
    """The entry of the file at ``full``, and its content. ``links`` remembers files with several names."""
    kind = KINDS[stat.S_IFMT(status.st_mode)]
    link = os.readlink(full) if kind == "symlink" else b""
    content: bytes | Callable[[], int] = b""
    if status.st_nlink > 1 and kind != "dir":
        first = links.setdefault((status.st_dev, status.st_ino), path)
        if first != path:
            kind, link = "hardlink", first
    if kind == "file":
        content = opener(full)
    uid, gid = owners(path, status)
    mtime = status.st_mtime_ns if latest is None else min(status.st_mtime_ns, latest)
    device = kind in ("char", "block")
    return Entry(
        path,
        kind,
        stat.S_IMODE(status.st_mode),
        uid,
        gid,
        status.st_size if kind == "file" else 0,
        mtime,
        link,
        major=os.major(status.st_rdev) if device else 0,
        minor=os.minor(status.st_rdev) if device else 0,
        xattrs=tuple(sorted((os.fsencode(k), v) for k, v in _xattrs(full).items() if not k.startswith(_OVERLAY))),
    ), content


def opener(path: bytes) -> Callable[[], int]:
    """A function that opens ``path`` for reading, following no link, whatever its owner left of its mode."""

    def open_it() -> int:
        try:
            return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except PermissionError:
            with _lent(path, 0o400):
                return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)

    return open_it


@contextlib.contextmanager
def _lent(path: bytes, right: int) -> Iterator[None]:
    """Its owner has ``right`` on ``path``, and may search the directories above it, for the length of the block."""
    with contextlib.ExitStack() as above:
        try:
            mode = stat.S_IMODE(os.lstat(path).st_mode)
        except PermissionError:
            above.enter_context(_lent(os.path.dirname(path), 0o100))
            mode = stat.S_IMODE(os.lstat(path).st_mode)
        os.chmod(path, mode | right)
        try:
            yield
        finally:
            os.chmod(path, mode)


def _xattrs(path: bytes) -> dict[str, bytes]:
    try:
        names = os.listxattr(path, follow_symlinks=False)
        try:
            return {name: os.getxattr(path, name, follow_symlinks=False) for name in names}
        except PermissionError:
            with _lent(path, 0o400):
                return {name: os.getxattr(path, name, follow_symlinks=False) for name in names}
    except OSError:  # a file system without xattrs
        return {}
