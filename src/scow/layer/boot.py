"""Trees remember the boot in which they were whole: their files are not synced one by one (ADR 0004)."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable
from pathlib import Path

from scow.files import Irregular, read, renew


def boot_of(tree: Path) -> str:
    """The boot that a directory of the store was written in; ``""`` for one that is not whole."""
    try:
        return read(_marker(tree)).decode(errors="replace")
    except (FileNotFoundError, Irregular):
        return ""


def note_boot(tree: Path, boot: str) -> None:
    """Say that a directory is whole, and was so in this boot: its files are not synced one by one."""
    renew(_marker(tree), boot.encode())


def settle(tree: Path, place: Path, boot: str, *, aside: Path, there: Callable[[], bool]) -> None:
    """Put a directory in its place, unless another command was first: somebody may have mounted what that one made.

    What lies there and is not whole goes ``aside``.
    """
    held = os.open(place.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        if there():
            return
        with contextlib.suppress(FileNotFoundError):
            os.rename(place, aside)
        os.rename(tree, place)
        note_boot(place, boot)
    finally:
        os.close(held)


def _marker(tree: Path) -> Path:
    return tree.with_suffix(".boot")
