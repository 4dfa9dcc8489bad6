"""Volumes on disk: a directory each, with what is known of it and what containers write.

::

    volumes/<name>/volume.json    when it was made, its labels, whether anybody named it
    volumes/<name>/_data/         the volume
    volumes/.lock                 held while volumes are given to a container, or taken away
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

import msgspec

from scow.content.lock import holding
from scow.engine.naming import is_name
from scow.engine.texts import rfc3339
from scow.errors import Invalid, NotFound, ScowError
from scow.files import read
from scow.layer.removal import remove
from scow.oci.documents import decode, encode

_SETTINGS: Final = "volume.json"


class Volume(msgspec.Struct, frozen=True):
    """A volume. ``created`` is RFC 3339 text; an ``anonymous`` one was made because an image or ``-v /x`` asked."""

    name: str
    created: str
    labels: dict[str, str] = {}
    anonymous: bool = False


class VolumeRecords:
    """The volumes below ``root``."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def directory(self, name: str) -> Path:
        """What is mounted."""
        return self._root / name / "_data"

    def __iter__(self) -> Iterator[Volume]:
        names = sorted(os.listdir(self._root)) if self._root.is_dir() else []
        for name in names:
            if (found := self.find(name)) is not None:
                yield found

    def find(self, name: str) -> Volume | None:
        """The volume of that name."""
        home = self._root / name
        if not is_name(name) or not home.is_dir():
            return None
        with contextlib.suppress(OSError, ScowError):
            return decode(read(home / _SETTINGS), Volume, name)
        return Volume(name, rfc3339(home.stat().st_mtime))  # made by scow 0.1, which wrote nothing down

    def require(self, name: str) -> Volume:
        """:meth:`find`, or :class:`NotFound`."""
        found = self.find(name)
        if found is None:
            raise NotFound(f"get {name}: no such volume", subject=name, named=True)
        return found

    def add(self, volume: Volume) -> Volume:
        """Make it, unless there is one of that name: that one. Raises :class:`Invalid` for a bad name."""
        check_name(volume.name)
        known = self.find(volume.name)
        if known is not None:
            return known
        draft = self._root / f".{volume.name}-{os.urandom(4).hex()}"
        try:
            draft.mkdir(0o700, parents=True)
            (draft / "_data").mkdir()
            (draft / "_data").chmod(0o755)
            (draft / _SETTINGS).write_bytes(encode(volume))
            os.rename(draft, self._root / volume.name)
        finally:
            remove(draft)
        return volume

    def remove(self, name: str) -> None:
        """Delete it with everything in it."""
        doomed = self._root / f".{name}-{os.urandom(4).hex()}"
        with contextlib.suppress(FileNotFoundError):
            os.rename(self._root / name, doomed)
        remove(doomed)

    def held(self) -> AbstractContextManager[None]:
        """Nobody else gives out or takes away volumes meanwhile."""
        return holding(self._root)


def check_name(name: str) -> None:
    """Raises :class:`Invalid`, in docker's words."""
    if len(name) < 2 or not is_name(name):
        raise Invalid(
            f'create {name}: "{name}" includes invalid characters for a local volume name, '
            'only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed',
            hint="to mount a host directory, write its absolute path",
        )
