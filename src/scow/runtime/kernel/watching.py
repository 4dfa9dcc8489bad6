"""Which files below a directory are opened, by whom it may be, while somebody watches: inotify(7).

It needs no privilege and no tracer: a program runs as it always does, at full speed, and every open of a file (to read,
to map, to execute) is told by the kernel. It is the directories' inodes that are watched, so it does not matter through
which mount or in which namespace a file is opened. A file that is only asked about (stat, readlink) is not told.
"""

from __future__ import annotations

import ctypes
import errno
import os
import select
import struct
import threading
from typing import Final, Self

from scow.errors import Limit, Unsupported

_IN_OPEN, _IN_ISDIR, _IN_Q_OVERFLOW = 0x20, 0x40000000, 0x4000
_IN_ONLYDIR, _IN_DONT_FOLLOW = 0x01000000, 0x02000000
_EVENT: Final = struct.Struct("iIII")  # watch, mask, cookie, length of the name that follows
_READ: Final = 1 << 18

_libc = ctypes.CDLL(None, use_errno=True)


class Watch:
    """Watches every directory that is below ``root`` when it begins.

    ``opened`` are paths below ``root`` of files that were opened, ``unseen`` directories that could not be watched.
    Raises :class:`Unsupported` without inotify, :class:`Limit` for more directories than this user may watch.
    """

    def __init__(self, root: bytes) -> None:
        self._root = root
        self.opened: set[bytes] = set()
        self.unseen: set[bytes] = set()
        self.lost = False
        self._directories: dict[int, bytes] = {}
        self._fd = _libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        if self._fd < 0:
            raise Unsupported("inotify cannot be had", hint=os.strerror(ctypes.get_errno()))

    def __enter__(self) -> Self:
        try:
            self._begin()
            self._awake, self._wake = os.pipe()
        except BaseException:
            os.close(self._fd)
            raise
        self._reader = threading.Thread(target=self._read_all, name="watch", daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._wake)
        self._reader.join()
        os.close(self._awake)
        os.close(self._fd)

    def _begin(self) -> None:
        todo = [b""]
        while todo:
            path = todo.pop()
            whole = os.path.join(self._root, path) if path else self._root
            number = _libc.inotify_add_watch(self._fd, whole, _IN_OPEN | _IN_ONLYDIR | _IN_DONT_FOLLOW)
            if number < 0:
                self._refused(path, ctypes.get_errno())
                continue
            self._directories[number] = path
            try:
                with os.scandir(whole) as entries:
                    todo += [os.path.join(path, one.name) for one in entries if one.is_dir(follow_symlinks=False)]
            except OSError:
                self.unseen.add(path)

    def _refused(self, path: bytes, number: int) -> None:
        if number == errno.ENOSPC:
            raise Limit(
                f"more directories than this user may watch ({len(self._directories)})",
                hint="sysctl fs.inotify.max_user_watches=1000000",
            )
        self.unseen.add(path)

    def _read_all(self) -> None:
        """Until the other end of the pipe is closed, and then what is still there."""
        watching = True
        while watching:
            ready, _, _ = select.select([self._fd, self._awake], [], [])
            watching = self._awake not in ready
            self._drain()

    def _drain(self) -> None:
        while True:
            try:
                data = os.read(self._fd, _READ)
            except BlockingIOError:
                return
            at = 0
            while at < len(data):
                watch, mask, _, length = _EVENT.unpack_from(data, at)
                at += _EVENT.size + length
                self._note(watch, mask, data[at - length : at].rstrip(b"\0"))

    def _note(self, watch: int, mask: int, name: bytes) -> None:
        if mask & _IN_Q_OVERFLOW:
            self.lost = True
        elif name and not mask & _IN_ISDIR and watch in self._directories:
            self.opened.add(os.path.join(self._directories[watch], name))
