"""Tar streams: what others write is read as they meant it, what scow writes is read by them, damage is refused."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.layer import tars
from tests.layer.tars import END, Item, block, directory, file, gnu_long, pax, read, record, write
from tests.support.peers import need_root

from scow.errors import Invalid, Limit, ScowError
from scow.layer.entry import Entry
from scow.layer.header import header, padding
from scow.layer.tar import members

SECOND = 10**9


def one(stream: bytes) -> tars.Member:
    found = read(stream)
    assert len(found) == 1
    return found[0]


# -- one header, field by field ---------------------------------------------------------------------------------------

ONE = {
    "ustar": (file(b"a/b"), Entry(b"a/b", "file", 0o644, size=4, offset=512)),
    "a slash before 1988": (block(b"d/", b"\0"), Entry(b"d", "dir", 0o644)),
    "a slash since": (block(b"f/", b"0"), Entry(b"f", "file", 0o644, offset=512)),
    "ustar prefix": (block(b"b", prefix=b"a/" * 70), Entry(b"a/" * 70 + b"b", "file", 0o644, offset=512)),
    "leading dot slash": (file(b"./a"), Entry(b"a", "file", 0o644, size=4, offset=512)),
    "absolute is relative to the root": (file(b"/a"), Entry(b"a", "file", 0o644, size=4, offset=512)),
    "doubled slashes": (file(b"a//./b"), Entry(b"a/b", "file", 0o644, size=4, offset=512)),
    "root": (block(b"./", b"5", mode=b"0001777\0"), Entry(b"", "dir", 0o1777)),
    "not UTF-8": (file(b"\xff\xfe"), Entry(b"\xff\xfe", "file", 0o644, size=4, offset=512)),
    "V7 directory": (block(b"d/", b"\0", magic=bytes(8)), Entry(b"d", "dir", 0o644)),
    "V7 file": (block(b"f", b"\0", 4, magic=bytes(8)) + tars.padded(b"data"),
                Entry(b"f", "file", 0o644, size=4, offset=512)),
    "old GNU magic has no prefix": (block(b"f", magic=b"ustar  \0", prefix=b"00000000000\0" * 2),
                                    Entry(b"f", "file", 0o644, offset=512)),
    "contiguous": (block(b"f", b"7"), Entry(b"f", "file", 0o644, offset=512)),
    "signed checksum": (block(b"\xe4\xf6", signed=True), Entry(b"\xe4\xf6", "file", 0o644, offset=512)),
    "spaces around numbers": (block(b"f", mode=b"   644 \0", uid=b"     7\0 "),
                              Entry(b"f", "file", 0o644, uid=7, offset=512)),
    "empty numbers": (block(b"f", mode=bytes(8), uid=b" " * 8), Entry(b"f", "file", offset=512)),
    "only permission bits of mode": (block(b"f", mode=b"0104755\0"), Entry(b"f", "file", 0o4755, offset=512)),
    "base-256 ids": (block(b"f", uid=tars.base256(3_000_000_000, 8), gid=tars.base256(2_097_152, 8)),
                     Entry(b"f", "file", 0o644, 3_000_000_000, 2_097_152, offset=512)),
    "base-256 size": (block(b"f", length=tars.base256(4, 12)) + tars.padded(b"data"),
                      Entry(b"f", "file", 0o644, size=4, offset=512)),
    "base-256 time before 1970": (block(b"f", mtime=tars.base256(-86400, 12)),
                                  Entry(b"f", "file", 0o644, mtime=-86400 * SECOND, offset=512)),
    "symlink": (tars.symlink(b"l", b"../x/"), Entry(b"l", "symlink", 0o644, link=b"../x/")),
    "hard link": (tars.hardlink(b"l", b"./x//y"), Entry(b"l", "hardlink", 0o644, link=b"x/y")),
    "hard link that gives a size has no content": (block(b"l", b"1", 4096, link=b"x"),
                                                   Entry(b"l", "hardlink", 0o644, link=b"x")),
    "directory that gives a size has no content": (block(b"d/", b"5", 4096), Entry(b"d", "dir", 0o644)),
    "char": (block(b"c", b"3", major=b"0000001\0", minor=b"0000003\0"), Entry(b"c", "char", 0o644, major=1, minor=3)),
    "block": (block(b"b", b"4", major=b"0000010\0", minor=b"0777777\0"),
              Entry(b"b", "block", 0o644, major=8, minor=0o777777)),
    "fifo": (block(b"p", b"6"), Entry(b"p", "fifo", 0o644)),
    "whiteout": (block(b"a/.wh.b"), Entry(b"a/b", "whiteout")),
    "opaque": (block(b"a/.wh..wh..opq"), Entry(b"a", "opaque")),
    "opaque root": (block(b".wh..wh..opq"), Entry(b"", "opaque")),
    "GNU long name": (gnu_long(b"n" * 200, b"L") + file(b"n" * 100),
                      Entry(b"n" * 200, "file", 0o644, size=4, offset=2048 - 512)),
    "GNU long link": (gnu_long(b"t" * 300, b"K") + tars.symlink(b"l", b"t" * 100),
                      Entry(b"l", "symlink", 0o644, link=b"t" * 300)),
    "PAX path": (pax(record(b"path", b"p" * 120 + b"/q")) + file(b"p"),
                 Entry(b"p" * 120 + b"/q", "file", 0o644, size=4, offset=1536)),
    "PAX link path": (pax(record(b"linkpath", b"t" * 300)) + tars.symlink(b"l", b"t"),
                      Entry(b"l", "symlink", 0o644, link=b"t" * 300)),
    "PAX numbers": (pax(record(b"uid", b"4000000000") + record(b"gid", b"5")) + block(b"f"),
                    Entry(b"f", "file", 0o644, 4_000_000_000, 5, offset=1536)),
    "PAX size": (pax(record(b"size", b"4")) + block(b"f") + tars.padded(b"data"),
                 Entry(b"f", "file", 0o644, size=4, offset=1536)),
    "PAX nanoseconds": (pax(record(b"mtime", b"1700000000.123456789")) + block(b"f"),
                        Entry(b"f", "file", 0o644, mtime=1_700_000_000_123_456_789, offset=1536)),
    "PAX time finer than ns is cut": (pax(record(b"mtime", b"1.1234567899")) + block(b"f"),
                                      Entry(b"f", "file", 0o644, mtime=1_123_456_789, offset=1536)),
    "PAX negative time": (pax(record(b"mtime", b"-1.5")) + block(b"f"),
                          Entry(b"f", "file", 0o644, mtime=-1_500_000_000, offset=1536)),
    "PAX time just before 1970": (pax(record(b"mtime", b"-0.25")) + block(b"f"),
                                  Entry(b"f", "file", 0o644, mtime=-250_000_000, offset=1536)),
    "PAX xattrs sorted, binary": (
        pax(record(b"SCHILY.xattr.user.b", b"\0=\n") + record(b"SCHILY.xattr.user.a", b"")) + block(b"f"),
        Entry(b"f", "file", 0o644, offset=1536, xattrs=((b"user.a", b""), (b"user.b", b"\0=\n"))),
    ),
    "an image does not speak to overlayfs": (
        pax(record(b"SCHILY.xattr.trusted.overlay.opaque", b"y") + record(b"SCHILY.xattr.user.overlay.redirect", b"/"))
        + directory(b"d"),
        Entry(b"d", "dir", 0o755),
    ),
    "last of a PAX key wins": (pax(record(b"path", b"a") + record(b"path", b"b")) + block(b"f"),
                               Entry(b"b", "file", 0o644, offset=1536)),
    "unknown PAX keys are nothing": (pax(record(b"comment", b"hello") + record(b"LIBARCHIVE.x", b"1")) + block(b"f"),
                                     Entry(b"f", "file", 0o644, offset=1536)),
    "an empty PAX value takes the header's word back": (
        pax(record(b"path", b"") + record(b"uid", b"") + record(b"mtime", b"") + record(b"size", b"")) + block(b"f"),
        Entry(b"f", "file", 0o644, offset=1536),
    ),
    "two extended headers in a row": (gnu_long(b"l" * 101, b"L") + gnu_long(b"t" * 101, b"K") + block(b"l", b"2"),
                                      Entry(b"l" * 101, "symlink", 0o644, link=b"t" * 101)),
}  # fmt: skip


@pytest.mark.parametrize(("stream", "entry"), ONE.values(), ids=ONE.keys())
def test_a_member(stream: bytes, entry: Entry) -> None:
    assert one(stream + END).entry == entry


def test_global_headers_hold_until_the_next_and_own_ones_come_first() -> None:
    stream = b"".join(
        (
            pax(record(b"uid", b"7") + record(b"mtime", b"5"), b"g"), block(b"a"),
            pax(record(b"uid", b"8")), block(b"b"), block(b"c"),
            pax(record(b"uid", b"9"), b"g"), block(b"d"), END,
        )
    )  # fmt: skip
    found = [(member.entry.path, member.entry.uid, member.entry.mtime) for member in read(stream)]
    assert found == [(b"a", 7, 5 * SECOND), (b"b", 8, 5 * SECOND), (b"c", 7, 5 * SECOND), (b"d", 9, 5 * SECOND)]


@pytest.mark.parametrize("flag", [b"V", b"M", b"N", b"D", b"X", b"Z", b"9", b"\xff"])
def test_unknown_types_are_passed_over_with_their_content(flag: bytes) -> None:
    stream = block(b"label", flag, 700) + padded(b"z" * 700) + file(b"after") + END
    assert one(stream).entry.path == b"after"


def padded(data: bytes) -> bytes:
    return tars.padded(data)


def test_aufs_bookkeeping_is_passed_over() -> None:
    stream = directory(b".wh..wh.plnk") + file(b".wh..wh.aufs") + file(b"a") + END
    assert one(stream).entry.path == b"a"


def test_content_and_offsets() -> None:
    contents = [b"", b"x", b"y" * 511, b"z" * 512, b"w" * 513, os.urandom(3 << 20)]
    stream = b"".join(file(b"f%d" % i, data) for i, data in enumerate(contents)) + END
    found = read(stream)
    assert [member.data for member in found] == contents
    for member in found:
        start = member.entry.offset
        assert stream[start : start + member.entry.size] == member.data


def test_a_body_need_not_be_read() -> None:
    stream = file(b"a", b"a" * 5000) + file(b"b") + END
    assert [entry.path for entry, _ in members(io.BytesIO(stream))] == [b"a", b"b"]


class Drip(io.RawIOBase):
    """A reader that hands out a few bytes at a time."""

    def __init__(self, data: bytes, size: int) -> None:
        super().__init__()
        self._file, self._size = io.BytesIO(data), size

    def read(self, size: int = -1, /) -> bytes:
        return self._file.read(self._size)


@pytest.mark.parametrize("size", [1, 7, 511, 512, 513, 100_000])
def test_it_does_not_matter_how_the_bytes_come(size: int) -> None:
    stream = gnu_long(b"n" * 200, b"L") + file(b"n", b"c" * 1500) + file(b"m") + END + b"junk"
    drip = Drip(stream, size)
    assert [member.data for member in read(drip)] == [b"c" * 1500, b"data"]  # type: ignore[arg-type]
    assert drip.read() == b""


@pytest.mark.parametrize(
    "tail",
    [b"", bytes(512), END, END + b"junk", bytes(10240), END + os.urandom(5 << 20)],
    ids=["nothing", "a block", "two", "junk", "many blocks", "noise"],
)
def test_what_follows_the_end_is_read_but_means_nothing(tail: bytes) -> None:
    reader = io.BytesIO(file(b"a") + tail)
    assert [member.entry.path for member in read(reader)] == [b"a"]
    assert reader.read() == b""


def test_an_empty_layer() -> None:
    assert read(END) == read(b"") == []


# -- damage -----------------------------------------------------------------------------------------------------------

BAD = {
    "not a tar": b"hello " * 200,
    "wrong checksum": file(b"a")[:-512].replace(b"a", b"b", 1) + END,
    "name leaves": file(b"../a"),
    "name leaves from within": file(b"a/../../b"),
    "dot dot even when it stays": file(b"a/../b"),
    "PAX name leaves": pax(record(b"path", b"../a")) + file(b"a"),
    "PAX name with NUL": pax(record(b"path", b"a\0b")) + file(b"a"),
    "GNU long name leaves": gnu_long(b"../" * 40 + b"a", b"L") + file(b"a"),
    "hard link leaves": tars.hardlink(b"a", b"../../etc/passwd"),
    "hard link to itself": tars.hardlink(b"a", b"./a"),
    "hard link to nothing": tars.hardlink(b"a", b""),
    "hard link to the root": tars.hardlink(b"a", b"/"),
    "symlink to nothing": tars.symlink(b"a", b""),
    "symlink with NUL": pax(record(b"linkpath", b"a\0b")) + tars.symlink(b"a", b"b"),
    "root is a symlink": tars.symlink(b"./", b"/"),
    "root is a file": file(b"."),
    "root is a device": block(b".", b"3"),
    "whiteout of dot": block(b"a/.wh.."),
    "whiteout of dot dot": block(b"a/.wh..."),
    "whiteout of nothing": block(b"a/.wh."),
    "negative size": block(b"a", length=tars.base256(-1, 12)),
    "huge size": block(b"a", length=tars.base256(1 << 70, 12)),
    "number is not octal": block(b"a", mode=b"0000999\0"),
    "PAX length is no number": pax(b"xx path=a\n") + file(b"a"),
    "PAX length too long": pax(b"99 path=a\n") + file(b"a"),
    "PAX length too short": pax(b"5 path=a\n") + file(b"a"),
    "PAX length of zero": pax(b"0 path=a\n") + file(b"a"),
    "PAX without equals": pax(b"8 path\n\n") + file(b"a"),
    "PAX key empty": pax(b"6 =aa\n") + file(b"a"),
    "PAX uid is no number": pax(record(b"uid", b"-5")) + file(b"a"),
    "PAX size is no number": pax(record(b"size", b"0x10")) + file(b"a"),
    "PAX time is no number": pax(record(b"mtime", b"1e9")) + file(b"a"),
    "PAX time with signs": pax(record(b"mtime", b"--1")) + file(b"a"),
    "xattr name with NUL": pax(record(b"SCHILY.xattr.user.a\0b", b"x")) + file(b"a"),
    "old sparse map overlaps": block(
        b"s", b"S", 512, magic=b"ustar  \0",
        tail=bytes(41) + (b"%011o\0" % 512 + b"%011o\0" % 512) * 2 + bytes(48) + b"\0" + b"%011o\0" % 4096,
    ) + bytes(512),
    "sparse map leaves the file": pax(
        record(b"GNU.sparse.map", b"0,1000") + record(b"GNU.sparse.size", b"10")) + file(b"s", b"x" * 1000),
    "sparse map is no numbers": pax(
        record(b"GNU.sparse.map", b"a,b") + record(b"GNU.sparse.size", b"10")) + file(b"s"),
    "sparse map has a start only": pax(
        record(b"GNU.sparse.map", b"0,4,8") + record(b"GNU.sparse.size", b"10")) + file(b"s"),
    "sparse map tells of more than there is": pax(
        record(b"GNU.sparse.map", b"0,4,100,50") + record(b"GNU.sparse.size", b"1000")) + file(b"s"),
    "sparse map is longer than its member": pax(
        record(b"GNU.sparse.major", b"1") + record(b"GNU.sparse.minor", b"0") + record(b"GNU.sparse.realsize", b"9"))
    + block(b"s", b"0", 10) + padded(b"1\n0\n0\n"),
}  # fmt: skip


@pytest.mark.parametrize("stream", BAD.values(), ids=BAD.keys())
def test_damage_is_refused(stream: bytes) -> None:
    with pytest.raises(Invalid):
        read(stream + END)


CUT = {
    "header": block(b"a") + file(b"b")[:300],
    "content": block(b"a", size=2000) + bytes(1000),
    "padding": block(b"a", size=10) + b"0123456789",
    "long name": block(b"././@LongLink", b"L", 600) + b"n" * 512,
    "old sparse map": block(b"s", b"S", magic=b"ustar  \0", tail=bytes(41 + 96) + b"\1"),
}


@pytest.mark.parametrize("stream", CUT.values(), ids=CUT.keys())
def test_a_stream_that_is_cut_short_is_refused(stream: bytes) -> None:
    with pytest.raises(Invalid, match="ends in the middle"):
        read(stream)


def test_what_has_no_header_is_no_tar() -> None:
    with pytest.raises(Invalid, match="not a tar stream"):
        read(b"#!/bin/sh\n")


LIMITS = {
    "sparse file of an impossible size": pax(record(b"GNU.sparse.map", b"0,4") + record(b"GNU.sparse.size", b"9" * 19))
    + file(b"s"),
    "old sparse file of an impossible size": block(
        b"s", b"S", 0, magic=b"ustar  \0", tail=bytes(41) + bytes(96) + b"\0" + tars.base256(1 << 80, 12)
    ),
    "long component": pax(record(b"path", b"n" * 256)) + file(b"a"),
    "long path": pax(record(b"path", b"abc/" * 1200)) + file(b"a"),
    "long PAX header": block(b"x", b"x", 2 << 20) + bytes(2 << 20) + file(b"a"),
    "long GNU name": gnu_long(b"n" * (2 << 20), b"L") + file(b"a"),
    "many PAX headers": b"".join(pax(record(b"k%d" % n, bytes(400_000))) for n in range(3)) + file(b"a"),
    "many global headers": b"".join(pax(record(b"k%d" % n, bytes(400_000)), b"g") + file(b"a") for n in range(3)),
    "sparse map without an end": pax(
        record(b"GNU.sparse.major", b"1") + record(b"GNU.sparse.minor", b"0") + record(b"GNU.sparse.realsize", b"9")
    )
    + block(b"s", b"0", 4 << 20)
    + padded(b"9\n")
    + bytes(4 << 20),
}


@pytest.mark.parametrize("stream", LIMITS.values(), ids=LIMITS.keys())
def test_limits(stream: bytes) -> None:
    with pytest.raises(Limit):
        read(stream + END)


NUMBERS = {
    "far future": block(b"f", mtime=tars.base256(1 << 80, 12)),
    "far past": block(b"f", mtime=tars.base256(-(1 << 80), 12)),
    "PAX far future": pax(record(b"mtime", b"9" * 18)) + block(b"f"),
    "huge device": block(b"c", b"3", major=tars.base256(1 << 60, 8), minor=tars.base256(1 << 60, 8)),
    "negative device": block(b"c", b"3", major=tars.base256(-1, 8), minor=tars.base256(-2, 8)),
    "negative uid": block(b"f", uid=tars.base256(-1, 8)),
    "huge uid": pax(record(b"uid", b"9" * 19)) + block(b"f"),
}


@pytest.mark.parametrize("stream", NUMBERS.values(), ids=NUMBERS.keys())
def test_numbers_that_no_kernel_takes_end_in_a_refusal_or_a_value_that_fits(stream: bytes, tmp_path: Path) -> None:
    for apply in (tars.no_tree, lambda data: tars.overlay_tree(tmp_path / "tree", data)):
        try:
            (entry,), _ = apply(stream + END)
        except (ScowError, OSError):
            continue
        assert -(1 << 63) <= entry.mtime < 1 << 63
        assert 0 <= entry.uid < 1 << 32
        assert len(header(entry)) % 512 == 0


@given(st.binary(max_size=3000))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        read(data)
    except ScowError:
        return


@given(st.data())
@settings(max_examples=200)
def test_a_flipped_byte_is_read_or_refused(data: st.DataObject) -> None:
    stream = bytearray(
        pax(record(b"mtime", b"1.5") + record(b"SCHILY.xattr.user.a", b"b")) + file(b"a")
        + gnu_long(b"n" * 120, b"L") + file(b"n") + directory(b"d") + END
    )  # fmt: skip
    at = data.draw(st.integers(0, len(stream) - 1))
    stream[at] = data.draw(st.integers(0, 255))
    try:
        read(bytes(stream))
    except ScowError:
        return


def numbers(digits: int) -> st.SearchStrategy[bytes]:
    """A number field: as nearly all are, or as only some programs write them."""
    usual = st.integers(0, 8**digits - 1).map(lambda value: b"%0*o\0" % (digits, value))
    strange = st.text("0178 _+-\0\x80", min_size=digits + 1, max_size=digits + 1)
    return usual | usual | strange.map(lambda text: text.encode("latin-1"))


pieces = st.sampled_from([b"a", b"usr", b"/", b"/", b".", b"..", b"\0", b".wh."])
odd_names = [b"dir/", b"a//b", b"/a", b"a/", b"a//", b"a/\0", b"./x", b"", b"/", b".wh.gone", b"d/.wh..wh..opq"]
#: what of a header is not as in most
oddities = st.fixed_dictionaries(
    {"flag": st.sampled_from([b"0", b"5"] * 6 + [b"1", b"2", b"\0", b"7", b"S", b"x", b"V"])},
    optional={
        "name": st.sampled_from(odd_names) | st.lists(pieces).map(lambda found: b"".join(found)[:100]),
        "mode": numbers(7),
        "uid": numbers(7),
        "gid": numbers(7),
        "length": st.sampled_from([b"00000000005\0", b"00000000008\0", b"00000000005 "]) | numbers(11),
        "mtime": numbers(11),
        "magic": st.sampled_from([b"ustar  \0", b"\0" * 8]),
        "prefix": st.sampled_from([b"pre/fix", b"pre\0fix", b"../x", b"/"]),
    },
)


@given(oddities)
@example({"flag": b"0", "name": b"a//b"})
@settings(max_examples=400, deadline=None)
def test_a_usual_header_means_what_any_header_does(oddity: dict[str, Any]) -> None:
    """Under extended records (of no meaning here) each header goes the way that knows them all."""
    stream, shared = block(**oddity) + bytes(512) + END, pax(record(b"comment", b"none"), b"g")
    assert outcome(stream, 0) == outcome(shared + stream, len(shared))


def outcome(stream: bytes, before: int) -> object:
    """What is read, its offsets without what stands ``before`` it; or why nothing is."""
    try:
        return [
            (msgspec.structs.replace(entry, offset=max(entry.offset - before, -1)), list(body.pieces()))
            for entry, body in members(io.BytesIO(stream))
        ]
    except ScowError as error:
        return type(error), error.problem


# -- round trips ------------------------------------------------------------------------------------------------------

names = st.binary(min_size=1, max_size=255).filter(
    lambda name: not {0, 0x2F} & set(name) and name not in (b".", b"..") and not name.startswith(b".wh.")
)
paths = st.lists(names, min_size=1, max_size=4).map(b"/".join)
times = st.integers(-(1 << 62), (1 << 62) - 1)
ids = st.integers(0, (1 << 32) - 1)
attributes = st.dictionaries(
    st.binary(min_size=1, max_size=20).filter(lambda name: b"=" not in name and b"\0" not in name),
    st.binary(max_size=60),
    max_size=3,
).map(lambda found: tuple(sorted((b"user." + name, value) for name, value in found.items())))
links = st.binary(min_size=1, max_size=300).filter(lambda link: b"\0" not in link)


@st.composite
def items(draw: st.DrawFn) -> Item:
    kind = draw(st.sampled_from(["file", "dir", "symlink", "hardlink", "char", "block", "fifo", "whiteout", "opaque"]))
    path = draw(paths)
    if kind in ("whiteout", "opaque"):
        return Item(Entry(path[:240] if kind == "whiteout" and b"/" not in path else path, kind))  # type: ignore[arg-type]
    data = draw(st.binary(max_size=1200)) if kind == "file" else b""
    link = draw(links) if kind == "symlink" else draw(paths.filter(lambda p: p != path)) if kind == "hardlink" else b""
    device = draw(st.tuples(st.integers(0, 4095), st.integers(0, 0xFFFFF))) if kind in ("char", "block") else (0, 0)
    return Item(
        Entry(path, kind, draw(st.integers(0, 0o7777)), draw(ids), draw(ids), len(data), draw(times), link,  # type: ignore[arg-type]
              major=device[0], minor=device[1], xattrs=draw(attributes)),
        data,
    )  # fmt: skip


def meant(item: Item) -> tuple[object, ...]:
    e = item.entry
    return (e.path, e.kind, e.mode, e.uid, e.gid, e.size, e.mtime, e.link, e.major, e.minor, e.xattrs, item.data)


def short_enough(made: list[Item]) -> bool:
    return all(len(item.entry.path.rpartition(b"/")[2]) + 4 <= 255 or item.entry.kind != "whiteout" for item in made)


#: what just fits a plain header, and what needs an extended one
FITS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"path": b"n" * 100}, {"path": b"n" * 101}),
    ({"path": b"d/" + b"n" * 100}, {"path": b"d/" + b"n" * 101}),
    ({"path": b"d" * 155 + b"/n"}, {"path": b"d" * 156 + b"/n"}),
    ({"kind": "symlink", "link": b"l" * 100}, {"kind": "symlink", "link": b"l" * 101}),
    ({"uid": 0o7777777}, {"uid": 0o7777777 + 1}),
    ({"gid": 0o7777777}, {"gid": 0o7777777 + 1}),
    ({"mtime": 0}, {"mtime": -(10**9)}),
    ({"mtime": 0o77777777777 * 10**9}, {"mtime": (0o77777777777 + 1) * 10**9}),
    ({"mtime": 10**9}, {"mtime": 10**9 + 1}),
    ({}, {"xattrs": ((b"user.a", b"1"),)}),
]


@pytest.mark.parametrize(("fits", "does_not"), FITS)
def test_an_extended_header_is_written_where_it_is_needed(fits: dict[str, Any], does_not: dict[str, Any]) -> None:
    for fields, blocks in ((fits, 1), (does_not, 3)):
        entry = Entry(**{"path": b"x", "kind": "file", **fields})
        assert len(header(entry)) == blocks * 512
        assert msgspec.structs.replace(one(header(entry) + END).entry, offset=-1) == entry


@pytest.mark.parametrize(
    ("path", "kind", "name"),
    [
        (b"d", "dir", b"d/"), (b"", "dir", b"./"), (b"f", "file", b"f"), (b"d/w", "whiteout", b"d/.wh.w"),
        (b"d", "opaque", b"d/.wh..wh..opq"), (b"", "opaque", b".wh..wh..opq"),
    ],
)  # fmt: skip
def test_names_are_written_as_others_write_them(path: bytes, kind: Any, name: bytes) -> None:
    assert header(Entry(path, kind))[:100].rstrip(b"\0") == name


def test_content_is_padded_to_whole_blocks() -> None:
    assert [len(padding(size)) for size in (0, 1, 511, 512, 513, 1 << 30)] == [0, 511, 1, 0, 511, 0]


@given(st.lists(items(), max_size=5).filter(short_enough))
@settings(max_examples=150, deadline=None)
def test_what_is_written_is_read(made: list[Item]) -> None:
    found = [Item(member.entry, member.data) for member in read(write(made))]
    assert [meant(item) for item in found] == [meant(item) for item in made]


@given(st.lists(items().filter(lambda item: item.entry.kind not in ("whiteout", "opaque")), max_size=5))
@settings(max_examples=100, deadline=None)
def test_python_reads_what_is_written(made: list[Item]) -> None:
    with tarfile.open(fileobj=io.BytesIO(write(made)), errors="surrogateescape") as archive:
        found = archive.getmembers()
        assert len(found) == len(made)
        for member, item in zip(found, made, strict=True):
            entry = item.entry
            assert os.fsencode(member.name) == entry.path.rstrip(b"/")
            assert (member.mode, member.uid, member.gid) == (entry.mode, entry.uid, entry.gid)
            assert member.size == entry.size
            assert abs(member.mtime * SECOND - entry.mtime) <= abs(entry.mtime) / 1e9 + 1
            if entry.kind in ("symlink", "hardlink"):
                assert os.fsencode(member.linkname) == entry.link
            if entry.kind in ("char", "block"):
                assert (member.devmajor, member.devminor) == (entry.major, entry.minor)
            if entry.kind == "file":
                stream = archive.extractfile(member)
                assert stream is not None
                assert stream.read() == item.data


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_what_python_writes_is_read(form: int, data: st.DataObject) -> None:
    plain = form == tarfile.USTAR_FORMAT
    made = []
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form, errors="surrogateescape") as archive:
        for _ in range(data.draw(st.integers(0, 4))):
            path = data.draw(paths.filter(lambda path: not plain or len(path) <= 100))
            info = tarfile.TarInfo(os.fsdecode(path))
            info.mode = data.draw(st.integers(0, 0o7777))
            info.uid = data.draw(st.integers(0, 0o7777777 if plain else (1 << 32) - 1))
            info.mtime = data.draw(st.integers(0 if form != tarfile.GNU_FORMAT else -(1 << 31), 0o77777777777))
            content = data.draw(st.binary(max_size=800))
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
            made.append((path, info.mode, info.uid, info.mtime * SECOND, content))
    found = [(m.entry.path, m.entry.mode, m.entry.uid, m.entry.mtime, m.data) for m in read(buffer.getvalue())]
    assert found == made


# -- GNU tar, both ways -----------------------------------------------------------------------------------------------


def gnu(*argv: str, stdin: bytes = b"") -> bytes:
    done = subprocess.run(["tar", *argv], input=stdin, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def a_tree(root: Path) -> None:
    """Names, links, times and sizes that are hard for some tar format or other."""
    root.mkdir()
    deep = root / ("d" * 120) / ("e" * 120)
    deep.mkdir(parents=True)
    (deep / ("f" * 200)).write_bytes(b"deep")
    (root / "link").symlink_to("t" * 180)
    (root / "file").write_bytes(b"content")
    os.link(root / "file", root / "same")
    os.link(deep / ("f" * 200), deep / "same")
    with open(os.fsencode(root) + b"/\xff\xfe", "wb") as odd:
        odd.write(b"odd")
    os.mkfifo(root / "fifo")
    os.utime(root / "file", ns=(0, 1_600_000_000_987_654_321))
    os.utime(deep, ns=(0, -5 * SECOND))


def described(path: bytes) -> tuple[object, ...]:
    status = os.lstat(path)
    return (status.st_mode & 0o7777, status.st_uid, status.st_gid)


@pytest.mark.parametrize("form", ["gnu", "pax", "oldgnu"])
def test_what_gnu_tar_writes_is_read(form: str, tmp_path: Path) -> None:
    a_tree(tmp_path / "tree")
    found = read(gnu("-C", str(tmp_path / "tree"), f"--format={form}", "--sort=name", "-cf", "-", "."))
    top = os.fsencode(tmp_path / "tree")
    assert {m.entry.path for m in found} == {
        os.path.relpath(os.path.join(at, name), top) for at, ds, fs in os.walk(top) for name in ds + fs
    } | {b""}
    for member in found:
        entry, path = member.entry, os.path.join(top, member.entry.path)
        assert (entry.mode, entry.uid, entry.gid) == described(path)
        status = os.lstat(path)
        assert (
            entry.mtime == status.st_mtime_ns if form == "pax" else entry.mtime == status.st_mtime_ns // SECOND * SECOND
        )
        if entry.kind == "file":
            assert member.data == Path(os.fsdecode(path)).read_bytes()
        if entry.kind == "symlink":
            assert entry.link == os.readlink(path)
        if entry.kind == "hardlink":
            assert os.path.samefile(path, os.path.join(top, entry.link))
    assert sum(member.entry.kind == "hardlink" for member in found) == 2


def test_gnu_tar_extracts_what_is_written(tmp_path: Path) -> None:
    need_root()
    long = "l" * 130
    made = [
        tars.item("dir", "dir", mode=0o1777, mtime=7 * SECOND),
        tars.item(f"dir/{long}/{long}", data=b"x" * 700, mode=0o4711, uid=70_000, gid=4_000_000, mtime=-3 * SECOND),
        tars.item("hard", "hardlink", link=f"dir/{long}/{long}".encode()),
        tars.item("soft", "symlink", link=b"s" * 200, mode=0o777),
        tars.item("null", "char", mode=0o666, major=1, minor=3),
        tars.item("pipe", "fifo", mode=0o600),
        tars.item("attr", data=b"a", mode=0o600, xattrs=((b"user.scow", b"v\0w"),), mtime=1_500_000_000_000_000_001),
    ]
    (tmp_path / "out").mkdir()
    gnu("-C", str(tmp_path / "out"), "--xattrs", "--xattrs-include=*", "--same-owner", "-pxf", "-", stdin=write(made))
    out = tmp_path / "out"
    big = os.stat(out / "dir" / long / long)
    assert (big.st_mode & 0o7777, big.st_uid, big.st_gid, big.st_size) == (0o4711, 70_000, 4_000_000, 700)
    assert (big.st_mtime_ns, big.st_ino) == (-3 * SECOND, os.stat(out / "hard").st_ino)
    assert os.readlink(out / "soft") == "s" * 200
    assert os.stat(out / "null").st_rdev == os.makedev(1, 3)
    assert os.stat(out / "dir").st_mode & 0o7777 == 0o1777
    assert os.getxattr(out / "attr", "user.scow") == b"v\0w"
    assert os.stat(out / "attr").st_mtime_ns == 1_500_000_000_000_000_001


SPARSE = [
    ["--format=gnu"], ["--format=oldgnu"], ["--format=pax", "--sparse-version=0.0"],
    ["--format=pax", "--sparse-version=0.1"], ["--format=pax", "--sparse-version=1.0"],
]  # fmt: skip
HOLES = {
    "data at the end": [(1 << 20, b"end")],
    "data in the middle": [(65536, b"middle" * 1000), (1 << 20, b"")],
    "many segments": [(at * 16384, b"%d" % at) for at in range(0, 120, 2)],
    "all hole": [(1 << 20, b"")],
    "begins with data": [(0, b"begin"), (1 << 20, b"e")],
}


@pytest.mark.parametrize("options", SPARSE, ids=" ".join)
@pytest.mark.parametrize("segments", HOLES.values(), ids=HOLES.keys())
def test_sparse_files_of_gnu_tar(options: list[str], segments: list[tuple[int, bytes]], tmp_path: Path) -> None:
    name = "n" * 120
    with open(tmp_path / name, "wb") as sparse:
        for at, data in segments:
            sparse.seek(at)
            sparse.write(data)
        sparse.truncate(segments[-1][0] + len(segments[-1][1]))
    (tmp_path / "zz").write_bytes(b"after")
    stream = gnu("-C", str(tmp_path), "--sparse", *options, "-cf", "-", name, "zz")
    found = read(stream)
    assert [(m.entry.path, m.data) for m in found] == [
        (name.encode(), (tmp_path / name).read_bytes()), (b"zz", b"after"),
    ]  # fmt: skip
    tars.overlay_tree(tmp_path / "tree", stream)
    assert (tmp_path / "tree" / name).read_bytes() == (tmp_path / name).read_bytes()
    assert (tmp_path / "tree" / name).stat().st_blocks <= (tmp_path / name).stat().st_blocks + 16
