"""The layer index: what goes in comes out, its header adds up, and damage is found."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.layer.test_tar import items, short_enough

from scow.errors import Integrity
from scow.layer.entry import Entry
from scow.layer.index import Header, Index, Writer


def write(path: Path, entries: list[Entry], size: int = 0, *, plain: bool = True) -> Header:
    with path.open("xb") as file:
        writer = Writer(file)
        for entry in entries:
            writer.add(entry)
        return writer.finish(size, plain=plain)


@given(st.lists(items(), max_size=8).filter(short_enough))
@settings(deadline=None, max_examples=50)
def test_what_goes_in_comes_out(tmp_path_factory: pytest.TempPathFactory, made: list[object]) -> None:
    path = tmp_path_factory.mktemp("index") / "index"
    entries = [item.entry for item in made]  # type: ignore[attr-defined]
    header = write(path, entries, 12345, plain=False)
    with Index(path) as index:
        assert list(index) == list(index) == entries
        assert index.header == header
        assert (header.entries, header.size, header.plain) == (len(entries), 12345, False)
        assert header.content == sum(entry.size for entry in entries)


def numbered(count: int) -> list[Entry]:
    return [Entry(b"d/%d" % number, "file", 0o644, size=number, digest=b"\1" * 32) for number in range(count)]


@pytest.mark.parametrize("count", [0, 1, 1023, 1024, 1025, 5000])
def test_frames(tmp_path: Path, count: int) -> None:
    header = write(tmp_path / "index", numbered(count))
    with Index(tmp_path / "index") as index:
        assert list(index) == numbered(count)
    assert (header.entries, header.content) == (count, sum(range(count)))


def test_readers_side_by_side(tmp_path: Path) -> None:
    write(tmp_path / "index", numbered(3000))
    with Index(tmp_path / "index") as index:
        pairs = zip(index, index, strict=True)
        assert all(one == other for one, other in pairs)


def test_the_root_stands_in_the_header(tmp_path: Path) -> None:
    root = Entry(b"", "dir", 0o1777, 5, 6, mtime=7)
    write(tmp_path / "index", [Entry(b"", "dir", 0o700), Entry(b"a", "fifo"), root, Entry(b"", "opaque")])
    with Index(tmp_path / "index") as index:
        assert index.header.root == root


def test_a_root_with_too_much_to_tell_is_left_out(tmp_path: Path) -> None:
    write(tmp_path / "index", [Entry(b"", "dir", xattrs=((b"user.a", bytes(5000)),))])
    with Index(tmp_path / "index") as index:
        assert index.header.root is None
        assert len(list(index)) == 1


def test_an_index_that_was_not_finished_is_damaged(tmp_path: Path) -> None:
    with (tmp_path / "index").open("xb") as file:
        writer = Writer(file)
        writer.add(Entry(b"a", "fifo"))
    with pytest.raises(Integrity):
        Index(tmp_path / "index")


@pytest.mark.parametrize("keep", [0, 3, 100, 4096, 4097, 4100, 5000, -1, -5])
def test_an_index_that_was_cut_is_damaged(tmp_path: Path, keep: int) -> None:
    write(tmp_path / "index", numbered(3000))
    data = (tmp_path / "index").read_bytes()
    (tmp_path / "index").write_bytes(data[:keep])
    with pytest.raises(Integrity), Index(tmp_path / "index") as index:
        list(index)


def test_an_index_that_was_cut_between_two_frames_is_damaged(tmp_path: Path) -> None:
    write(tmp_path / "index", numbered(3000))
    data = (tmp_path / "index").read_bytes()
    first = int.from_bytes(data[4096:4100], "big")
    (tmp_path / "index").write_bytes(data[: 4100 + first])
    with pytest.raises(Integrity), Index(tmp_path / "index") as index:
        list(index)


@given(st.integers(0, 4200), st.integers(1, 255))
@settings(deadline=None, max_examples=100)
def test_a_changed_byte_is_found_or_changes_values_only(
    tmp_path_factory: pytest.TempPathFactory, at: int, change: int
) -> None:
    path = tmp_path_factory.mktemp("index") / "index"
    write(path, numbered(5))
    data = bytearray(path.read_bytes())
    data[at % len(data)] ^= change
    path.write_bytes(data)
    try:
        with Index(path) as index:
            assert all(isinstance(entry, Entry) for entry in index)
    except Integrity:
        return


def test_another_format_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "index").write_bytes(b"\0\0\0\x02\x91\x63".ljust(4096, b"\0"))
    with pytest.raises(Integrity):
        Index(tmp_path / "index")
