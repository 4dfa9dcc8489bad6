"""Cache mounts: directories that outlive the build, a set of them for each id, each locked by who uses it.

::

    ROOT/<key of the id and of what a new one holds>/<number>        the files (0 is the one that is shared)
    ROOT/<key>/<number>.lock                                         flocked while a step uses it
    ROOT/<key>/id                                                    what the Dockerfile calls it

``shared`` holds number 0 shared, ``locked`` holds it alone, ``private`` takes the first that nobody holds.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from scow.build.ops import CacheMount, key
from scow.layer.entry import Entry
from scow.layer.removal import remove
from scow.layer.rights import rights

#: Writes what a new cache holds to a directory that is not there yet.
Fill = Callable[[Path], object]


class Caches:
    """The cache mounts below ``root``. ``brought`` may know what fills a new one, by the name of its place."""

    def __init__(self, root: Path, brought: Callable[[str], Fill | None] = lambda place: None) -> None:
        self._root, self._brought = root, brought

    @contextlib.contextmanager
    def held(self, mount: CacheMount, seed: str, fill: Fill | None) -> Iterator[Path]:
        """The directory for ``mount``, locked as its sharing says. ``seed`` names what ``fill`` writes to a new one."""
        place = self._root / _name(mount, seed)
        number = 0
        while True:
            place.mkdir(0o700, parents=True, exist_ok=True)
            try:
                lock = os.open(place / f"{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except FileNotFoundError:  # removed just now
                continue
            try:
                if not _locked(lock, mount.sharing):
                    number += 1
                elif _stands(lock, place / f"{number}.lock"):
                    os.utime(lock)
                    yield self._made(place, number, mount, fill)
                    return
            finally:
                os.close(lock)

    def __iter__(self) -> Iterator[Path]:
        """The directory of every id."""
        with contextlib.suppress(FileNotFoundError):
            yield from sorted(self._root.iterdir())

    def filled(self, brought: Callable[[str], Fill | None]) -> Caches:
        """The same caches; ``brought`` may know what fills a new one."""
        return Caches(self._root, brought)

    def id_of(self, place: Path) -> str | None:
        """What the Dockerfile calls it; ``None`` for one that an older scow made."""
        try:
            return (place / "id").read_text("utf-8", "surrogateescape")
        except OSError:
            return None

    def last_used(self, place: Path) -> float:
        """When a step had it last, in unix seconds."""
        return max((lock.stat().st_mtime for lock in place.glob("*.lock")), default=0.0)

    @contextlib.contextmanager
    def still(self, place: Path) -> Iterator[Path | None]:
        """The files that are shared, while no step changes them; ``None`` when there are none."""
        try:
            lock = os.open(place / "0.lock", os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            yield None
            return
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield place / "0" if (place / "0").is_dir() else None
        finally:
            os.close(lock)

    def remove(self, place: Path) -> bool:
        """Delete an id's directories unless a step uses one; whether it is gone."""
        with contextlib.ExitStack() as held:
            for path in place.glob("*.lock"):
                lock = os.open(path, os.O_RDWR | os.O_CLOEXEC)
                held.callback(os.close, lock)
                if not _try(lock, fcntl.LOCK_EX):
                    return False
            remove(place)
        return True

    def _made(self, place: Path, number: int, mount: CacheMount, fill: Fill | None) -> Path:
        """The files, made by the first who comes: under a lock of its own, as sharers come together."""
        files = place / str(number)
        if files.is_dir():
            return files
        fill = self._brought(place.name) or fill
        with (place / "making.lock").open("w") as making:
            fcntl.flock(making, fcntl.LOCK_EX)
            if files.is_dir():
                return files
            unfinished = place / "making"
            remove(unfinished)
            fill(unfinished) if fill else unfinished.mkdir()
            _style(unfinished, mount)
            (place / "id").write_text(mount.id, "utf-8", "surrogateescape")
            unfinished.rename(files)
        return files


def _name(mount: CacheMount, seed: str) -> str:
    return key("cache-mount", [mount.id, seed, f"{mount.mode:o} {mount.uid}:{mount.gid}"])


def _style(directory: Path, mount: CacheMount) -> None:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        rights().own(fd, Entry(b"", "dir", mount.mode, mount.uid, mount.gid))
        os.fchmod(fd, mount.mode)
    finally:
        os.close(fd)


def _stands(lock: int, path: Path) -> bool:
    """Whether the lock that was waited for is still the one of that name: the cache may have been removed meanwhile."""
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(lock), path.stat())
    return False


def _locked(lock: int, sharing: str) -> bool:
    if sharing == "private":
        return _try(lock, fcntl.LOCK_EX)
    fcntl.flock(lock, fcntl.LOCK_EX if sharing == "locked" else fcntl.LOCK_SH)
    return True


def _try(lock: int, how: int) -> bool:
    try:
        fcntl.flock(lock, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
