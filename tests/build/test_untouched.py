"""Directories that only a mount point touched are no part of a layer."""

from __future__ import annotations

import pytest
from tests.build.listings import view_of

from scow.build.untouched import without_untouched
from scow.layer.entry import Entry

BELOW = view_of({"a/b/c": None, "a/f": "x", "d": None})


def kept(*entries: Entry) -> list[bytes]:
    items = ((entry, b"") for entry in entries)
    return [entry.path for entry, _ in without_untouched(iter(items), BELOW, 10)]


def directory(path: bytes, mode: int = 0o755, uid: int = 0, mtime: int = 0) -> Entry:
    return Entry(path, "dir", mode, uid, 0, mtime=mtime)


CASES = [
    ((directory(b"a"), directory(b"a/b"), directory(b"d")), []),
    ((directory(b"a"), directory(b"a/b"), Entry(b"a/b/new", "file")), [b"a", b"a/b", b"a/b/new"]),
    ((directory(b"a"), directory(b"a/b"), Entry(b"a/f", "whiteout")), [b"a", b"a/f"]),
    ((directory(b"a"), directory(b"a/b", 0o700)), [b"a", b"a/b"]),
    ((directory(b"a", uid=1),), [b"a"]),
    ((directory(b"a", mtime=5),), [b"a"]),
    ((directory(b"new"),), [b"new"]),
    ((directory(b"a"), Entry(b"a", "opaque")), [b"a", b"a"]),
    ((directory(b"a"), directory(b"ab"), Entry(b"ab/x", "file")), [b"ab", b"ab/x"]),
    ((directory(b"a/f"),), [b"a/f"]),
]


@pytest.mark.parametrize(("entries", "left"), CASES)
def test_what_is_left(entries: tuple[Entry, ...], left: list[bytes]) -> None:
    assert kept(*entries) == left
