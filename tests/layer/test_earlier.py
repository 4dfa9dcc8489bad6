"""A layer made after another: the same bytes as ever, and what they share is neither read nor compressed again."""

from __future__ import annotations

import hashlib
import io
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from scow.errors import Integrity
from scow.layer import pack as packing
from scow.layer.compression import MEMBER, encoder, gzip_member
from scow.layer.earlier import Earlier
from scow.layer.entry import Entry
from scow.layer.members import Members
from scow.layer.pack import Content, Packed, pack

Files = dict[str, bytes]
CHANCE = random.Random(3)
POOL = CHANCE.randbytes(1 << 20) + b"text " * 100_000


def content(seed: int, size: int) -> bytes:
    start = seed * 7919 % 100_000
    return (POOL[start:] * (size // len(POOL) + 2))[:size]


class Reading:
    """Items of files, whose reading is noted."""

    def __init__(self, files: Files) -> None:
        self.files, self.read = files, set[str]()

    def items(self) -> list[tuple[Entry, Content]]:
        made: list[tuple[Entry, Content]] = [(Entry(b"d", "dir", 0o755), b"")]
        for name, data in sorted(self.files.items()):
            entry = Entry(b"d/" + name.encode(), "file", 0o644, size=len(data), digest=hashlib.sha256(data).digest())
            made.append((entry, self._opened(name, data)))
        return made

    def _opened(self, name: str, data: bytes) -> Callable[[], int]:
        def open_it() -> int:
            self.read.add(name)
            fd = os.memfd_create(name)
            os.write(fd, data)
            os.lseek(fd, 0, os.SEEK_SET)
            return fd

        return open_it


def packed(files: Files, earlier: Earlier | None = None) -> tuple[Packed, bytes, list[Entry], set[str]]:
    blob, entries, reading = io.BytesIO(), list[Entry](), Reading(files)
    seen = hashlib.sha256()
    made = pack(reading.items(), blob, entries.append, seen.update, earlier)
    assert made.tar == seen.hexdigest()
    return made, blob.getvalue(), entries, reading.read


def kept(files: Files, path: Path) -> Earlier:
    made, blob, entries, _ = packed(files)
    path.write_bytes(blob)
    return Earlier(entries, path, Members(made.blob, made.members, encoder()))


LARGE = {
    f"f{number:02}": content(number, size) for number, size in enumerate([3 << 20, 5 << 20, 9 << 20, 100, 2 << 20])
}


def test_only_the_members_that_changed_are_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    earlier = kept(LARGE, tmp_path / "blob")
    compressed: list[int] = []

    def count(data: memoryview) -> bytearray:
        compressed.append(len(data))
        return gzip_member(data)

    monkeypatch.setattr(packing, "gzip_member", count)
    changed = {**LARGE, "f00": content(77, 3 << 20)}
    again = packed(changed, earlier)
    assert (len(compressed), again[3]) == (1, {"f00", "f01"})  # the second begins in the first member
    assert again[:3] == packed(changed)[:3]


def test_nothing_changed_reads_nothing(tmp_path: Path) -> None:
    made = packed(LARGE, kept(LARGE, tmp_path / "blob"))
    assert made[3] == set()
    assert made[:3] == packed(LARGE)[:3]


def test_what_is_only_shorter_or_longer_ends_right(tmp_path: Path) -> None:
    earlier = kept(LARGE, tmp_path / "blob")
    for changed in ({**LARGE, "g": b"more"}, {name: LARGE[name] for name in list(LARGE)[:-1]}, {}):
        assert packed(changed, earlier)[:3] == packed(changed)[:3]


@given(
    st.lists(st.integers(0, 2 * MEMBER), min_size=1, max_size=5),
    st.dictionaries(st.integers(0, 6), st.one_of(st.none(), st.integers(0, MEMBER)), max_size=3),
)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_bytes_are_those_of_a_layer_made_by_itself(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], changes: dict[int, int | None]
) -> None:
    files = {f"f{number}": content(number, size) for number, size in enumerate(sizes)}
    earlier = kept(files, tmp_path_factory.mktemp("earlier") / "blob")
    changed = dict(files)
    for number, size in changes.items():
        changed.pop(f"f{number}", None)
        if size is not None:
            changed[f"f{number}"] = content(number + 50, size)
    assert packed(changed, earlier)[:3] == packed(changed)[:3]


@pytest.mark.parametrize("place", [40, -30])
def test_a_damaged_one_is_told(tmp_path: Path, place: int) -> None:
    earlier = kept(LARGE, tmp_path / "blob")
    data = bytearray((tmp_path / "blob").read_bytes())
    data[place] ^= 1
    (tmp_path / "blob").write_bytes(data)
    with pytest.raises(Integrity):
        packed(LARGE, earlier)


def test_a_file_that_only_looks_the_same_is_not_taken_over(tmp_path: Path) -> None:
    """The same name and size; the digest is what counts, and one that is unknown is none."""
    earlier = kept(LARGE, tmp_path / "blob")
    other = {**LARGE, "f02": content(99, 9 << 20)}
    assert packed(other, earlier)[:3] == packed(other)[:3]
    unknown = [(replace(entry, digest=b""), data) for entry, data in Reading(LARGE).items()]
    assert not earlier.kept(entry for entry, _ in unknown).members


def test_a_table_that_lost_its_end_serves_as_far_as_it_goes(tmp_path: Path) -> None:
    earlier = kept(LARGE, tmp_path / "blob")
    short = replace(earlier, members=replace(earlier.members, sizes=earlier.members.sizes[:2]))
    assert packed(LARGE, short)[:3] == packed(LARGE)[:3]
