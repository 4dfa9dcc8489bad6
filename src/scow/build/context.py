"""The build context: a directory seen through ``.dockerignore``, hashed only where it changed.

A file's digest is remembered with its size, times and inode; a file whose times are too close to the moment of hashing
could have changed unseen and is hashed again next time (as git's index does).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from scow.dockerfile.ignore import Patterns
from scow.errors import Conflict, NotFound
from scow.files import read, renew
from scow.layer.entry import KINDS, Entry
from scow.oci.known import known

if TYPE_CHECKING:
    from scow.layer.pack import Content

_RACY: Final = 50_000_000  # ns: coarser than any kernel's clock tick
_READ: Final = 1 << 20


class _Known(msgspec.Struct, frozen=True, array_like=True):
    """A file as it was when it was hashed, and when that was."""

    size: int
    mtime: int
    ctime: int
    inode: int
    hashed: int
    digest: bytes


class Context:
    """The files below ``root`` that ``ignored`` leaves. ``memory`` is a file that remembers digests between builds."""

    def __init__(self, root: Path, ignored: Patterns, memory: Path | None = None) -> None:
        self._root = os.fsencode(root)
        self._ignored = ignored
        self._memory = memory
        self._status: dict[bytes, os.stat_result] = {}
        self._entries: dict[bytes, Entry] = {}
        self._children: dict[bytes, list[bytes]] = {}  # of directories that were listed: none of it is ignored
        self._digests: dict[bytes, bytes] = {}  # found out in this build
        self._began = time.time_ns()  # before any file is looked at
        self._known = self._remembered()
        self._changed = False
        if not root.is_dir():
            raise NotFound("build context is not a directory", subject=str(root))

    def find(self, path: bytes) -> Entry | None:
        """What lies at ``path``, unless it is ignored (a directory that holds an exception is there)."""
        found = self._entries.get(path)
        if found:
            return found
        status = self._status.get(path)
        if status is None:
            try:
                status = os.lstat(self._full(path))
            except (FileNotFoundError, NotADirectoryError):
                return None
            if path and self._hidden(path, directory=stat.S_ISDIR(status.st_mode)):
                return None
            self._status[path] = status
        found = self._entry(path, status)
        if found:
            self._entries[path] = found
        return found

    def children(self, path: bytes) -> list[bytes]:
        """The paths right below a directory, sorted."""
        found = self._children.get(path)
        if found is None:
            found = self._children[path] = self._listed(path)
        return found

    def _listed(self, path: bytes) -> list[bytes]:
        ignored, prefix = self._ignored.beneath(os.fsdecode(path)), path + b"/" if path else b""
        status = self._status
        seen = []
        with os.scandir(self._full(path)) as found:
            for entry in found:
                name = entry.name
                child = prefix + name
                text = name.decode("utf-8", "surrogateescape")  # os.fsdecode, which is called for each file
                if ignored(text) and not self._kept(child, entry.is_dir(follow_symlinks=False)):
                    continue
                try:
                    status[child] = entry.stat(follow_symlinks=False)
                except FileNotFoundError:  # gone since
                    continue
                seen.append(child)
        seen.sort()
        return seen

    def content(self, entry: Entry) -> Content:
        """The file's bytes; opening raises :class:`Conflict` when the file changed since it was looked at."""
        full, path = self._full(entry.path), entry.path

        def open_it() -> int:
            fd = os.open(full, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            if not _same(os.fstat(fd), self._status[path]):
                os.close(fd)
                raise Conflict("file changed during the build", subject=entry.text)
            return fd

        return open_it

    def digest(self, entry: Entry) -> bytes:
        """The raw sha256 of a file's content."""
        found = self._digests.get(entry.path)
        if found:
            return found
        known = self._known.get(entry.path)
        if known and _unchanged(known, self._status[entry.path]):
            return known.digest
        digest = _hash(self.content(entry))
        self.learn(entry, digest)
        return digest

    def learn(self, entry: Entry, digest: bytes) -> None:
        """Somebody who read the file says what its digest is."""
        status = self._status[entry.path]
        known = _Known(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, self._began, digest)
        self._digests[entry.path] = digest
        self._known[entry.path] = known
        self._changed = True

    def identity(self, entry: Entry) -> object | None:
        """The same for all names of one file; ``None`` for a file with one name."""
        status = self._status[entry.path]
        return (status.st_dev, status.st_ino) if status.st_nlink > 1 else None

    def remember(self) -> None:
        """Write down the digests for the next build. Losing them costs time only."""
        if not self._memory or not self._changed:
            return
        with contextlib.suppress(OSError):
            self._memory.parent.mkdir(parents=True, exist_ok=True)
            renew(self._memory, msgspec.msgpack.encode(self._known))

    def _remembered(self) -> dict[bytes, _Known]:
        if self._memory:
            with contextlib.suppress(OSError, msgspec.DecodeError):
                return msgspec.msgpack.decode(read(self._memory), type=known(dict[bytes, _Known]))
        return {}

    def _hidden(self, path: bytes, *, directory: bool) -> bool:
        return self._ignored.ignores(os.fsdecode(path)) and not self._kept(path, directory)

    def _kept(self, path: bytes, directory: bool) -> bool:
        """Whether an ignored path is a directory that holds an exception."""
        return directory and self._ignored.may_hold_exception(os.fsdecode(path)) and bool(self.children(path))

    def _full(self, path: bytes) -> bytes:
        return self._root + b"/" + path if path else self._root

    def _entry(self, path: bytes, status: os.stat_result) -> Entry | None:
        mode = status.st_mode
        kind = KINDS.get(stat.S_IFMT(mode))
        if kind == "file":  # nearly always
            return Entry(path, kind, mode & 0o7777, 0, 0, status.st_size)
        if kind is None:
            return None  # a socket
        device = kind in ("char", "block")
        return Entry(
            path,
            kind,
            mode & 0o7777,
            link=os.readlink(self._full(path)) if kind == "symlink" else b"",
            major=os.major(status.st_rdev) if device else 0,
            minor=os.minor(status.st_rdev) if device else 0,
        )


def _same(now: os.stat_result, then: os.stat_result) -> bool:
    return (now.st_ino, now.st_size, now.st_mtime_ns) == (then.st_ino, then.st_size, then.st_mtime_ns)


def _unchanged(known: _Known, status: os.stat_result) -> bool:
    return (
        known.mtime == status.st_mtime_ns
        and known.size == status.st_size
        and known.ctime == status.st_ctime_ns
        and known.inode == status.st_ino
        and known.mtime + _RACY < known.hashed
        and known.ctime + _RACY < known.hashed
    )


def _hash(content: Content) -> bytes:
    assert not isinstance(content, bytes)  # noqa: S101 - files are opened
    opened: Callable[[], int] = content
    digest = hashlib.sha256()
    fd = opened()
    try:
        while data := os.read(fd, _READ):
            digest.update(data)
    finally:
        os.close(fd)
    return digest.digest()
