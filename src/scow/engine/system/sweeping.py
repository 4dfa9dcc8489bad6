"""What killed commands left: records that were being written or taken away, and the cgroups of builds.

A record (of a container, a volume, a network) is made beside its place and renamed, and goes the same way: whatever has
a dot before its name, and is no lock or spare, belongs to a command that is at work this moment, or was killed.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scow.image.collect import rests
from scow.layer.removal import remove
from scow.layer.usage import disk_usage

if TYPE_CHECKING:
    from collections.abc import Iterator

#: below the store, which may be in a directory with dotfiles of somebody else's
_DRAFTS: Final = (
    ".index.json.*", ".oci-layout.*", ".mountable-*", ".overlay-*", "layers/sha256/*/.*", "snapshots/*/.*",
    "containers/.*", "containers/*/.*", "volumes/.*", "networks/.*", "shed/.*", "cache/*/.*",
)  # fmt: skip
_KEPT: Final = (".lock", ".keeper", ".keeper.alive", ".keeper.gate", ".state.spare")
_YOUNG: Final = 60.0  # seconds: longer than a busy disk takes to write a record and to sync it


def sweep(root: Path, ingest: Path) -> int:
    """Take it away from the store at ``root``; the bytes that come back."""
    _sweep_cgroups(ingest)
    freed = 0
    for path in _unfinished(root):
        freed += disk_usage(path)
        remove(path)
    return freed


def _unfinished(root: Path) -> Iterator[Path]:
    for pattern in _DRAFTS:
        for path in sorted(root.glob(pattern)):
            with contextlib.suppress(FileNotFoundError):
                if path.name not in _KEPT and abs(time.time() - path.lstat().st_mtime) > _YOUNG:
                    yield path


def _sweep_cgroups(ingest: Path) -> None:
    """The directory of a build that was killed is what tells which cgroups were its own."""
    if killed := [path for path in rests(ingest) if path.name.startswith("build-")]:
        from scow.engine.builds.running import sweep as sweep_cgroups

        sweep_cgroups(killed)
