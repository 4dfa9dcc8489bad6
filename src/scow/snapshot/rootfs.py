"""A root file system as a value: how to assemble it.

Whoever starts a process mounts it, in a mount namespace of its own, so that no mount is left behind when that process
is gone.
"""

from __future__ import annotations

from pathlib import Path

import msgspec


class Overlay(msgspec.Struct, frozen=True):
    """overlayfs over ``lower`` (topmost first); ``upper`` holds what is written, ``work`` is the kernel's."""

    lower: tuple[Path, ...]
    upper: Path
    work: Path


class Directory(msgspec.Struct, frozen=True):
    """A plain tree, written in place."""

    path: Path


Rootfs = Overlay | Directory
