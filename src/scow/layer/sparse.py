"""Sparse members: GNU's old format and the three PAX ones (GNU tar manual, "Storing Sparse Files"). Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from scow.errors import Invalid, Limit

_SEGMENTS_LIMIT: Final = 1 << 18
_MAP_LIMIT: Final = 1 << 20  # bytes; Go's since CVE-2025-58183
_SIZE_LIMIT: Final = 4 << 40  # a lastlog that knows the highest uid is 1.2 TiB
_BLOCK: Final = 512


class Map(msgspec.Struct, frozen=True):
    """Where the stored bytes belong: ``segments`` of (offset, length); ``consumed`` bytes of the body held the map."""

    size: int
    segments: tuple[tuple[int, int], ...]
    consumed: int = 0


def find(block: bytes, flag: bytes, records: dict[bytes, bytes], take: Callable[[int], bytes]) -> Map | None:
    """The map of a member, or ``None`` when it is not sparse; ``take`` reads on from its header."""
    if flag == b"S":
        return _old_gnu(block, take)
    if b"GNU.sparse.major" in records:
        return _pax_1(records, take)
    if b"GNU.sparse.map" in records:
        numbers = [_int(text) for text in records[b"GNU.sparse.map"].split(b",") if text]
        return _map(_size(records), numbers)
    return None


def _size(records: dict[bytes, bytes]) -> int:
    return _int(records.get(b"GNU.sparse.realsize") or records.get(b"GNU.sparse.size") or b"")


def _old_gnu(block: bytes, take: Callable[[int], bytes]) -> Map:
    numbers = _pairs(block[386:482])
    more = block[482]
    while more:
        extension = take(_BLOCK)
        numbers += _pairs(extension[:504])
        more = extension[504]
        if len(numbers) > 2 * _SEGMENTS_LIMIT:
            raise Limit("sparse file with too many segments")
    return _map(_octal(block[483:495]), numbers)


def _pairs(data: bytes) -> list[int]:
    numbers: list[int] = []
    for at in range(0, len(data), 24):
        if not data[at]:
            break
        numbers += [_octal(data[at : at + 12]), _octal(data[at + 12 : at + 24])]
    return numbers


def _pax_1(records: dict[bytes, bytes], take: Callable[[int], bytes]) -> Map:
    """Version 1.0: decimal lines in whole blocks before the data."""
    text = take(_BLOCK)
    count = _int(text.partition(b"\n")[0])
    if count > _SEGMENTS_LIMIT:
        raise Limit("sparse file with too many segments")
    lines = text.count(b"\n")
    blocks = [text]
    while lines < 2 * count + 1:
        blocks.append(take(_BLOCK))
        lines += blocks[-1].count(b"\n")
        if len(blocks) * _BLOCK > _MAP_LIMIT:
            raise Limit("sparse file with too long a map")
    numbers = [_int(line) for line in b"".join(blocks).split(b"\n")[1 : 2 * count + 1]]
    return _map(_size(records), numbers, _BLOCK * len(blocks))


def _map(size: int, numbers: list[int], consumed: int = 0) -> Map:
    if len(numbers) % 2 or size < 0:
        raise Invalid(f"damaged sparse map: {len(numbers)} numbers for a file of {size} bytes")
    if size > _SIZE_LIMIT:
        raise Limit(f"sparse file of {size} bytes is over the limit of {_SIZE_LIMIT}")
    segments = tuple(zip(numbers[::2], numbers[1::2], strict=True))
    end = 0
    for start, length in segments:
        if start < end or length < 0 or start + length > size:
            raise Invalid("damaged sparse map: segments overlap or leave the file")
        end = start + length
    return Map(size, segments, consumed)


def _int(text: bytes) -> int:
    if not text.isdigit() or len(text) > 19:
        raise Invalid(f"damaged sparse map: {text[:40]!r} is not a number")
    return int(text)


def _octal(field: bytes) -> int:
    if field[0] & 0x80:
        return int.from_bytes(field[1:], "big")
    try:
        return int(field.strip(b" \0") or b"0", 8)
    except ValueError:
        raise Invalid(f"damaged sparse map: {field!r} is not a number") from None
