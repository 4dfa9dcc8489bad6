"""Directories that only a mount point made the kernel copy up are no change, and no part of a layer. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from scow.layer.entry import Entry
from scow.layer.view import View

if TYPE_CHECKING:
    from scow.layer.pack import Item


def without_untouched(items: Iterator[Item], lower: View, latest: int) -> Iterator[Item]:
    """``items`` (parents first) without directories that hold no change and are as ``lower`` has them.

    ``latest`` (ns) is the ceiling that the items' times were given.
    """
    waiting: list[Item] = []  # a way down: each the parent of the next
    for item in items:
        entry = item[0]
        inside = entry.path if entry.kind == "opaque" else entry.parent
        while waiting and not _holds(waiting[-1][0].path, inside):
            waiting.pop()
        if _is_untouched(entry, lower, latest):
            waiting.append(item)
            continue
        yield from waiting
        waiting.clear()
        yield item


def _holds(directory: bytes, inside: bytes) -> bool:
    return inside == directory or inside.startswith(directory + b"/")


def _is_untouched(entry: Entry, lower: View, latest: int) -> bool:
    found = lower.find(entry.path) if entry.kind == "dir" else None
    if found is None or found.entry.kind != "dir":
        return False
    old = found.entry
    same = (entry.mode, entry.uid, entry.gid, entry.xattrs) == (old.mode, old.uid, old.gid, old.xattrs)
    return same and entry.mtime in (old.mtime, min(old.mtime, latest))
