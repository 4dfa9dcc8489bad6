"""Files of a store: opened when they are files and nothing else, and there whole or as they were before."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO


class Irregular(OSError):
    """In the place of a file is a directory, or what whoever reads it would wait for or set off: a FIFO, a device."""


def regular(path: str | bytes | os.PathLike[str], flags: int) -> int:
    """A descriptor of a regular file, also as an opener of :func:`open`. Raises :class:`Irregular`.

    Another user of a layout may put what he likes in the place of a file: it is looked at before it is opened.
    """
    with contextlib.suppress(FileNotFoundError):  # to be made, or told by the one who opens it
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise Irregular(errno.EINVAL, f"{os.path.basename(os.fsdecode(path))} is not a regular file")
    return os.open(path, flags | os.O_CLOEXEC | os.O_NONBLOCK, 0o644)


def opened(path: str | os.PathLike[str], buffering: int = -1) -> BinaryIO:
    """A regular file, to be read."""
    return open(path, "rb", buffering, opener=regular)


def read(path: Path) -> bytes:
    """All of a regular file."""
    with opened(path, buffering=0) as file:
        return file.read()


def replace(path: Path, data: bytes) -> None:
    """Write a file beside its place, sync it, and rename it."""
    _renew(path, data, os.fsync)
    sync_directory(path.parent)


def renew(path: Path, data: bytes) -> None:
    """The same for what need not outlive a crash of the machine."""
    _renew(path, data, lambda fd: None)


def _renew(path: Path, data: bytes, sync: Callable[[int], None]) -> None:
    with replacing(path, 0o666) as file:
        file.write(data)
        file.flush()
        sync(file.fileno())


@contextlib.contextmanager
def replacing(path: Path, mode: int = 0o600) -> Iterator[BinaryIO]:
    """A file to write, which is at ``path`` once the block is left, and never there when that fails."""
    temporary = path.with_name(f".{path.name[:200]}.{os.urandom(4).hex()}")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(fd, "wb") as file:
            yield file
        os.rename(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def sync_directory(path: Path) -> None:
    """Make renames in a directory last."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
