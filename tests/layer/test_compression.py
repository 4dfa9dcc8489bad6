"""Compressed streams: read in every form that is about, refused when damaged; written the same for ever."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import random
import sys
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scow.errors import Invalid, Limit, Unsupported
from scow.layer import compression
from scow.layer.compression import MEMBER, Rewound, detected, gzip_member, inflated
from scow.oci.media_types import sniff

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

SKIPPABLE = b"\x50\x2a\x4d\x18\x05\x00\x00\x00hello"
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "zstd": zstd.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "none": lambda data: data,
}
PACKED = sorted(set(COMPRESS) - {"none"})
TEXT = b"some text that is no archive " * 5000


class Drip:
    """A reader of small pieces."""

    def __init__(self, data: bytes, size: int) -> None:
        self._file, self._size = io.BytesIO(data), size

    def read(self, size: int = -1, /) -> bytes:
        return self._file.read(self._size)


def plain(data: bytes, size: int = 1 << 18) -> bytes:
    reader = inflated(*detected(Drip(data, size)))
    return b"".join(iter(reader.read, b""))


@pytest.mark.parametrize("kind", COMPRESS)
@pytest.mark.parametrize("size", [1, 5, 1000, 1 << 18])
def test_it_is_told_by_its_content(kind: str, size: int) -> None:
    data = COMPRESS[kind](TEXT)
    if size == 1:
        data = COMPRESS[kind](TEXT[:300])
    _, found = detected(Drip(data, size))
    assert found == sniff(data[:6]) == kind
    assert plain(data, size) == (TEXT[:300] if size == 1 else TEXT)


SNIFFED = {
    b"": "none", b"\x1f": "none", b"\x1f\x8b": "gzip", b"BZh9": "bzip2", b"\xfd7zXZ": "none", b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "zstd", SKIPPABLE[:6]: "zstd", b"\x5f\x2a\x4d\x18\0\0": "zstd", b"\x60\x2a\x4d\x18": "none",
    b"PK\x03\x04": "none", b"ustar": "none",
}  # fmt: skip


@pytest.mark.parametrize("head", SNIFFED)
def test_sniff(head: bytes) -> None:
    assert sniff(head) == SNIFFED[head]


@pytest.mark.parametrize("kind", PACKED)
def test_nothing_compressed_is_nothing(kind: str) -> None:
    assert plain(COMPRESS[kind](b"")) == b""


@pytest.mark.parametrize("kind", PACKED)
@pytest.mark.parametrize("size", [3, 1 << 18])
def test_members_follow_each_other(kind: str, size: int) -> None:
    parts = [b"one", b"", b"two" * 1000, b"three"]
    assert plain(b"".join(map(COMPRESS[kind], parts)), size) == b"".join(parts)


@pytest.mark.parametrize("kind", PACKED)
@pytest.mark.parametrize("padding", [1, 511, 1 << 18, (1 << 18) + 1, 1 << 20])
def test_padding_with_zeros_means_nothing(kind: str, padding: int) -> None:
    assert plain(COMPRESS[kind](TEXT) + bytes(padding)) == TEXT


@pytest.mark.parametrize("kind", PACKED)
def test_padding_in_a_read_of_its_own_means_nothing(kind: str) -> None:
    data = COMPRESS[kind](TEXT)
    assert plain(data + bytes(len(data)), len(data)) == TEXT


def test_zstd_with_skippable_frames() -> None:
    frame = zstd.compress(TEXT)
    assert plain(SKIPPABLE + frame + SKIPPABLE + SKIPPABLE + frame + SKIPPABLE) == TEXT * 2


@pytest.mark.parametrize("kind", PACKED)
def test_a_stream_cut_anywhere_is_refused(kind: str) -> None:
    data = COMPRESS[kind](TEXT)
    for end in (7, len(data) // 3, len(data) // 2, len(data) - 9, len(data) - 1):
        with pytest.raises(Invalid):
            plain(data[:end])


@pytest.mark.parametrize("kind", PACKED)
def test_a_second_member_cut_short_is_refused(kind: str) -> None:
    data = COMPRESS[kind](TEXT)
    with pytest.raises(Invalid):
        plain(data + data[:-3])


@pytest.mark.parametrize("kind", PACKED)
def test_junk_after_the_end_is_refused(kind: str) -> None:
    with pytest.raises(Invalid):
        plain(COMPRESS[kind](TEXT) + b"this is no compressed stream at all")


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz"])
def test_damage_is_found_by_the_checksum(kind: str) -> None:
    data = bytearray(COMPRESS[kind](random.Random(7).randbytes(20_000)))
    data[len(data) // 2] ^= 0x40
    with pytest.raises(Invalid):
        plain(bytes(data))


@given(st.sampled_from(PACKED), st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(kind: str, data: bytes) -> None:
    try:
        plain(COMPRESS[kind](b"x")[:6] + data)
    except Invalid:
        return


@given(st.sampled_from(PACKED), st.binary(max_size=5000), st.integers(1, 700))
def test_round_trips(kind: str, data: bytes, size: int) -> None:
    assert plain(COMPRESS[kind](data), size) == data


@pytest.mark.parametrize("kind", PACKED)
def test_pieces_stay_small(kind: str) -> None:
    reader = inflated(*detected(io.BytesIO(COMPRESS[kind](bytes(9 << 20)))))
    sizes = [len(piece) for piece in iter(reader.read, b"")]
    assert sum(sizes) == 9 << 20
    assert max(sizes) <= 1 << 20


def test_exact_multiples_of_the_piece() -> None:
    for size in ((1 << 20) - 1, 1 << 20, (1 << 20) + 1, 2 << 20):
        assert len(plain(gzip.compress(bytes(size)))) == size


def test_a_bomb_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "_RATIO_FLOOR", 1 << 20)
    bomb = zstd.compress(bytes(64 << 20), 19)
    assert len(bomb) * 1100 < 64 << 20
    with pytest.raises(Limit):
        plain(bomb)
    assert len(plain(gzip.compress(bytes(8 << 20)))) == 8 << 20  # deflate cannot go over it


def test_an_xz_stream_may_not_want_all_memory() -> None:
    greedy = lzma.compress(b"x", filters=[{"id": lzma.FILTER_LZMA2, "preset": 1, "dict_size": 1 << 30}])
    with pytest.raises((Invalid, Limit)):
        plain(greedy)


def test_no_such_compression() -> None:
    with pytest.raises(Unsupported):
        inflated(io.BytesIO(b""), "brotli")


# -- writing ----------------------------------------------------------------------------------------------------------

#: sha256 of the member. These never change: a digest made today is made again by the next version, everywhere.
GOLDEN = {
    "nothing": (b"", "30e6fa98fb48c2b132824d1ac5e2243c0be9e9082ff32598d34d7687ca7f6c7f"),
    "text": (TEXT, "c5fdfc2d283d1542903ffc2fb7feeb52c5fdb1f838e05d39b91a1e60e61a5530"),
    "zeros": (bytes(100_000), "4939e2aa256ae678e30e6b7b56239f5b937a71ce1c42b659f8a594763b732bc2"),
    "noise": (random.Random(1).randbytes(100_000), "5037d781dd5bf13739364d721b04327ca18771a113a2aba6f02538b7a1a8c8e2"),
    "mixed": (
        random.Random(2).randbytes(5000) * 40 + TEXT,
        "4a3967b1511c124ea130f24049a16a07c6d5f2ae220ae2d8e6d9b4fc7032a605",
    ),
    "a whole member": (
        random.Random(3).randbytes(4096) * (MEMBER // 4096),
        "c36c4a5c0ed12cac40b5b7bfc46dfbd808fd59bbf3e70f1f45ab974d3865007c",
    ),
}


@pytest.mark.parametrize(("data", "digest"), GOLDEN.values(), ids=GOLDEN.keys())
def test_the_bytes_of_a_member_never_change(data: bytes, digest: str) -> None:
    member = bytes(gzip_member(data))
    assert hashlib.sha256(member).hexdigest() == digest
    assert zlib.decompress(member, 31) == data
    assert plain(member) == data


def test_what_does_not_compress_is_stored() -> None:
    noise = random.Random(5).randbytes(MEMBER)
    assert gzip_member(noise)[10] & 0b110 == 0  # the first block's type (RFC 1951, 3.2.3)
    assert plain(bytes(gzip_member(noise))) == noise
    mixed = noise[: MEMBER // 2] + bytes(MEMBER // 2)
    assert len(gzip_member(mixed)) < MEMBER * 0.6
    assert len(gzip_member(noise[:8192] + noise[:8192])) < 8192 * 1.1  # too short for a sample


def test_a_member_tells_no_name_and_no_time() -> None:
    assert gzip_member(b"x")[:8] == b"\x1f\x8b\x08\0\0\0\0\0"


def test_what_is_put_back_comes_in_the_sizes_asked_for() -> None:
    reader = Rewound(b"abcdef", io.BytesIO(b"ghi"))
    assert [reader.read(4), reader.read(0), reader.read(4), reader.read(), reader.read()] == [
        b"abcd",
        b"",
        b"ef",
        b"ghi",
        b"",
    ]
