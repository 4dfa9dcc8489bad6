"""What an ELF program or library needs to be loaded (System V ABI; ELF-64 and ELF-32, either byte order). Pure.

Nothing in the file is trusted: every table is bounded, and what does not add up is simply no ELF file that needs
anything.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

#: (offset, size) → bytes of the file, fewer at its end.
Pread = Callable[[int, int], bytes]

_LOAD, _DYNAMIC, _INTERP = 1, 2, 3
_NEEDED, _STRTAB, _STRSZ, _RPATH, _RUNPATH = 1, 5, 10, 15, 29
_HEADERS: Final = 256
_TAGS: Final = 4096
_STRINGS: Final = 1 << 20
_STRING: Final = 16 << 10


class Needs(msgspec.Struct, frozen=True):
    """``interpreter`` is the loader's path, ``libraries`` are DT_NEEDED names, ``search`` the paths of RPATH and
    RUNPATH (``$ORIGIN`` not replaced)."""

    interpreter: bytes = b""
    libraries: tuple[bytes, ...] = ()
    search: tuple[bytes, ...] = ()


def needs(pread: Pread) -> Needs | None:
    """What the file needs; ``None`` when it is not ELF."""
    ident = pread(0, 64)
    if ident[:4] != b"\x7fELF" or len(ident) < 52 or ident[4] not in (1, 2) or ident[5] not in (1, 2):
        return None
    try:
        return _needs(pread, ident)
    except struct.error:
        return Needs()


def _needs(pread: Pread, ident: bytes) -> Needs:
    order, wide = "<" if ident[5] == 1 else ">", ident[4] == 2
    start, size, count = struct.unpack_from(order + ("Q14xHH" if wide else "I10xHH"), ident, 32 if wide else 28)
    headers = pread(start, min(size * count, size * _HEADERS))
    segments = [
        struct.unpack_from(order + ("I4xQQ8xQ" if wide else "IIIxxxxI"), headers, at)
        for at in range(0, len(headers) - size + 1, size or 1)
    ]  # type, offset, address, length in the file
    loads = [segment[1:] for segment in segments if segment[0] == _LOAD]
    interpreter = next(
        (pread(offset, min(length, 4096)) for kind, offset, _, length in segments if kind == _INTERP), b""
    )
    dynamic = next(((offset, length) for kind, offset, _, length in segments if kind == _DYNAMIC), (0, 0))
    tags = list(_tags(pread(dynamic[0], min(dynamic[1], 16 * _TAGS)), order, wide))
    strings = _strings(pread, tags, loads)
    return Needs(
        interpreter.split(b"\0")[0],
        tuple(_string(strings, value) for tag, value in tags if tag == _NEEDED),
        tuple(
            path
            for tag, value in tags
            if tag in (_RPATH, _RUNPATH)
            for path in _string(strings, value).split(b":")
            if path
        ),
    )


def _tags(data: bytes, order: str, wide: bool) -> Iterator[tuple[int, int]]:
    layout = struct.Struct(order + ("qQ" if wide else "iI"))
    for at in range(0, len(data) - layout.size + 1, layout.size):
        tag, value = layout.unpack_from(data, at)
        if tag == 0:
            return
        yield tag, value


def _strings(pread: Pread, tags: list[tuple[int, int]], loads: list[tuple[int, ...]]) -> bytes:
    """The string table, whose address becomes an offset by the segment that it lies in."""
    known = dict(tags)
    address = known.get(_STRTAB, -1)
    for offset, start, length in loads:
        if start <= address < start + length:
            return pread(offset + address - start, min(known.get(_STRSZ, 0), _STRINGS))
    return b""


def _string(strings: bytes, at: int) -> bytes:
    """A text of the table; nothing for one without an end near by: thousands of tags may name the same."""
    end = strings.find(b"\0", at, at + _STRING)
    return strings[at:end] if 0 <= at < end else b""
