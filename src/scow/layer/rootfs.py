"""A root file system as a value: how to assemble it.

Whoever starts a process mounts it, in a mount namespace of its own, so that no mount is left behind when that process
is gone.
"""

from __future__ import annotations

from pathlib import Path

import msgspec


class Overlay(msgspec.Struct, frozen=True):
    """overlayfs over ``lower`` (topmost first); ``upper`` holds what is written, ``work`` is the kernel's.

    ``fleeting``: nobody wants what is written after a crash of the machine, and the kernel need not write it out.
    """

    lower: tuple[Path, ...]
    upper: Path
    work: Path
    fleeting: bool = False


class Directory(msgspec.Struct, frozen=True):
    """A plain tree, written in place."""

    path: Path


Rootfs = Overlay | Directory


def fleeting(rootfs: Rootfs) -> Rootfs:
    """The same for a process whose files go with it; without this, its end waits for all that the disk has to write."""
    return msgspec.structs.replace(rootfs, fleeting=True) if isinstance(rootfs, Overlay) else rootfs
