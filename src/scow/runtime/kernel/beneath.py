"""Paths inside a root file system, resolved so that no symlink leads out of it. Light: the launcher loads it."""

from __future__ import annotations

import errno
import os
import stat

from scow.runtime.kernel import linux

_LINKS = 40
_LARGEST = 4 << 20


def open_beneath(root: int, path: str, flags: int) -> int:
    """Open ``path`` as if ``root`` (a directory descriptor) were ``/``; OSError as open(2)."""
    try:
        return linux.openat2(root, path.lstrip("/") or ".", flags, linux.RESOLVE_IN_ROOT | linux.RESOLVE_NO_MAGICLINKS)
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
    return _walk(root, path, flags)


def read_beneath(root: int, path: str) -> bytes:
    """A regular file's bytes, up to 4 MiB; empty when there is no such file."""
    try:
        fd = open_beneath(root, path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return b""
    try:
        return os.read(fd, _LARGEST) if stat.S_ISREG(os.fstat(fd).st_mode) else b""
    finally:
        os.close(fd)


class Placed:
    """A mount point that was made: enough to take it away again and leave its parent as it was."""

    __slots__ = ("after", "before", "directory", "name", "parent", "size")

    def __init__(self, parent: str, name: str, directory: bool, before: os.stat_result, after: int) -> None:
        self.parent, self.name, self.directory = parent, name, directory
        self.before = (before.st_atime_ns, before.st_mtime_ns)
        self.after = after
        self.size = 0  # what a file made here holds

    def _unwritten(self, now: os.stat_result) -> bool:
        return now.st_size == self.size and not stat.S_ISDIR(now.st_mode)

    def remove(self, root: int) -> None:
        """Take it away if it is still empty; the parent's times come back unless someone else changed it."""
        parent = open_beneath(root, self.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            untouched = os.fstat(parent).st_mtime_ns == self.after
            if self.directory:
                os.rmdir(self.name, dir_fd=parent)
            elif self._unwritten(os.stat(self.name, dir_fd=parent, follow_symlinks=False)):
                os.unlink(self.name, dir_fd=parent)
            if untouched:
                os.utime(parent, ns=self.before)
        finally:
            os.close(parent)


def make_place(root: int, path: str, directory: bool, mode: int = 0o755) -> list[Placed]:
    """Make sure that something can be mounted on ``path``: what had to be made, outermost first.

    ``mode`` is that of the mount point itself, when it is a directory. Where a symlink leads to nothing, what it leads
    to inside is made: /etc/resolv.conf of a systemd's image is such a one.
    """
    try:
        os.close(open_beneath(root, path, os.O_PATH))
        return []
    except FileNotFoundError:
        pass
    made: list[Placed] = []
    parent, todo, links = "/", _parts(path), 0
    while todo:
        name = todo.pop()
        whole = f"{parent.rstrip('/')}/{name}"
        try:
            os.close(open_beneath(root, whole, os.O_PATH))
        except FileNotFoundError:
            target = _link_beneath(root, parent, name)
            if target is not None and links < _LINKS:
                links += 1
                parent = "/" if target.startswith("/") else parent
                todo += _parts(target)
                continue
            made.append(_make(root, parent, name, directory or bool(todo), 0o755 if todo else mode))
        parent = whole
    return made


def _parts(path: str) -> list[str]:
    """Of a path, what is to be taken next at the end."""
    return [part for part in path.split("/") if part not in ("", ".")][::-1]


def _link_beneath(root: int, parent: str, name: str) -> str | None:
    at = open_beneath(root, parent, os.O_PATH | os.O_DIRECTORY)
    try:
        return _link(at, name)
    finally:
        os.close(at)


def _make(root: int, parent: str, name: str, directory: bool, mode: int) -> Placed:
    at = open_beneath(root, parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        before = os.fstat(at)
        if directory:
            os.mkdir(name, mode, dir_fd=at)
        else:
            os.close(
                os.open(name, os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_WRONLY | os.O_CLOEXEC, 0o644, dir_fd=at)
            )
        return Placed(parent, name, directory, before, os.fstat(at).st_mtime_ns)
    finally:
        os.close(at)


def _walk(root: int, path: str, flags: int) -> int:
    """The same by hand, for kernels before 5.6: every component by itself, links read and followed within the root."""
    todo, done, links = _parts(path), [os.dup(root)], 0
    try:
        while todo:
            name = todo.pop()
            if name == "..":
                if len(done) > 1:
                    os.close(done.pop())
                continue
            target = _link(done[-1], name)
            if target is not None:
                links += 1
                if links > _LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
                while target.startswith("/") and len(done) > 1:
                    os.close(done.pop())
                todo += _parts(target)
                continue
            how = os.O_PATH | os.O_DIRECTORY if todo else flags
            done.append(os.open(name, how | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=done[-1]))
        last = done[-1]
        return os.open(".", flags | os.O_CLOEXEC, dir_fd=last) if len(done) == 1 else os.dup(last)
    finally:
        for fd in done:
            os.close(fd)


def _link(at: int, name: str) -> str | None:
    try:
        return os.readlink(name, dir_fd=at)
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.ENOENT):
            return None
        raise
