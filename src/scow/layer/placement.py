"""Where a layer's paths really lie: symlinked parents are followed, beneath the root, before anything is written.

So a tree is only ever handed paths whose parents are directories, and never follows a link itself. Pure.
"""

from __future__ import annotations

import msgspec

from scow.errors import Invalid
from scow.layer.entry import Entry, Kind, shown
from scow.layer.follow import follow

_SLASH = ord("/")
_NEW = ("file", "dir")


class Placement:
    """The paths one layer has brought so far. ``plain`` turns false when one leans on the layers below."""

    def __init__(self) -> None:
        self.seen: dict[bytes, Kind] = {}
        self._links: dict[bytes, bytes] = {}
        self._directories: set[bytes] = {b""}
        self.plain = True

    def place(self, entry: Entry) -> Entry:
        """``entry`` at its real path, noted. Raises :class:`Invalid` where a parent is not a directory, and
        for a hard link to itself or to a file in the directory that it replaces."""
        path, kind = entry.path, entry.kind
        if kind in _NEW and path not in self.seen and path not in self._directories:
            parent, slash, _ = path.rpartition(b"/")
            if not slash or parent in self._directories:  # nearly all: where it says, and nothing is in its place
                self.seen[path] = kind
                if kind == "dir":
                    self._directories.add(path)
                return entry
        path, link = self._directory(entry.path) if entry.kind == "opaque" else self.real(entry.path), entry.link
        if entry.kind == "hardlink":
            link = self.real(link)
            if (link + b"/").startswith(path + b"/"):
                raise Invalid("hard link to what it takes the place of", subject=entry.text)
            if link not in self.seen:
                self.plain = False
        if path != entry.path or link != entry.link:
            entry = msgspec.structs.replace(entry, path=path, link=link)
        if entry.kind not in ("whiteout", "opaque"):
            self._note(entry)
        return entry

    def real(self, path: bytes) -> bytes:
        """``path`` with its parents' symlinks followed; the last component is never followed."""
        parent, slash, name = path.rpartition(b"/")
        if not slash or parent in self._directories:
            return path
        real = self._directory(parent)
        return real + b"/" + name if real else name

    def _note(self, entry: Entry) -> None:
        path = entry.path
        if entry.kind != "dir" and path in self._directories:
            self._forget_below(path)
        self.seen[path] = entry.kind
        self._links.pop(path, None)
        if entry.kind == "symlink":
            self._links[path] = entry.link
        if entry.kind == "dir":
            self._directories.add(path)
        else:
            self._directories.discard(path)

    def _forget_below(self, path: bytes) -> None:
        prefix = path + b"/"
        for gone in [known for known in (*self.seen, *self._directories) if known.startswith(prefix)]:
            self.seen.pop(gone, None)
            self._links.pop(gone, None)
            self._directories.discard(gone)

    def _directory(self, path: bytes) -> bytes:
        """The real directory that ``path`` means; directories nobody has named yet become implicit ones."""
        real = follow(path, self._links.get)
        for end in [at for at, byte in enumerate(real) if byte == _SLASH] + [len(real)]:
            if end:
                self._enter(real[:end])
        return real

    def _enter(self, path: bytes) -> None:
        if path in self._directories:
            return
        if path in self.seen:
            raise Invalid("parent is not a directory", subject=shown(path))
        self._directories.add(path)
        self.plain = False
