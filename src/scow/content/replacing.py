"""Files that are there whole, or as they were before."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO


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
