"""A part of a listing by itself: what it is (its key), and its files in a directory of their own."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, get_args

import msgspec

from scow.build.listing import Listing, real_path
from scow.errors import NotFound
from scow.layer.entry import Entry, Kind

#: Kinds as bytes.
_KINDS: Final = {kind: kind.encode() for kind in get_args(Kind)}


class Subtree(msgspec.Struct, frozen=True):
    """``top`` of ``listing`` and everything below it. ``time`` (ns), when given, is everything's."""

    listing: Listing
    top: Entry
    time: int | None = None

    @classmethod
    def of(cls, listing: Listing, source: str, time: int | None = None) -> Subtree:
        """What ``source`` names, links followed. Raises :class:`NotFound`."""
        path = real_path(listing, source.encode("utf-8", "surrogateescape"))
        top = listing.find(path)
        if top is None:
            raise NotFound(f'"/{source.lstrip("/")}": not found')
        return cls(listing, top, time)

    def walk(self) -> Iterator[tuple[bytes, Entry]]:
        """``(path below the top, entry)``, parents first, sorted; the top is ``b""``."""
        skip = len(self.top.path) + 1 if self.top.path else 0
        todo = [self.top.path]
        while todo:
            path = todo.pop()
            entry = self.listing.find(path)
            if entry is None:
                continue
            yield path[skip:] if path != self.top.path else b"", entry
            if entry.kind == "dir":
                todo += self.listing.children(path)[::-1]

    def key(self) -> str:
        """Equal for equal files, owners and modes; times do not count."""
        digest = hashlib.sha256()
        for path, entry in self.walk():
            content = self.listing.digest(entry) if entry.kind == "file" else entry.link
            told = (len(path), path, len(content), content, _KINDS[entry.kind], entry.mode)
            owners = (entry.uid, entry.gid, entry.major, entry.minor)
            digest.update(b"%d:%b %d:%b %b %o %d:%d %d %d" % (*told, *owners))
            for name, value in entry.xattrs:
                digest.update(b" %d:%b %d:%b" % (len(name), name, len(value), value))
        return digest.hexdigest()

    def write(self, target: Path) -> Path:
        """Copy it to ``target``, a path that is not there yet, and return that."""
        if self.top.kind == "dir":
            target.mkdir(parents=True)
            self._write(target, b"")
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            self._write(target.parent, os.fsencode(target.name))
        return target

    def _write(self, directory: Path, name: bytes) -> None:
        from scow.layer.checkout import put
        from scow.layer.rights import rights
        from scow.layer.tree import OverlayTree

        first: dict[object, bytes] = {}
        with contextlib.closing(OverlayTree(directory, rights())) as tree:
            for path, found in self.walk():
                entry = msgspec.structs.replace(found, path=path or name)
                if self.time is not None:
                    entry = msgspec.structs.replace(entry, mtime=self.time)
                identity = self.listing.identity(found) if found.kind == "file" else None
                before = first.setdefault(identity, entry.path) if identity is not None else entry.path
                if before != entry.path:
                    entry = msgspec.structs.replace(entry, kind="hardlink", link=before)
                put(tree, entry, self.listing.content(found) if entry.kind == "file" else b"")
            tree.finish()
