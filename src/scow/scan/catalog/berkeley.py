"""The hash tables of Berkeley DB, as rpm kept its ``Packages`` in them (db, src/dbinc/db_page.h). Pure.

Every page has a header of 26 bytes: number @8, next @16, entries @20, free space @22, type @25. A hash page has a
number of 16 bits for each item, where it begins: keys and values take turns. A value of any size lies on overflow
pages, chained by ``next``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from scow.errors import Invalid
from scow.scan.catalog.window import Window

_MAGIC: Final = 0x061561
MAGICS: Final = (_MAGIC.to_bytes(4, "little"), _MAGIC.to_bytes(4, "big"))
_HEADER: Final = 26
_HASH_PAGES: Final = frozenset({2, 13})  # unsorted, sorted
_OVERFLOW_PAGE: Final = 7
_INLINE, _OFF_PAGE = 1, 3
_PAGES_LIMIT: Final = 4 << 20
BLOB_LIMIT: Final = 32 << 20


def blobs(file: Window) -> Iterator[bytes]:
    """The values of the table. Raises :class:`Invalid` for damage."""
    order = "<" if file.at(12, 4) == MAGICS[0] else ">"
    size, last = file.number(20, 4, order), file.number(32, 4, order)
    if size not in (512 << shift for shift in range(8)):
        raise Invalid(f"has pages of {size} bytes")
    if file.at(24, 1) not in (b"\0", b""):
        raise Invalid("is encrypted")
    pages = _Pages(file, size, order)
    for number in range(1, min(last, file.size // size, _PAGES_LIMIT) + 1):
        yield from pages.values(number)


class _Pages:
    """The pages of one file. Overflow pages are read once each: a chain that comes back is damage."""

    def __init__(self, file: Window, size: int, order: str) -> None:
        self._file, self._size, self._order = file, size, order
        self._used: set[int] = set()

    def values(self, number: int) -> Iterator[bytes]:
        """The values on a hash page; nothing for another kind of page."""
        page = self._file.at(number * self._size, self._size)
        if len(page) < self._size or page[25] not in _HASH_PAGES:
            return
        (entries,) = struct.unpack_from(f"{self._order}H", page, 20)
        if _HEADER + 2 * entries > self._size:
            raise Invalid(f"page {number} says that it has {entries} entries")
        starts = struct.unpack_from(f"{self._order}{entries}H", page, _HEADER)
        for at in range(1, entries, 2):
            start, end = starts[at], starts[at - 1]
            if not _HEADER <= start < end <= self._size:
                raise Invalid(f"an entry of page {number} is outside of it")
            value = self._value(page[start:end])
            if value:
                yield value

    def _value(self, item: bytes) -> bytes:
        if item[0] == _INLINE:
            return item[1:] if len(item) > 5 else b""  # rpm's own counter, in the place of the package 0
        if item[0] != _OFF_PAGE or len(item) < 12:
            return b""
        number, length = struct.unpack_from(f"{self._order}II", item, 4)
        if length > BLOB_LIMIT:
            raise Invalid(f"a value says that it has {length} bytes")
        return self._chained(number, length)

    def _chained(self, number: int, length: int) -> bytes:
        parts: list[bytes] = []
        left = length
        while left > 0:
            page = self._file.at(number * self._size, self._size)
            if number in self._used or len(page) < self._size or page[25] != _OVERFLOW_PAGE:
                raise Invalid(f"page {number} is not the overflow page that it should be")
            self._used.add(number)
            (held,) = struct.unpack_from(f"{self._order}H", page, 22)
            part = page[_HEADER : _HEADER + min(held, left)]
            if not part:
                raise Invalid(f"overflow page {number} is empty")
            parts.append(part)
            left -= len(part)
            (number,) = struct.unpack_from(f"{self._order}I", page, 16)
        return b"".join(parts)
