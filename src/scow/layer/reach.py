"""Files beneath a directory that somebody may be changing meanwhile: a container that runs while it is looked over.

What was a directory a moment ago may be a symlink by now, and lead to this machine's own files (CVE-2018-15664 and its
kind). So each step is taken from a descriptor and follows no link; the last one is a name in ``/proc/self/fd``, which
every call of :mod:`os` takes, and which is short however deep the file lies.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from scow.errors import Conflict, Limit
from scow.layer.entry import PATH_LIMIT

if TYPE_CHECKING:
    from typing import Self

_PATH: Final = getattr(os, "O_PATH", 0) | os.O_NOFOLLOW | os.O_CLOEXEC
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Reach:
    """The way to each file beneath ``root``. A directory that its owner may not look into is lent the right to."""

    def __init__(self, root: bytes) -> None:
        self.root = root
        self._lent = contextlib.ExitStack()
        self._begin()

    def place(self, path: bytes) -> bytes:
        """A name of ``path`` for the calls of os that do not follow a last link; good until the next one is asked for.

        Raises :class:`Limit` for a path that no layer could hold.
        """
        if len(path) > PATH_LIMIT:
            raise Limit(f"name of {len(path)} bytes is over the limit of {PATH_LIMIT}", subject=repr(path[:80]))
        parent, _, name = path.rpartition(b"/")
        self._enter(parent)
        return b"/proc/self/fd/%d/%s" % (self._fd, name or b".")

    def names(self, path: bytes) -> list[bytes]:
        """What the directory ``path`` holds, as paths, sorted."""
        self._enter(path)
        fd = os.open(".", _DIRECTORY, dir_fd=self._fd)
        try:
            return sorted(os.path.join(path, os.fsencode(name)) for name in os.listdir(fd))
        finally:
            os.close(fd)

    def close(self) -> None:
        """Let go, and take back what was lent."""
        self._lent.close()
        os.close(self._fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _begin(self) -> None:
        self._fd, self._at = os.open(self.root, _PATH | os.O_DIRECTORY), b""
        self._lend()

    def _enter(self, parent: bytes) -> None:
        if parent == self._at:
            return
        if self._at and not parent.startswith(self._at + b"/"):
            self.close()
            self._begin()
        for part in filter(None, parent[len(self._at) :].split(b"/")):
            fd = os.open(part, _PATH | os.O_DIRECTORY, dir_fd=self._fd)
            os.close(self._fd)
            self._fd = fd
            self._lend()
        self._at = parent

    def _lend(self) -> None:
        if _is_closed(os.fstat(self._fd)):
            self._lent.enter_context(_lent(os.dup(self._fd), 0o500))


def opener(root: bytes, path: bytes) -> Callable[[], int]:
    """A function that opens the file ``path`` beneath ``root`` for reading, whatever its owner left of its mode.

    It raises :class:`Conflict` when that is no longer the file that was seen.
    """

    def open_it() -> int:
        try:
            with Reach(root) as reach:
                return _opened(reach.place(path))
        except (FileNotFoundError, NotADirectoryError):
            raise _changed(path) from None

    def _opened(place: bytes) -> int:
        seen = os.open(place, _PATH)
        try:
            if not stat.S_ISREG(os.fstat(seen).st_mode):  # a pipe would be waited for, a device told that it is opened
                raise _changed(path)
            again = b"/proc/self/fd/%d" % seen
            try:
                return os.open(again, os.O_RDONLY | os.O_CLOEXEC)
            except PermissionError:
                with lent(place, 0o400):
                    return os.open(again, os.O_RDONLY | os.O_CLOEXEC)
        finally:
            os.close(seen)

    return open_it


def lent(place: bytes, right: int) -> contextlib.AbstractContextManager[None]:
    """Its owner has ``right`` on what is at ``place``, and is no link, for the length of the block."""
    return _lent(os.open(place, _PATH), right)


@contextlib.contextmanager
def _lent(fd: int, right: int) -> Iterator[None]:
    """The same of what a descriptor, which is closed at the end, stands for."""
    itself = b"/proc/self/fd/%d" % fd
    try:
        mode = stat.S_IMODE(os.fstat(fd).st_mode)
        os.chmod(itself, mode | right)
        try:
            yield
        finally:
            os.chmod(itself, mode)
    finally:
        os.close(fd)


def _is_closed(status: os.stat_result) -> bool:
    """Whether a directory's owner cannot look into it: the root of an ordinary user's container can."""
    return status.st_mode & 0o500 != 0o500 and os.geteuid() == status.st_uid != 0


def _changed(path: bytes) -> Conflict:
    return Conflict(
        "was changed while it was read", subject=os.fsdecode(path), hint="pause the container, or try again"
    )
