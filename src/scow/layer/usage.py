"""Bytes that files and directories take."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path


def disk_usage(*paths: Path) -> int:
    """Bytes that ``paths`` take on disk together, as ``du`` counts them: hard links once."""
    return sum(status.st_blocks * 512 for status in _each(*paths))


def length(*paths: Path) -> int:
    """Bytes in all files beneath ``paths``, however the disk holds them: hard links once, directories not at all."""
    return sum(status.st_size for status in _each(*paths) if not stat.S_ISDIR(status.st_mode))


def _each(*paths: Path) -> Iterator[os.stat_result]:
    seen: set[tuple[int, int]] = set()
    todo = [os.fsencode(path) for path in paths]
    while todo:
        at = todo.pop()
        try:
            status = os.lstat(at)
        except OSError:
            continue
        if status.st_nlink > 1 and not stat.S_ISDIR(status.st_mode):
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
        yield status
        if stat.S_ISDIR(status.st_mode):
            with contextlib.suppress(OSError):
                todo += [os.path.join(at, name) for name in os.listdir(at)]
