"""What became of a tree that was a merged view: the changeset between the two, where no overlay kept it apart.

A file counts as changed when its type, size, time, mode, owner, link or xattrs are not the view's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import msgspec

from scow.layer.diff import Owners, item, walk
from scow.layer.entry import Entry
from scow.layer.reach import Reach
from scow.layer.view import View

if TYPE_CHECKING:
    from scow.layer.pack import Item


def changes(root: str, before: View, owners: Owners, *, latest: int | None = None) -> Iterator[Item]:
    """The entries of ``root`` that ``before`` does not have so, and whiteouts for what is gone; parents first."""
    seen: dict[bytes, os.stat_result] = {}
    changed: dict[bytes, os.stat_result] = {}
    with Reach(os.fsencode(root)) as reach:
        for path, status in walk(reach):
            seen[path] = status
            found = before.find(path)
            if path and (found is None or not _same(found.entry, _plain(reach, path, status, owners), status)):
                changed[path] = status
        gone = [found.entry.path for found in before.walk() if found.entry.path not in seen]
        for path in (*changed, *gone):
            _add_parents(path, seen, changed)
        links: dict[tuple[int, int], bytes] = {}
        for path in sorted({*changed, *(path for path in gone if path.rpartition(b"/")[0] in seen)}):
            if path in changed:
                yield item(reach, path, changed[path], owners, links, latest)
            else:
                yield Entry(path, "whiteout"), b""


def _plain(reach: Reach, path: bytes, status: os.stat_result, owners: Owners) -> Entry:
    """The entry by itself, not as a link to another."""
    return item(reach, path, status, owners, {}, None)[0]


def _same(old: Entry, new: Entry, status: os.stat_result) -> bool:
    if old.kind in ("char", "block") and new.kind == "file" and not status.st_size:
        return True  # the place of a device that this user could not make
    timeless = old.kind in ("dir", "char", "block", "fifo")
    return msgspec.structs.replace(
        old, digest=b"", offset=-1, mtime=0 if timeless else old.mtime
    ) == msgspec.structs.replace(new, mtime=0 if timeless else new.mtime)


def _add_parents(path: bytes, seen: Mapping[bytes, os.stat_result], changed: dict[bytes, os.stat_result]) -> None:
    """Every changeset names the directories above what it brings."""
    while path := path.rpartition(b"/")[0]:
        if path in seen:
            changed.setdefault(path, seen[path])
