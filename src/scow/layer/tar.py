"""Reading tar streams: ustar, PAX and GNU forms, in one pass, holding at most a header and a chunk.

The members come out judged (:mod:`scow.layer.entry`). Everything is bounded: extended headers to 1 MiB, sizes to
2^62, and every header's checksum is checked.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from scow.errors import Invalid, Limit
from scow.layer import pax, sparse
from scow.layer.entry import SIZE_LIMIT, TIME_LIMIT, Entry, Kind, judge
from scow.layer.stream import BLOCK, Body, Reader, Stream

_EXTENDED_LIMIT: Final = 1 << 20
_MAJOR_LIMIT: Final = (1 << 12) - 1  # as the kernel's dev_t
_MINOR_LIMIT: Final = (1 << 20) - 1
_TERMINATORS: Final = b"\0 "
_OCTAL: Final = b"01234567"
_ZEROS: Final = bytes(BLOCK)

_KINDS: Final[dict[bytes, Kind]] = {
    b"0": "file",
    b"\0": "file",
    b"7": "file",  # contiguous
    b"S": "file",  # GNU sparse
    b"1": "hardlink",
    b"2": "symlink",
    b"3": "char",
    b"4": "block",
    b"5": "dir",
    b"6": "fifo",
}
_USUAL_KINDS: Final[dict[bytes, Kind]] = {b"0": "file", b"5": "dir"}
#: name; mode, owner and group; size; time; checksum; what follows it.
_FIELDS: Final = struct.Struct("100s24s12s12s8s356s").unpack
#: How a path may not begin that is clean: with nothing, too.
_UNUSUAL: Final = (b"", b".", b"/")
#: mode, owner, group and time (in seconds) of a header.
_Numbers = tuple[int, ...]
#: What nearly every header looks like: each number octal, of full width, with one terminator.
_USUAL: Final = re.compile(
    rb".{100}([0-7]{7})[\0 ]([0-7]{7})[\0 ]([0-7]{7})[\0 ]([0-7]{11})[\0 ]([0-7]{11})[\0 ]([0-7]{6})[\0 ]{2}(.)",
    re.DOTALL,
).match
_GNU_LONG: Final = {b"L": b"path", b"K": b"linkpath"}


def members(reader: Reader) -> Iterator[tuple[Entry, Body]]:
    """The members of a tar stream, judged, with their bodies. Reads ``reader`` to its very end.

    Raises :class:`Invalid` for what is not a tar stream, or a hostile one, and :class:`Limit`.
    """
    stream = Stream(reader)
    shared: dict[bytes, bytes] = {}
    own: dict[bytes, bytes] = {}
    while (block := stream.block()) and block != _ZEROS:
        usual = None if own or shared else _usual(block, stream.offset)
        if usual is not None:
            body = Body(stream, usual.size)
            yield usual, body
            body.finish(-usual.size % BLOCK)
            continue
        flag, size, numbers = _check(block)
        if flag in (b"x", b"g") or flag in _GNU_LONG:
            target = shared if flag == b"g" else own
            target.update(_extension(stream, flag, size))
            if sum(map(len, target)) + sum(map(len, target.values())) > _EXTENDED_LIMIT:  # of many headers
                raise Limit(f"tar extended headers are over the limit of {_EXTENDED_LIMIT} bytes")
            continue
        records = {**shared, **own} if shared else own
        if records:
            own = {}
            size = _bounded(_decimal(records, b"size", size))
        kind = _KINDS.get(flag)
        stored = size if kind in ("file", None) else 0
        holes = kind == "file" and (records or flag == b"S")
        body = Body(stream, stored, sparse.find(block, flag, records, stream.take) if holes else None)
        if kind is not None:  # the others are volume labels and the like: nothing of a file system
            entry = judge(_entry(block, kind, stored, stream.offset, records, body.map, numbers))
            if entry is not None:
                yield entry, body
        body.finish(-stored % BLOCK)
    stream.drain()


def _usual(block: bytes, offset: int) -> Entry | None:
    """What :func:`_check`, :func:`_entry` and :func:`judge` make of a header such as nearly all are: a file or a
    directory, each number of full width, a name that is clean already. ``None`` for any other."""
    name, owner, size, mtime, said, rest = _FIELDS(block)
    known, numbers, time = _usual_rest(rest), _usual_owner(owner), _usual_time(mtime)
    if known is None or numbers is None or time < 0 or size[11] not in _TERMINATORS or not size[:11].isdigit():
        return None
    kind, prefix, total = known
    # The lower half of Adler-32 is 1 + the sum, as long as that is below 65 521.
    if said != b"%06o\0 " % ((zlib.adler32(block[:148]) & 0xFFFF) - 1 + total):
        return None
    path = prefix + name.rstrip(b"\0/" if kind == "dir" else b"\0")
    find = path.find  # `in` raises and catches an error of its own each time, for bytes
    if path[:1] in _UNUSUAL or path[-1:] == b"/" or find(b"/.") >= 0 or find(b"//") >= 0 or find(b"\0") >= 0:
        return None
    try:
        length = int(size[:11], 8)
    except ValueError:
        return None
    if kind == "dir":
        return Entry(path, kind, *numbers, 0, time)
    return Entry(path, kind, *numbers, length, time, b"", b"", offset)


@lru_cache(256)
def _usual_rest(rest: bytes) -> tuple[Kind, bytes, int] | None:
    """Of what follows the checksum: the kind, what precedes the name, and its part of the sum, with that of a blank
    checksum. The same for nearly all members of a layer."""
    kind = _USUAL_KINDS.get(rest[:1])
    if kind is None:
        return None
    prefix = rest[189:344].partition(b"\0")[0] + b"/" if rest[189] and rest[101:107] == b"ustar\0" else b""
    return kind, prefix, sum(rest) + 8 * 32


@lru_cache(256)
def _usual_owner(fields: bytes) -> tuple[int, int, int] | None:
    """Mode, owner and group."""
    found = re.fullmatch(rb"([0-7]{7})[\0 ]([0-7]{7})[\0 ]([0-7]{7})[\0 ]", fields)
    if found is None:
        return None
    mode, uid, gid = (int(digits, 8) for digits in found.groups())
    return mode & 0o7777, uid, gid


@lru_cache(256)
def _usual_time(field: bytes) -> int:
    """Nanoseconds; -1 when it is written in another way."""
    return int(field[:11], 8) * 10**9 if re.fullmatch(rb"[0-7]{11}[\0 ]", field) else -1


def _check(block: bytes) -> tuple[bytes, int, _Numbers]:
    """The type flag, size and other numbers of a header whose checksum holds."""
    found = _USUAL(block)
    if found is not None:
        mode, uid, gid, size, mtime, said, flag = found.groups()
        # The lower half of Adler-32 is 1 + the sum, as long as that is below 65 521.
        if (zlib.adler32(block) & 0xFFFF) - 1 - sum(block[148:156]) + 8 * 32 == int(said, 8):
            return flag, int(size, 8), (int(mode, 8), int(uid, 8), int(gid, 8), int(mtime, 8))
    said = _number(block[148:156])
    unsigned = sum(block) - sum(block[148:156]) + 8 * 32
    if said != unsigned and said != _signed(block):
        raise Invalid("not a tar stream, or a damaged one: a header's checksum does not hold")
    numbers = (_number(block[at:end]) for at, end in ((100, 108), (108, 116), (116, 124), (136, 148)))
    return block[156:157], _bounded(_number(block[124:136])), tuple(numbers)


def _bounded(size: int) -> int:
    if not 0 <= size < SIZE_LIMIT:
        raise Invalid(f"tar header gives an impossible size of {size}")
    return size


def _signed(block: bytes) -> int:
    """The checksum of tars written with signed chars, long ago."""
    return sum(byte - 256 if byte > 127 else byte for byte in block[:148] + b" " * 8 + block[156:])


def _number(field: bytes) -> int:
    """Octal, or base-256 when the first bit is set (GNU)."""
    if field[-1] in _TERMINATORS and field[0] in _OCTAL:  # what nearly every header has
        try:
            return int(field[:-1], 8)
        except ValueError:
            pass  # padded in another way
    if field[0] & 0x80:
        value = int.from_bytes(field, "big") & ((1 << (8 * len(field) - 1)) - 1)
        return value - (1 << (8 * len(field) - 1)) if field[0] & 0x40 else value
    digits = field.strip(b" \0").partition(b"\0")[0]
    if not digits:
        return 0
    try:
        return int(digits, 8)
    except ValueError:
        raise Invalid(f"damaged tar header: {field!r} is not a number") from None


def _extension(stream: Stream, flag: bytes, size: int) -> dict[bytes, bytes]:
    if size > _EXTENDED_LIMIT:
        raise Limit(f"tar extended header of {size} bytes is over the limit of {_EXTENDED_LIMIT}")
    data = stream.take(size)
    stream.skip(-size % BLOCK)
    key = _GNU_LONG.get(flag)
    return {key: data.partition(b"\0")[0]} if key else pax.parse(data)


def _entry(
    block: bytes,
    kind: Kind,
    size: int,
    offset: int,
    records: dict[bytes, bytes],
    holes: sparse.Map | None,
    numbers: _Numbers,
) -> Entry:
    """The raw entry of a header block under its extended records."""
    mode, uid, gid, seconds = numbers
    name = block[:100].partition(b"\0")[0]
    if block[345] and block[257:263] == b"ustar\0":
        name = block[345:500].partition(b"\0")[0] + b"/" + name
    link = block[157:257].partition(b"\0")[0] if block[157] else b""
    mtime = seconds * 10**9
    xattrs: tuple[tuple[bytes, bytes], ...] = ()
    if records:
        name = records.get(b"GNU.sparse.name") or records.get(b"path") or name
        link = records.get(b"linkpath") or link
        uid, gid = _decimal(records, b"uid", uid), _decimal(records, b"gid", gid)
        mtime = pax.nanoseconds(records[b"mtime"]) if records.get(b"mtime") else mtime
        xattrs = pax.xattrs(records)
    if not block[156] and name.endswith(b"/"):
        kind = "dir"  # how tars from before 1988 say it; of those after, Go's reader has such a file for a file
    device = kind in ("char", "block")
    return Entry(
        name,
        kind,
        mode & 0o7777,
        uid & 0xFFFFFFFF,
        gid & 0xFFFFFFFF,
        holes.size if holes else size if kind == "file" else 0,
        mtime if -TIME_LIMIT <= mtime <= TIME_LIMIT else max(-TIME_LIMIT, min(mtime, TIME_LIMIT)),
        link if kind in ("symlink", "hardlink") else b"",
        offset=offset if kind == "file" and not holes else -1,
        major=_device(block[329:337], _MAJOR_LIMIT) if device else 0,
        minor=_device(block[337:345], _MINOR_LIMIT) if device else 0,
        xattrs=xattrs,
    )


def _device(field: bytes, limit: int) -> int:
    number = _number(field)
    if not 0 <= number <= limit:
        raise Invalid(f"tar header gives an impossible device number of {number}")
    return number


def _decimal(records: dict[bytes, bytes], key: bytes, otherwise: int) -> int:
    """A record's number; an empty record takes the header's word back (POSIX.1-2017 pax)."""
    text = records.get(key)
    if not text:
        return otherwise
    if not text.isdigit() or len(text) > 19:
        raise Invalid(f"damaged PAX header: {key.decode()} is {text[:40]!r}")
    return int(text)
