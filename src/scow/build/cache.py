"""Build-cache records: a key → the layer that it made. Losing one costs time only."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from scow.content.disk import on_disk
from scow.errors import ScowError
from scow.files import read, renew
from scow.image.layer import Layer
from scow.oci.descriptor import Descriptor
from scow.oci.digest import DiffId
from scow.oci.documents import decode, encode


class _Record(msgspec.Struct, frozen=True):
    descriptor: Descriptor
    diff_id: DiffId


class Records:
    """The records below ``root``."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def find(self, key: str) -> Layer | None:
        """The layer of ``key``; whether it is still in the store is the caller's question."""
        return self.own(key)

    def own(self, key: str) -> Layer | None:
        """As :meth:`find`, by this store's own record."""
        try:
            record = decode(read(self._root / key), _Record, key)
        except (OSError, ScowError):
            return None
        return Layer(record.descriptor, record.diff_id)

    def has(self, key: str) -> bool:
        """Whether there is a record, of whatever layer."""
        return (self._root / key).exists()

    def used(self, key: str) -> None:
        """Note that a record served just now."""
        with contextlib.suppress(OSError):
            os.utime(self._root / key)

    def last_used(self, key: str) -> float:
        """When a record served or was made, in unix seconds."""
        try:
            return (self._root / key).stat().st_mtime
        except OSError:
            return 0.0

    def keep(self, key: str, layer: Layer) -> None:
        """Note what ``key`` made."""
        with contextlib.suppress(OSError):
            self._root.mkdir(parents=True, exist_ok=True)
            renew(self._root / key, encode(_Record(layer.descriptor, layer.diff_id)))

    def forget(self, key: str) -> None:
        """Drop a record."""
        (self._root / key).unlink(missing_ok=True)

    def keys(self) -> list[str]:
        """Every key, also of a record that cannot be read."""
        found = sorted(os.listdir(self._root)) if self._root.is_dir() else []
        return [name for name in found if not name.startswith(".")]

    def __iter__(self) -> Iterator[tuple[str, Layer]]:
        """Every record that can be read. Raises :class:`Unavailable` where only the disk cannot give one just now: its
        layer would be taken for unused."""
        for name in self.keys():
            with on_disk(self._root), contextlib.suppress(FileNotFoundError, ScowError):
                record = decode(read(self._root / name), _Record, name)
                yield name, Layer(record.descriptor, record.diff_id)
