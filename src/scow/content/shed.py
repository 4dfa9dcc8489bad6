"""Blobs that a store let go of by choice, and where each can be had again: ``shed/<algorithm>-<hex>`` says.

A blob is *shed* when it has such a note and is not in ``blobs/``. A note on a blob that is there says nothing.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from scow.errors import Invalid
from scow.files import read, replace
from scow.oci.digest import Digest


class Shed:
    """The notes in the directory ``root``. Change them under the store's lock."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def __contains__(self, digest: Digest) -> bool:
        return self._note(digest).exists()

    def __iter__(self) -> Iterator[Digest]:
        for name in sorted(os.listdir(self._root)) if self._root.is_dir() else ():
            with contextlib.suppress(Invalid):
                yield Digest(name.replace("-", ":", 1))

    def origin(self, digest: Digest) -> str | None:
        """The repository that has the blob; ``None`` for one that was not let go of."""
        try:
            return read(self._note(digest)).decode()
        except FileNotFoundError:
            return None

    def note(self, digest: Digest, origin: str) -> None:
        """Note where the blob can be had; on disk when this returns, so that the blob may go."""
        self._root.mkdir(exist_ok=True)
        replace(self._note(digest), origin.encode())

    def forget(self, digest: Digest) -> None:
        """Drop a note."""
        self._note(digest).unlink(missing_ok=True)

    def _note(self, digest: Digest) -> Path:
        return self._root / f"{digest.algorithm}-{digest.hex}"
