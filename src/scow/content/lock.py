"""Locks between commands: one flock for the store's names and collection, and leases on what a command is using.

A lease is a file that its command holds an flock on and appends names to. A dead command's flock is gone with it, so a
lease needs no clean-up to be harmless.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from scow.content.disk import on_disk
from scow.files import regular


@contextlib.contextmanager
def locked(path: Path, *, shared: bool = False) -> Iterator[None]:
    """Hold the flock of ``path`` (made when missing); waits for it. A shared one can be had on a read-only disk."""
    fd = regular(path, (os.O_RDONLY if shared else os.O_RDWR) | os.O_CREAT)
    try:
        fcntl.flock(fd, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


@contextlib.contextmanager
def holding(directory: Path) -> Iterator[None]:
    """Hold the lock of a directory's records, which is made when missing. Raises :class:`~scow.errors.Unavailable`."""
    with on_disk(directory):
        directory.mkdir(parents=True, exist_ok=True)
        with locked(directory / ".lock"):
            yield


class Lease:
    """Names (digests, diff_ids) that no collection may take while this is open. Safe to share between threads."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._path, self._fd = _begin(directory)
        self._held: set[str] = set()
        self._guard = threading.Lock()

    def holds(self, name: str) -> bool:
        """Whether the name is among them."""
        return name in self._held

    def hold(self, name: str) -> None:
        """Add a name."""
        with self._guard:
            if name not in self._held:
                line = b"\n%b\n" % name.encode()  # ends what a full disk cut short
                while line:
                    line = line[os.write(self._fd, line) :]
                self._held.add(name)

    def close(self) -> None:
        """Let go of everything."""
        with contextlib.suppress(OSError):  # without its flock it is harmless
            self._path.unlink()
        os.close(self._fd)


def _begin(directory: Path) -> tuple[Path, int]:
    """A new lease's file, held. Who collects may take one that is not held yet for a dead command's, and remove it."""
    while True:
        path = directory / os.urandom(8).hex()
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o644)
        fcntl.flock(fd, fcntl.LOCK_EX)
        if os.fstat(fd).st_nlink:
            return path, fd
        os.close(fd)


def leased(directory: Path) -> set[str]:
    """What living commands hold; dead commands' leases are removed. Call it under the store's lock."""
    names: set[str] = set()
    for path in sorted(directory.iterdir()) if directory.is_dir() else ():
        try:
            file = path.open("r+b")
        except FileNotFoundError:
            continue
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink(missing_ok=True)
            except BlockingIOError:  # its command lives, and may end just now
                names.update(file.read().decode().split())
    return names
