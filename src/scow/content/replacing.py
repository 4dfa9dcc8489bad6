"""Small files that are there whole, or as they were before."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


def replace(path: Path, data: bytes) -> None:
    """Write a file beside its place, sync it, and rename it."""
    _renew(path, data, os.fsync)
    sync_directory(path.parent)


def renew(path: Path, data: bytes) -> None:
    """The same for what need not outlive a crash of the machine."""
    _renew(path, data, lambda fd: None)


def _renew(path: Path, data: bytes, sync: Callable[[int], None]) -> None:
    temporary = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            sync(file.fileno())
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
