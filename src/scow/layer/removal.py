"""Removing trees, however deep and whatever their modes, following no link. Light: a container's monitor loads it."""

from __future__ import annotations

import errno
import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Final

_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_DEPTH: Final = 64


def remove(path: Path) -> None:
    """Remove a file or tree of the store, following no link; not being there is fine."""
    try:
        parent = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        remove_at(parent, os.fsencode(path.name))
    finally:
        os.close(parent)


def remove_at(parent: int, name: bytes) -> None:
    """Remove ``name`` in ``parent`` and all below it, following no link; not being there is fine.

    However deep a tree is, only ``_DEPTH`` descriptors are open: what lies deeper is moved up first.
    """
    todo = [name]  # and what was moved up
    while todo:
        _remove(parent, todo.pop(), parent, todo, 0)


def _remove(fd: int, name: bytes, top: int, todo: list[bytes], depth: int) -> None:
    try:
        _remove_file_or_tree(fd, name, top, todo, depth)
    except FileNotFoundError:
        return  # somebody else removes it as well


def _remove_file_or_tree(fd: int, name: bytes, top: int, todo: list[bytes], depth: int) -> None:
    try:
        os.unlink(name, dir_fd=fd)
        return
    except (IsADirectoryError, PermissionError):
        if depth > _DEPTH:
            moved = b".scow-removed-%d" % (os.stat(name, dir_fd=fd, follow_symlinks=False).st_ino,)
            os.rename(name, moved, src_dir_fd=fd, dst_dir_fd=top)
            todo.append(moved)
            return
    inner = _open_to_empty(fd, name)
    try:
        for child in os.listdir(inner):
            _remove(inner, os.fsencode(child), top, todo, depth + 1)
    finally:
        os.close(inner)
    os.rmdir(name, dir_fd=fd)


def _open_to_empty(parent: int, name: bytes) -> int:
    """A directory's descriptor, whatever its mode."""
    status = os.stat(name, dir_fd=parent, follow_symlinks=False)
    if not stat.S_ISDIR(status.st_mode):
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), name)
    if status.st_mode & 0o700 != 0o700 and os.geteuid() != 0:
        os.chmod(name, 0o700, dir_fd=parent)
    return os.open(name, _DIRECTORY, dir_fd=parent)
