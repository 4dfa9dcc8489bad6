"""Snapshots on disk by chain_id: what a stack of layers needs besides their own trees.

::

    <chain hex>/<kind>-<flavour>/     "fix": a thin top layer, or "flat": all layers as one tree
    <chain hex>/<kind>-<flavour>.boot the boot it was made in; of another boot it is made again
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from scow.errors import Invalid
from scow.layer.boot import boot_of, settle
from scow.layer.scratch import scratch
from scow.oci.digest import ChainId


class Snapshots:
    """The snapshots below ``root``; they are made in ``ingest``, on the same file system."""

    def __init__(self, root: Path, ingest: Path, boot: str, flavour: str) -> None:
        self._root, self._ingest, self._boot, self._flavour = root, ingest, boot, flavour

    def __iter__(self) -> Iterator[ChainId]:
        with contextlib.suppress(FileNotFoundError):
            for name in os.listdir(self._root):
                with contextlib.suppress(Invalid):  # a stranger's
                    yield ChainId(f"sha256:{name}")

    def tree(self, chain: ChainId, kind: str, make: Callable[[Path], None]) -> Path:
        """The tree of that kind; ``make`` fills an empty directory when there is none of this boot."""
        place = self.home(chain) / f"{kind}-{self._flavour}"
        if self._made(place):
            return place
        with scratch(self._ingest, "snapshot") as directory:
            draft = directory / place.name
            draft.mkdir()
            make(draft)
            place.parent.mkdir(0o700, parents=True, exist_ok=True)
            stale = draft.with_name("stale")
            settle(draft, place, self._boot, aside=stale, there=lambda: self._made(place))
        return place

    def _made(self, place: Path) -> bool:
        return boot_of(place) == self._boot and place.is_dir()

    def home(self, chain: ChainId) -> Path:
        """Where everything of a chain is."""
        return self._root / chain.hex
