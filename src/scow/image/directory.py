"""A root file system in a plain directory, looked at as if it were an image of one layer."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from scow.content.target import Reader
from scow.errors import Denied, NotFound
from scow.image.contents import from_tree
from scow.layer.entry import KINDS, Entry, Kind
from scow.layer.view import Found, View

if TYPE_CHECKING:
    from scow.image.passing import Watch


class DirectoryContents:
    """The files below ``root``; no link leaves it. What cannot be listed is passed over."""

    image = None
    layers = ()

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise NotFound("is not a directory", subject=str(root))
        self._root = root

    @cached_property
    def view(self) -> View:
        """Everything there."""
        view = View()
        view.stack(0, self.entries(0))
        return view

    def entries(self, number: int) -> Iterator[Entry]:
        """Everything there, parents first."""
        todo = [b""]
        while todo:
            path = todo.pop()
            entry = self._entry(path)
            if entry is None:
                continue
            if path:
                yield entry
            if entry.kind == "dir":
                todo += sorted((os.path.join(path, name) for name in self._names(path)), reverse=True)

    def watch(self, number: int, watch: Watch) -> bool:
        """Nothing: there is no index to be made."""
        return False

    digested = entries  # nobody asks for those of a directory's files

    def each(self, wanted: Iterable[Found]) -> Iterator[tuple[Found, Reader]]:
        """The wanted files, from the disk. Raises :class:`Denied` for one that may not be read."""
        try:
            yield from from_tree(self._root, [found for found in wanted if found.entry.kind == "file"])
        except PermissionError as error:
            raise Denied("may not be read", subject=os.fsdecode(error.filename or "")) from None

    def _full(self, path: bytes) -> bytes:
        return os.path.join(os.fsencode(self._root), path)

    def _names(self, path: bytes) -> list[bytes]:
        try:
            return os.listdir(self._full(path))
        except OSError:
            return []

    def _entry(self, path: bytes) -> Entry | None:
        full = self._full(path)
        try:
            status = os.lstat(full)
            link = os.readlink(full) if stat.S_ISLNK(status.st_mode) and path else b""
        except OSError:
            return None
        kind: Kind | None = KINDS.get(stat.S_IFMT(status.st_mode)) if path else "dir"
        if kind is None:  # a socket
            return None
        size = status.st_size if kind == "file" else 0
        mode = stat.S_IMODE(status.st_mode)
        return Entry(path, kind, mode, status.st_uid, status.st_gid, size, status.st_mtime_ns, link)
