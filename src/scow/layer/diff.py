"""What a container wrote: the upper directory of an overlay → the changeset it stands for.

overlayfs marks a deleted path with a 0/0 character device and a replaced directory with an ``opaque`` xattr (kernel
Documentation/filesystems/overlayfs.rst); hard links are found by inode.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, Protocol

from scow.layer.entry import KINDS, Entry
from scow.layer.reach import Reach, lent, opener
from scow.layer.tree import is_whiteout
from scow.layer.view import View

if TYPE_CHECKING:
    from scow.layer.pack import Item

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
    links: dict[tuple[int, int], bytes] = {}
    with Reach(os.fsencode(upper)) as reach:
        for path, status in walk(reach):
            if is_whiteout(status):
                yield Entry(path, "whiteout"), b""
                continue
            made = [item(reach, path, status, owners, links, latest)] if path else []
            if stat.S_ISDIR(status.st_mode) and not _OPAQUE.isdisjoint(_xattrs(reach.place(path))):
                made.append((Entry(path, "opaque"), b""))
            yield from made


def walk(reach: Reach) -> Iterator[tuple[bytes, os.stat_result]]:
    """Everything beneath, sorted, parents first; without sockets, which mean nothing once their process is gone, and
    without what is gone itself by the time that it is looked at."""
    todo = [b""]
    while todo:
        path = todo.pop()
        try:
            status = os.lstat(reach.place(path))
            below = reach.names(path) if stat.S_ISDIR(status.st_mode) else []
        except (FileNotFoundError, NotADirectoryError):
            continue
        if not stat.S_ISSOCK(status.st_mode):
            yield path, status
        todo += reversed(below)


def item(
    reach: Reach,
    path: bytes,
    status: os.stat_result,
    owners: Owners,
    links: dict[tuple[int, int], bytes],
    latest: int | None,
) -> Item:
    """The entry of the file at ``path``, and its content. ``links`` remembers files with several names."""
    kind = KINDS[stat.S_IFMT(status.st_mode)]
    link = os.readlink(reach.place(path)) if kind == "symlink" else b""
    content: bytes | Callable[[], int] = b""
    if status.st_nlink > 1 and kind != "dir":
        first = links.setdefault((status.st_dev, status.st_ino), path)
        if first != path:
            kind, link = "hardlink", first
    if kind == "file":
        content = opener(reach.root, path)
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
        xattrs=_told_xattrs(reach.place(path)),
    ), content


def _told_xattrs(place: bytes) -> tuple[tuple[bytes, bytes], ...]:
    return tuple(sorted((os.fsencode(k), v) for k, v in _xattrs(place).items() if not k.startswith(_OVERLAY)))


def _xattrs(path: bytes) -> dict[str, bytes]:
    try:
        names = os.listxattr(path, follow_symlinks=False)
        try:
            return {name: os.getxattr(path, name, follow_symlinks=False) for name in names}
        except PermissionError:
            with lent(path, 0o400):
                return {name: os.getxattr(path, name, follow_symlinks=False) for name in names}
    except OSError:  # a file system without xattrs
        return {}
