"""Writing a layer's tree: beneath one directory, by descriptors, following no link.

:class:`Tree` is the shape. :class:`OverlayTree` writes one layer for overlayfs to stack (a whiteout is a 0/0 character
device, an opaque directory an xattr: kernel Documentation/filesystems/overlayfs.rst). :class:`NoTree` writes nothing,
for whoever wants the index only. What an ordinary user may not do (owners, devices, privileged xattrs) is another
:class:`~scow.layer.rights.Rights`, not an ``if``: the index remembers what was meant.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol

from scow.errors import Invalid
from scow.layer.entry import Entry
from scow.layer.removal import remove_at
from scow.layer.rights import Rights
from scow.layer.sparse import Map

_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN_DIRECTORIES: Final = 48
_OPEN_PARENTS: Final = 16
_NO_XATTR: Final = {errno.ENOTSUP, errno.EPERM, errno.EACCES, errno.EINVAL, errno.ENODATA, errno.ERANGE, errno.E2BIG}


class Content(Protocol):
    """A file's bytes as pieces with their offsets; ``map`` says where they lie when there are holes."""

    @property
    def map(self) -> Map | None:
        """Where the bytes lie, when there are holes."""
        ...

    def pieces(self) -> Iterator[tuple[int, memoryview]]:
        """``(offset, bytes)``, in order."""
        ...


class Tree(Protocol):
    """What :func:`scow.layer.apply.apply` writes to. Paths are clean, their parents real directories."""

    def directory(self, entry: Entry) -> None:
        """Make or keep a directory."""
        ...

    def file(self, entry: Entry, body: Content) -> bytes:
        """Write a file; returns its raw sha256, ``b""`` when it has holes or nobody looked."""
        ...

    def symlink(self, entry: Entry) -> None:
        """Make a symlink."""
        ...

    def hardlink(self, entry: Entry) -> None:
        """Link to a file of the tree."""
        ...

    def special(self, entry: Entry) -> None:
        """Make a device or FIFO."""
        ...

    def whiteout(self, entry: Entry) -> None:
        """Hide what lies below this layer at the path."""
        ...

    def opaque(self, entry: Entry) -> None:
        """Hide what lies below this layer in a directory."""
        ...

    def finish(self) -> None:
        """Every entry was handed over."""
        ...


class NoTree:
    """Looks at everything, writes nothing."""

    def directory(self, entry: Entry) -> None:
        """Nothing."""

    symlink = hardlink = special = whiteout = opaque = directory

    def file(self, entry: Entry, body: Content) -> bytes:
        """The content's raw sha256; ``b""`` for a sparse file."""
        if body.map:
            return b""
        digest = hashlib.sha256()
        for _, piece in body.pieces():
            digest.update(piece)
        return digest.digest()

    def finish(self) -> None:
        """Nothing."""


class OverlayTree:
    """One layer by itself, for overlayfs to stack."""

    def __init__(self, root: str | os.PathLike[str], may: Rights) -> None:
        self._may = may
        self._open: dict[bytes, int] = {}
        self._metadata: dict[bytes, Entry] = {}
        self._masked = _umask() | 0o7000
        self._root = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def close(self) -> None:
        """Let go of every descriptor; files stay as they are."""
        for fd in self._open.values():
            os.close(fd)
        self._open.clear()
        if self._root >= 0:
            os.close(self._root)
            self._root = -1

    def directory(self, entry: Entry) -> None:
        """Make or keep the directory; owner, mode and time wait for :meth:`finish`."""
        self._trim()
        if entry.path:
            parent, name = self._locate(entry.path)
            try:
                os.mkdir(name, 0o755, dir_fd=parent)
            except FileExistsError:
                self._keep_directory(entry.path, name, parent)
        self._metadata[entry.path] = entry

    def file(self, entry: Entry, body: Content) -> bytes:
        """Write the content; returns its raw sha256, ``b""`` for a sparse file."""
        self._trim()
        parent, name = self._locate(entry.path)
        try:
            fd = os.open(name, _NEW, entry.mode & 0o777, dir_fd=parent)
        except FileExistsError:
            self.remove(entry.path)
            fd = os.open(name, _NEW, entry.mode & 0o777, dir_fd=parent)
        try:
            digest = _write_sparse(fd, entry, body) if body.map else _write(fd, body)
            if self._may.own(fd, entry) or entry.mode & self._masked:
                os.fchmod(fd, entry.mode)
            if entry.xattrs:
                _set_xattrs(fd, entry)
            os.utime(fd, ns=(entry.mtime, entry.mtime))
        finally:
            os.close(fd)
        return digest

    def symlink(self, entry: Entry) -> None:
        """Make the link; where it points is nobody's business here."""
        self._trim()
        parent, name = self._locate(entry.path)
        self._replacing(entry.path, lambda: os.symlink(entry.link, name, dir_fd=parent))
        self._may.own_link(name, parent, entry)
        os.utime(name, ns=(entry.mtime, entry.mtime), dir_fd=parent, follow_symlinks=False)

    def hardlink(self, entry: Entry) -> None:
        """Link to a file of this tree; one that is not there is left to whoever stacks the layers."""
        self._trim()
        parent, name = self._locate(entry.path)

        def link() -> None:
            source, old = self._locate(entry.link, make=False)
            os.link(old, name, src_dir_fd=source, dst_dir_fd=parent, follow_symlinks=False)

        try:
            self._replacing(entry.path, link)
        except (FileNotFoundError, NotADirectoryError):
            pass  # it lies below this layer
        except (IsADirectoryError, PermissionError) as error:
            raise Invalid(f"hard link to what cannot be linked: {error.strerror}", subject=entry.text) from None

    def special(self, entry: Entry) -> None:
        """A device or a FIFO."""
        self._trim()
        parent, name = self._locate(entry.path)
        if entry.kind == "fifo":
            self._replacing(entry.path, lambda: os.mkfifo(name, 0o600, dir_fd=parent))
        else:
            self._replacing(entry.path, lambda: self._may.device(name, parent, entry))
        self._may.own_link(name, parent, entry)
        os.chmod(name, entry.mode, dir_fd=parent)
        os.utime(name, ns=(entry.mtime, entry.mtime), dir_fd=parent, follow_symlinks=False)

    def whiteout(self, entry: Entry) -> None:
        """Hide the path of the layers below, but nothing of this one."""
        self._trim()
        parent, name = self._locate(entry.path)
        try:
            os.mknod(name, stat.S_IFCHR, os.makedev(0, 0), dir_fd=parent)
            self._has_whiteouts(parent)
        except FileExistsError:
            if stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
                self._replaced(self._directory(entry.path))

    def opaque(self, entry: Entry) -> None:
        """Hide what the layers below have in this directory."""
        self._replaced(self._directory(entry.path))

    def finish(self) -> None:
        """Directories get their owner, mode, xattrs and time, the deepest first."""
        for path in sorted(self._metadata, reverse=True):
            entry = self._metadata[path]
            self._trim()
            fd = self._directory(path)
            self._may.own(fd, entry)
            os.fchmod(fd, entry.mode)
            if entry.xattrs:
                _set_xattrs(fd, entry)
            os.utime(fd, ns=(entry.mtime, entry.mtime))
        self.close()

    def remove(self, path: bytes) -> None:
        """Remove what lies at ``path``, whole."""
        for known in [known for known in self._open if known == path or known.startswith(path + b"/")]:
            os.close(self._open.pop(known))
        for known in [known for known in self._metadata if known == path or known.startswith(path + b"/")]:
            del self._metadata[known]
        parent, name = self._locate(path)
        remove_at(parent, name)

    def _keep_directory(self, path: bytes, name: bytes, parent: int) -> None:
        if not stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
            self.remove(path)
            os.mkdir(name, 0o755, dir_fd=parent)
            self._replaced(self._directory(path))

    def _replacing(self, path: bytes, make: Callable[[], None]) -> None:
        try:
            make()
        except FileExistsError:
            self.remove(path)
            make()

    def _locate(self, path: bytes, *, make: bool = True) -> tuple[int, bytes]:
        parent, _, name = path.rpartition(b"/")
        return self._directory(parent, make=make), name

    def _directory(self, path: bytes, *, make: bool = True) -> int:
        """A descriptor of the directory; with ``make``, made when it is not there (an implicit parent)."""
        if not path:
            return self._root
        fd = self._open.get(path)
        return fd if fd is not None else self._walk(path, self._enter if make else _enter)

    def _walk(self, path: bytes, enter: Callable[[int, bytes], int]) -> int:
        """Open ``path`` from its nearest open ancestor on, a component at a time; the last few stay open."""
        ancestor = path.rpartition(b"/")[0]
        while ancestor and ancestor not in self._open:
            ancestor = ancestor.rpartition(b"/")[0]
        above = self._open.get(ancestor, self._root)
        at, kept = ancestor, True
        names = path[len(ancestor) :].strip(b"/").split(b"/")
        for left, name in zip(range(len(names) - 1, -1, -1), names, strict=True):
            try:
                fd = enter(above, name)
            finally:
                if not kept:
                    os.close(above)
            at = at + b"/" + name if at else name
            above, kept = fd, left < _OPEN_PARENTS
            if kept:
                self._open[at] = fd
        return above

    def _enter(self, above: int, name: bytes) -> int:
        try:
            return _enter(above, name)
        except FileNotFoundError:
            pass
        except OSError as error:
            if error.errno not in (errno.ENOTDIR, errno.ELOOP):
                raise
            remove_at(above, name)
            os.mkdir(name, 0o755, dir_fd=above)
            fd = _enter(above, name)
            self._replaced(fd)
            return fd
        os.mkdir(name, 0o755, dir_fd=above)
        return _enter(above, name)

    def _has_whiteouts(self, fd: int) -> None:
        """Where no layer below has the directory, overlayfs looks for whiteouts only if it seems to be copied up."""
        self._mark(fd, [name.replace(b"opaque", b"origin") for name in self._may.opaque_xattrs], b"")

    def _mark(self, fd: int, names: Sequence[bytes], value: bytes) -> None:
        """Set overlayfs' marks under every name that this process may use; one is enough."""
        for name in names:
            try:
                os.setxattr(fd, name, value)
            except PermissionError:  # trusted.* is for root outside of user namespaces
                if name == names[-1]:
                    raise

    def _replaced(self, fd: int) -> None:
        """A whiteout, or a file of this layer, was there first: either hides what lies below."""
        self._mark(fd, self._may.opaque_xattrs, b"y")

    def _trim(self) -> None:
        """Close the descriptors opened longest ago. Called between entries: within one, two may be in use."""
        while len(self._open) > _OPEN_DIRECTORIES:
            os.close(self._open.pop(next(iter(self._open))))


def _enter(above: int, name: bytes) -> int:
    return os.open(name, _DIRECTORY, dir_fd=above)


def is_whiteout(status: os.stat_result) -> bool:
    """overlayfs' mark for a deleted path."""
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def _write(fd: int, body: Content) -> bytes:
    digest = hashlib.sha256()
    for _, piece in body.pieces():
        digest.update(piece)
        _write_all(fd, piece)
    return digest.digest()


def _write_sparse(fd: int, entry: Entry, body: Content) -> bytes:
    for offset, piece in body.pieces():
        os.lseek(fd, offset, os.SEEK_SET)
        _write_all(fd, piece)
    os.ftruncate(fd, entry.size)
    return b""


def _write_all(fd: int, data: memoryview) -> None:
    while len(data):
        data = data[os.write(fd, data) :]


def _set_xattrs(fd: int, entry: Entry) -> None:
    """Set what this user and file system can hold; the index has them all."""
    for name, value in entry.xattrs:
        try:
            os.setxattr(fd, name, value)
        except OSError as error:
            if error.errno not in _NO_XATTR:
                raise


def _umask() -> int:
    with contextlib.suppress(OSError), open("/proc/self/status", "rb") as status:
        for line in status:
            if line.startswith(b"Umask:"):
                return int(line.split()[1], 8)
    return 0o777  # not known: set every mode explicitly
