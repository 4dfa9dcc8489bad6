"""Tables of contents that others wrote: read, or refused."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import stargz

from scow.errors import Invalid, ScowError
from scow.layer import toc


def table(*lines: dict[str, object]) -> bytes:
    return json.dumps({"version": 1, "entries": lines}).encode()


FILE: dict[str, object] = {"name": "a", "type": "reg", "size": 3, "digest": "sha256:" + "a" * 64, "offset": 100}


def test_a_table() -> None:
    raw = table(
        {"name": "./d/", "type": "dir", "mode": 0o1777, "modtime": "2023-11-14T22:13:20.5+01:00"},
        {**FILE, "xattrs": {"user.x": "YmFy"}},
        {"name": "a", "type": "chunk", "offset": 200, "chunkOffset": 2},
        {**FILE, "name": "b", "offset": 300, "innerOffset": 7},
        {"name": "c/.wh.gone", "type": "reg"},
        {"name": "n", "type": "char", "devMajor": 1, "devMinor": 3},
    )
    found = toc.parse(raw, 1000)
    assert [(one.path, one.kind) for one in found.entries] == [
        (b"d", "dir"), (b"a", "file"), (b"b", "file"), (b"c/gone", "whiteout"), (b"n", "char"),
    ]  # fmt: skip
    assert found.entries[0].mtime == 1_699_996_400_500_000_000
    assert found.entries[1].xattrs == ((b"user.x", b"bar"),)
    assert found.pieces == {b"a": toc.Piece(100, 300), b"b": toc.Piece(300, 1000, 7)}


@pytest.mark.parametrize(
    ("modtime", "nanoseconds"),
    [
        ("", 0), ("yesterday", 0), ("2024-13-01T00:00:00Z", 0), ("0000-01-01T00:00:00Z", 0),
        ("9999-12-31T23:59:59Z", (1 << 63) - 1), ("0001-01-01T00:00:00Z", 1 - (1 << 63)),
    ],
)  # fmt: skip
def test_times_that_no_file_has(modtime: str, nanoseconds: int) -> None:
    (entry,) = toc.parse(table({**FILE, "modtime": modtime}), 1000).entries
    assert entry.mtime == nanoseconds


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{}", b"[]", b'{"version":1,"entries":[{}]}',
        table({**FILE, "offset": 1000}),
        table({**FILE, "offset": -1}),
        table({**FILE, "offset": 0}),
        table({**FILE, "size": -3}),
        table({**FILE, "size": 1 << 62}),
        table({**FILE, "digest": ""}),
        table({**FILE, "digest": "sha256:x"}),
        table({**FILE, "endOffset": 5000}),
        table({**FILE, "innerOffset": -1}),
        table({**FILE, "name": "../a"}),
        table({**FILE, "name": "a\0b"}),
        table({"name": "l", "type": "hardlink", "linkName": "../../x"}),
        table({"name": "l", "type": "symlink"}),
    ],
)  # fmt: skip
def test_bad_tables(raw: bytes) -> None:
    with pytest.raises(Invalid):
        toc.parse(raw, 1000)


_json = st.recursive(
    st.none() | st.integers() | st.text(max_size=8) | st.sampled_from(["reg", "a", "sha256:" + "a" * 64]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from([*FILE, "entries", "version", "innerOffset", "modtime", "xattrs"]), inner)
    ),
    max_leaves=20,
)


@given(_json)
def test_any_json(document: object) -> None:
    with contextlib.suppress(ScowError):
        toc.parse(json.dumps({"version": 1, "entries": [document]}).encode(), 1000)


@given(st.binary(max_size=80), st.integers(0, 2**63))
def test_any_footer(tail: bytes, start: int) -> None:
    assert toc.footer(tail, 10_000, "x") is None
    try:
        assert toc.footer(stargz.footer(start), 10_000, "x") == toc.Place(start, 10_000 - 51, "x", False)
    except Invalid:
        assert start >= 10_000 - 51


@pytest.mark.parametrize("position", ["", "1:2:3", "1:2:3:2", "99:2:3:1", "1:0:3:1", "-1:2:3:1"])
def test_bad_positions(position: str) -> None:
    told = {
        "io.containers.zstd-chunked.manifest-checksum": "x",
        "io.containers.zstd-chunked.manifest-position": position,
    }
    try:
        assert toc.chunked(told, 100) is None
    except Invalid:
        assert position in ("99:2:3:1", "1:0:3:1")
