"""The secrets of a build: files and values that a step may see while it runs, and that nothing else ever holds.

They lie in a directory of their own outside the store, in memory where there is such a place, which only this user may
enter. A build that was killed leaves its directory behind; the next one that has secrets removes it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from scow.errors import Denied, Limit, NotFound
from scow.layer.entry import Entry
from scow.layer.removal import remove_at
from scow.layer.rights import rights

LARGEST: Final = 500 << 10  # bytes; docker's limit
_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - what is made there is private
_PREFIX: Final = "scow-secrets-"


class Secrets:
    """What ``--secret`` gave: id → the value, or the file that holds it."""

    def __init__(self, given: Mapping[str, bytes | Path] | None = None) -> None:
        self._given = dict(given or {})

    def __bool__(self) -> bool:
        return bool(self._given)

    def __contains__(self, name: str) -> bool:
        return name in self._given

    def value(self, name: str) -> bytes:
        """The secret. Raises :class:`NotFound`, :class:`Denied` or :class:`Limit`."""
        found = self._given[name]
        if isinstance(found, Path):
            try:
                with found.open("rb") as file:
                    found = file.read(LARGEST + 1)
            except FileNotFoundError:
                raise NotFound("the secret's file is not there", subject=name) from None
            except OSError as error:
                raise Denied(f"cannot read the secret: {error.strerror}", subject=name) from None
        if len(found) > LARGEST:
            raise Limit(f"secret is larger than {LARGEST} bytes", subject=name)
        return found


@contextlib.contextmanager
def private_directory() -> Iterator[Path]:
    """A directory for this user alone, outside the store; removed at the end, also of builds that were killed."""
    import tempfile  # brings shutil and every compression there is

    parent = _MEMORY if os.access(_MEMORY, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())
    _sweep(parent)
    held = None
    while held is None:  # another build may sweep one away before it is held
        made = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        held = _held(made)
    try:
        yield made
    finally:
        _remove(made)
        os.close(held)


def _held(directory: Path) -> int | None:
    """A locked descriptor of a directory that is still there; ``None`` when it is gone."""
    try:
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    fcntl.flock(fd, fcntl.LOCK_EX)
    if directory.is_dir():
        return fd
    os.close(fd)
    return None


def put(directory: Path, name: str, value: bytes, *, mode: int, uid: int = 0, gid: int = 0) -> Path:
    """Write a secret as a file with its owner and mode."""
    path = directory / name
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(value)
        file.flush()
        rights().own(fd, Entry(b"", "file", mode, uid, gid))
        os.fchmod(fd, mode)
    return path


def _sweep(parent: Path) -> None:
    """Remove what killed builds of this user left."""
    with os.scandir(parent) as found:
        stale = [entry.path for entry in found if entry.name.startswith(_PREFIX)]
    for path in stale:
        with contextlib.suppress(OSError):
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                status = os.fstat(fd)
                if status.st_uid == os.geteuid() and stat.S_IMODE(status.st_mode) == 0o700:
                    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    _remove(Path(path))
            finally:
                os.close(fd)


def _remove(directory: Path) -> None:
    parent = os.open(directory.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):
            remove_at(parent, os.fsencode(directory.name))
    finally:
        os.close(parent)
