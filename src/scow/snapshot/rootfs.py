"""A root file system as a value: how to assemble it.

Whoever starts a process mounts it, in a mount namespace of its own, so that no mount is left behind when that process
is gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Overlay:
    """overlayfs over ``lower`` (topmost first); ``upper`` holds what is written, ``work`` is the kernel's."""

    lower: tuple[Path, ...]
    upper: Path
    work: Path


@dataclass(frozen=True, slots=True)
class Directory:
    """A plain tree, written in place."""

    path: Path


Rootfs = Overlay | Directory
