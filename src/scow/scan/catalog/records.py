"""What was found, kept by what it was found in: a layer that was looked over once costs nothing again.

::

    layer-<hex of diff_id>.<version>    a layer's record
    image-<hex of chain_id>.<version>   what its layers add up to
    report-<fingerprint>.<version>      what a state of the advisory database says of a state of an image's packages

``version`` counts the changes of readers and judges, so that a record of another scow is not taken for one of this.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from scow.oci.known import known

#: Counts up whenever something else is read in the same bytes, or said of the same packages: records of earlier ones
#: are then not used.
VERSION: Final = 3
_RECORDS_LIMIT: Final = 2000

T = TypeVar("T")


class Records:
    """The records in the directory ``root``, which need not be there."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def find(self, name: str, kind: type[T]) -> T | None:
        """The record ``name``, if there is one that can be read."""
        try:
            return msgspec.msgpack.decode(self._path(name).read_bytes(), type=known(kind))
        except (OSError, msgspec.DecodeError):
            return None

    def keep(self, name: str, record: object) -> None:
        """Write a record beside its place and rename it. A store that cannot be written to is one without records."""
        path = self._path(name)
        with contextlib.suppress(OSError):
            self._root.mkdir(parents=True, exist_ok=True)
            draft = path.with_name(f"{path.name}.{os.urandom(4).hex()}")
            try:
                draft.write_bytes(msgspec.msgpack.encode(record))
                os.replace(draft, path)
            finally:
                draft.unlink(missing_ok=True)

    def trim(self) -> None:
        """Let go of the oldest when there are many: their images cost again what they did at first."""
        with contextlib.suppress(OSError):
            known = sorted(self._root.iterdir(), key=lambda path: path.stat().st_mtime)
            for path in known[:-_RECORDS_LIMIT]:
                path.unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._root / f"{name}.{VERSION}"
