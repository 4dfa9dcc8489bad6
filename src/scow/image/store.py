"""The local store, whole: blobs and names, layers, snapshots, and what joins them."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from scow.content.layout import Layout
from scow.layer.snapshots import Snapshots
from scow.layer.store import Layers
from scow.layer.usage import disk_usage
from scow.oci.digest import DiffId, Digest

if TYPE_CHECKING:
    from scow.content.target import Source
    from scow.image.unpack import Unpacking
    from scow.oci.descriptor import Descriptor


class Store:
    """Everything below ``root`` that images need. Opening it touches nothing on disk.

    ``mounts`` tells whether containers here can stand on layers as mountable files; ``afar`` gives the repository
    that has what was shed.
    """

    def __init__(
        self, root: Path, mounts: Callable[[], bool] = lambda: False, afar: Callable[[str], Source] | None = None
    ) -> None:
        self.root = root
        self.layout = Layout(root, afar)
        self.boot = _boot()
        self.layers = Layers(root / "layers", self.layout.ingest, self.boot, mounts)
        self.snapshots = Snapshots(root / "snapshots", self.layout.ingest, self.boot, self.layers.flavour)

    def room(self, name: str) -> int:
        """Bytes on disk of what a digest or diff_id names: a plain layer's blob may be its tree's tar, too."""
        return disk_usage(self.layout.path(Digest(name)), self.layers.home(DiffId(name)))

    @cached_property
    def unpacking(self) -> Unpacking:
        """The store as a sink whose layers come out unpacked."""
        return self.taking()

    def taking(self, *, trees: bool = True, blobs: bool = True) -> Unpacking:
        """The store as a sink that makes trees of layers or leaves that for later, and that wants every blob or is
        content with shed ones."""
        from scow.image.unpack import Unpacking

        # Trees are for containers, and these are for Linux. What else reads a layer has it unpacked then.
        return Unpacking(self.layout, self.layers, trees=trees and sys.platform == "linux", blobs=blobs)

    def used(self, manifest: Descriptor) -> None:
        """Note that an image is used just now: the time of its manifest's file tells when it last was (ADR 0066)."""
        with contextlib.suppress(OSError):  # it costs a look at an old image at most
            os.utime(self.layout.path(manifest.digest))

    def last_used(self, manifest: Descriptor) -> float:
        """When an image came or was used, in unix seconds."""
        try:
            return self.layout.path(manifest.digest).stat().st_mtime
        except OSError:
            return 0.0


def _boot() -> str:
    """This boot's name; where nobody tells it a new one, so that whatever a boot may have cost is looked at again."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return os.urandom(16).hex()
