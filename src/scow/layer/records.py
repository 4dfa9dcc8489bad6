"""What was found, kept by the digest of what it was found in: a layer that was looked over once costs nothing again.

A record is the file ``<name>.<version>``. ``version`` counts the changes of those who make the records, so that one of
another scow is not taken for one of this.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from scow.files import read, renew
from scow.oci.known import known

_RECORDS_LIMIT: Final = 2000

T = TypeVar("T")


class Records:
    """The records in the directory ``root``, which need not be there."""

    def __init__(self, root: Path, version: int) -> None:
        self._root, self._version = root, version

    def find(self, name: str, kind: type[T]) -> T | None:
        """The record ``name``, if there is one that can be read."""
        try:
            return msgspec.msgpack.decode(read(self._path(name)), type=known(kind))
        except (OSError, msgspec.DecodeError):
            return None

    def keep(self, name: str, record: object) -> None:
        """Write a record beside its place and rename it. A store that cannot be written to is one without records."""
        with contextlib.suppress(OSError):
            self._root.mkdir(parents=True, exist_ok=True)
            renew(self._path(name), msgspec.msgpack.encode(record))

    def trim(self, most: int = _RECORDS_LIMIT) -> None:
        """Let go of the oldest when there are more than ``most``: their images cost again what they did at first."""
        with contextlib.suppress(OSError):
            known = sorted(self._root.iterdir(), key=lambda path: path.stat().st_mtime)
            for path in known[:-most]:
                path.unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._root / f"{name}.{self._version}"
