"""What became of a tree that was a merged view: the changeset between the two, where no overlay kept it apart.

A file counts as changed when its type, size, time, mode, owner, link or xattrs are not the view's.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from scow.layer.diff import Owners, item
from scow.layer.entry import Entry
from scow.layer.view import View

if TYPE_CHECKING:
    from scow.layer.pack import Item


def changes(root: str, before: View, owners: Owners, *, latest: int | None = None) -> Iterator[Item]:
    """The entries of ``root`` that ``before`` does not have so, and whiteouts for what is gone; parents first."""
    top = os.fsencode(root)
    seen: set[bytes] = {b""}
    changed: dict[bytes, os.stat_result] = {}
    for path, status in _walk(top):
        seen.add(path)
        found = before.find(path)
        if found is None or not _same(found.entry, _plain(path, top, status, owners), status):
            changed[path] = status
    gone = [found.entry.path for found in before.walk() if found.entry.path not in seen]
    for path in (*changed, *gone):
        _add_parents(path, top, changed)
    links: dict[tuple[int, int], bytes] = {}
    for path in sorted({*changed, *(path for path in gone if path.rpartition(b"/")[0] in seen)}):
        if path in changed:
            yield item(path, os.path.join(top, path), changed[path], owners, links, latest)
        else:
            yield Entry(path, "whiteout"), b""


def _walk(top: bytes) -> Iterator[tuple[bytes, os.stat_result]]:
    todo = sorted(os.listdir(top), reverse=True)
    while todo:
        path = todo.pop()
        full = os.path.join(top, path)
        status = os.lstat(full)
        if stat.S_ISSOCK(status.st_mode):
            continue
        yield path, status
        if stat.S_ISDIR(status.st_mode):
            todo += sorted((os.path.join(path, name) for name in os.listdir(full)), reverse=True)


def _plain(path: bytes, top: bytes, status: os.stat_result, owners: Owners) -> Entry:
    """The entry by itself, not as a link to another."""
    return item(path, os.path.join(top, path), status, owners, {}, None)[0]


def _same(old: Entry, new: Entry, status: os.stat_result) -> bool:
    if old.kind in ("char", "block") and new.kind == "file" and not status.st_size:
        return True  # the place of a device that this user could not make
    timeless = old.kind in ("dir", "char", "block", "fifo")
    return msgspec.structs.replace(
        old, digest=b"", offset=-1, mtime=0 if timeless else old.mtime
    ) == msgspec.structs.replace(new, mtime=0 if timeless else new.mtime)


def _add_parents(path: bytes, top: bytes, changed: dict[bytes, os.stat_result]) -> None:
    """Every changeset names the directories above what it brings."""
    while path := path.rpartition(b"/")[0]:
        if path not in changed and os.path.lexists(full := os.path.join(top, path)):
            changed[path] = os.lstat(full)
