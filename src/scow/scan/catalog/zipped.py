"""Members of a ZIP archive that nobody vouches for (APPNOTE.TXT 6.3.10): counted, and inflated up to a limit. Pure.

zipfile would hold an object for each entry of a central directory of any length, and inflates as far as it goes.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Final, NamedTuple

from scow.errors import Invalid, Limit
from scow.scan.catalog.window import Window

_END: Final = b"PK\x05\x06"
_END64: Final = b"PK\x06\x06"
_LOCATOR64: Final = b"PK\x06\x07"
_CENTRAL: Final = b"PK\x01\x02"
_LOCAL: Final = b"PK\x03\x04"
_COMMENT_LIMIT: Final = 65535
_DIRECTORY_LIMIT: Final = 16 << 20
STORED, DEFLATED = 0, 8


class Member(NamedTuple):
    """One entry of the central directory; ``offset`` is that of its local header."""

    name: bytes
    method: int
    packed: int
    size: int
    offset: int


def members(archive: Window) -> Iterator[Member]:
    """The archive's members. Raises :class:`Invalid` for what is no archive, :class:`Limit` for too many of them."""
    start, size, base = _directory(archive)
    if size > _DIRECTORY_LIMIT:
        raise Limit(f"archive with a directory of {size} bytes is over the limit of {_DIRECTORY_LIMIT}")
    directory = archive.at(start, size)
    at = 0
    while directory[at : at + 4] == _CENTRAL and at + 46 <= len(directory):
        method, packed, full, named, extra, comment, offset = struct.unpack_from("<10xH8xIIHHH8xI", directory, at)
        name = directory[at + 46 : at + 46 + named]
        if 0xFFFFFFFF in (packed, full, offset):
            wide = _wide(directory[at + 46 + named : at + 46 + named + extra], (full, packed, offset))
            full, packed, offset = wide
        yield Member(name, method, packed, full, base + offset)
        at += 46 + named + extra + comment


def _directory(archive: Window) -> tuple[int, int, int]:
    """Where the central directory begins, its size, and where the archive itself begins in the file."""
    tail_start = max(0, archive.size - _COMMENT_LIMIT - 22)
    tail = archive.at(tail_start, archive.size)
    found = tail.rfind(_END)
    if found < 0 or found + 22 > len(tail):
        raise Invalid("is not a ZIP archive, or is cut short")
    size, offset = struct.unpack_from("<12xII", tail, found)
    end = tail_start + found
    locator = archive.at(end - 20, 20)
    if 0xFFFFFFFF in (size, offset) and locator[:4] == _LOCATOR64:
        wide = archive.at(struct.unpack_from("<8xQ", locator)[0], 56)
        if wide[:4] == _END64 and len(wide) == 56:
            size, offset = struct.unpack_from("<40xQQ", wide)
            return offset, size, 0
    base = max(0, end - size - offset)  # a program may stand before the archive
    return base + offset, size, base


def _wide(extra: bytes, told: tuple[int, int, int]) -> list[int]:
    """The 64-bit numbers of a ZIP64 extra field in the place of those that did not fit."""
    at, numbers = 0, list(told)
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            field = extra[at + 4 : at + 4 + length]
            for place, number in enumerate(numbers):
                if number == 0xFFFFFFFF and len(field) >= 8:
                    numbers[place], field = int.from_bytes(field[:8], "little"), field[8:]
            break
        at += 4 + length
    return numbers


def place(archive: Window, member: Member) -> Window:
    """The member's bytes as they are stored. Raises :class:`Invalid`."""
    header = archive.at(member.offset, 30)
    if header[:4] != _LOCAL or len(header) < 30:
        raise Invalid(f"member {member.name[:80]!r} is not where the directory says")
    named, extra = struct.unpack_from("<26xHH", header)
    return archive.part(member.offset + 30 + named + extra, member.packed)


def content(archive: Window, member: Member, limit: int) -> bytes:
    """The member, whole. Raises :class:`Limit` above ``limit`` bytes, :class:`Invalid` for damage."""
    stored = place(archive, member)
    if member.size > limit:
        raise Limit(f"member {member.name[:80]!r} of {member.size} bytes is over the limit of {limit}")
    if member.method == STORED:
        return stored.at(0, limit)
    if member.method != DEFLATED:
        raise Invalid(f"member {member.name[:80]!r} is compressed in another way ({member.method})")
    inflating = zlib.decompressobj(-15)
    try:
        data = inflating.decompress(stored.at(0, limit + 1024), limit + 1)
    except zlib.error:
        raise Invalid(f"member {member.name[:80]!r} is damaged") from None
    if len(data) > limit:
        raise Limit(f"member {member.name[:80]!r} is larger than it says, and than the limit of {limit} bytes")
    return data
