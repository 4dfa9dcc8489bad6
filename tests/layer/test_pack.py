"""Layers made: the same bytes on every machine and with any number of threads, and the index that goes with them."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import random
from collections.abc import Iterable
from pathlib import Path

import pytest
from tests.layer import tars
from tests.layer.tars import item

from scow.errors import Conflict
from scow.layer import pack as packing
from scow.layer.compression import MEMBER
from scow.layer.entry import Entry
from scow.layer.index import Index, Writer
from scow.layer.pack import Content, Packed, pack
from scow.layer.reach import opener

SMALL = [
    item("", "dir", mode=0o755, mtime=10**9),
    item("etc", "dir", mode=0o755, mtime=10**9),
    item("etc/passwd", data=b"root:x:0:0::/root:/bin/sh\n", mode=0o644, mtime=1_704_067_200_000_000_000),
    item("etc/" + "long" * 40, data=b"x" * 5000, mode=0o4711, uid=3_000_000, mtime=-1_500_000_000),
    item("etc/link", "symlink", link=b"passwd", mode=0o777),
    item("etc/hard", "hardlink", link=b"etc/passwd"),
    item("etc/attr", data=b"a", xattrs=((b"security.capability", bytes(20)), (b"user.x", b"\xff\0"))),
    item("dev/null", "char", mode=0o666, major=1, minor=3),
    item("gone", "whiteout"),
    item("etc", "opaque"),
]


def packed(items: Iterable[tuple[Entry, Content]], directory: Path) -> tuple[Packed, bytes, list[Entry]]:
    blob = io.BytesIO()
    with (directory / "index").open("wb") as file:
        writer = Writer(file)
        made = pack(items, blob, writer.add)
        writer.finish(made.tar_size, plain=True)
    with Index(directory / "index") as index:
        return made, blob.getvalue(), list(index)


def whole(items: Iterable[tars.Item]) -> list[tuple[Entry, Content]]:
    return [(each.entry, each.data) for each in items]


def test_the_digests_of_a_small_layer_never_change(tmp_path: Path) -> None:
    made, _, _ = packed(whole(SMALL), tmp_path)
    assert (made.tar, made.blob) == (
        "ea1185519d7bc070ea0cc653715bf9a95501e9f2b81bf44bb043a38daea45243",
        "711a2c837c54d41ef37a5328a93209bc5d91b91939ff22d1b5182f098cd663ec",
    )


def test_it_is_the_tar_of_its_entries_and_says_so(tmp_path: Path) -> None:
    made, blob, entries = packed(whole(SMALL), tmp_path)
    tar = gzip.decompress(blob)
    assert tar == tars.write(SMALL)
    assert (made.tar, made.tar_size) == (hashlib.sha256(tar).hexdigest(), len(tar))
    assert (made.blob, made.blob_size) == (hashlib.sha256(blob).hexdigest(), len(blob))
    for entry, each in zip(entries, SMALL, strict=True):
        assert entry.path == each.entry.path
        if entry.kind == "file":
            assert tar[entry.offset : entry.offset + entry.size] == each.data
            assert entry.digest == hashlib.sha256(each.data).digest()


def test_what_is_packed_is_read(tmp_path: Path) -> None:
    _, blob, entries = packed(whole(SMALL), tmp_path)
    read, _ = tars.no_tree(gzip.decompress(blob))
    assert read == entries


def big(directory: Path) -> list[tuple[Entry, Content]]:
    """Files from disk that fill several members, some ending right where a member does."""
    noise = random.Random(4)
    made: list[tuple[Entry, Content]] = []
    for number, size in enumerate([MEMBER - 512, MEMBER, 1, 0, 2 * MEMBER + 17, 511, 512]):
        path = directory / f"f{number}"
        path.write_bytes(noise.randbytes(4096) * (size // 4096) + bytes(size % 4096))
        made.append((Entry(b"f%d" % number, "file", 0o644, size=size), opener(os.fsencode(directory), b"f%d" % number)))
    return made


def test_the_bytes_do_not_depend_on_the_number_of_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = set()
    for threads in (1, 2, 7):
        monkeypatch.setattr(packing, "_THREADS", threads)
        made, blob, _ = packed(big(tmp_path), tmp_path)
        found.add((made, blob))
    assert len(found) == 1
    ((_, blob),) = found
    assert [member.entry.size for member in tars.read(gzip.decompress(blob))] == [e.size for e, _ in big(tmp_path)]


def test_an_empty_layer(tmp_path: Path) -> None:
    made, blob, entries = packed([], tmp_path)
    assert gzip.decompress(blob) == bytes(1024)
    assert entries == []
    assert made.tar == hashlib.sha256(bytes(1024)).hexdigest()


@pytest.mark.parametrize("size", [4, 6])
def test_a_file_that_changes_meanwhile_is_told(tmp_path: Path, size: int) -> None:
    (tmp_path / "f").write_bytes(b"x" * 5)
    item = (Entry(b"f", "file", size=size), opener(os.fsencode(tmp_path), b"f"))
    with pytest.raises(Conflict):
        packed([item], tmp_path)


def test_compress_keeps_a_tar_as_it_is(tmp_path: Path) -> None:
    tar = tars.write(SMALL) + b"what follows the end belongs to it"
    blob, seen = io.BytesIO(), bytearray()
    made = packing.compress(io.BytesIO(tar), blob, seen.extend)
    assert gzip.decompress(blob.getvalue()) == bytes(seen) == tar
    assert made.tar == hashlib.sha256(tar).hexdigest()
    assert made.blob == hashlib.sha256(blob.getvalue()).hexdigest()
