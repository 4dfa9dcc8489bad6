"""One table of an SQLite file, read as bytes (https://www.sqlite.org/fileformat.html). Pure.

SQLite itself would run what the file's schema says, and take the file's word for how large things are. All that is
wanted is the second column of ``Packages``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from scow.errors import Invalid
from scow.scan.catalog.window import Window

MAGIC: Final = b"SQLite format 3\0"
_TABLE: Final = b"Packages"
_INNER, _LEAF = 5, 13
_DEPTH_LIMIT: Final = 20
_SCHEMA_LIMIT: Final = 1000
BLOB_LIMIT: Final = 32 << 20
#: sizes of the serial types below 12
_SIZES: Final = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0)


def blobs(file: Window) -> Iterator[bytes]:
    """The second column of every row of ``Packages``. Raises :class:`Invalid` for damage."""
    size = file.number(16, 2, ">")
    size = 65536 if size == 1 else size
    if size not in (512 << shift for shift in range(8)):
        raise Invalid(f"has pages of {size} bytes")
    table = _Table(file, size, size - file.number(20, 1))
    for count, payload in enumerate(table.rows(1)):
        if count > _SCHEMA_LIMIT:
            break
        columns = _columns(payload)
        if columns[:2] == [b"table", _TABLE] and len(columns) > 3:
            root = int.from_bytes(columns[3], "big")
            yield from (row[1] for row in map(_columns, table.rows(root)) if len(row) > 1)
            return
    raise Invalid(f"has no table {_TABLE.decode()}")


class _Table:
    """The b-trees of one file. A page is used once: one that comes back is damage."""

    def __init__(self, file: Window, size: int, usable: int) -> None:
        self._file, self._size, self._usable = file, size, usable
        self._used: set[int] = set()

    def rows(self, number: int, depth: int = 0) -> Iterator[bytes]:
        """The records below a page, in their order."""
        page = self._page(number)
        at = 100 if number == 1 else 0
        kind = page[at]
        if kind not in (_INNER, _LEAF) or depth > _DEPTH_LIMIT:
            raise Invalid(f"page {number} is not of a table")
        first = at + (12 if kind == _INNER else 8)
        count = int.from_bytes(page[at + 3 : at + 5], "big")
        for place in range(first, min(first + 2 * count, self._size - 1), 2):
            cell = int.from_bytes(page[place : place + 2], "big")
            if kind == _LEAF:
                yield self._payload(page, cell)
            else:
                yield from self.rows(int.from_bytes(page[cell : cell + 4], "big"), depth + 1)
        if kind == _INNER:
            yield from self.rows(int.from_bytes(page[at + 8 : at + 12], "big"), depth + 1)

    def _page(self, number: int) -> bytes:
        page = self._file.at((number - 1) * self._size, self._size)
        if number in self._used or len(page) < self._size:
            raise Invalid(f"page {number} is not there, or is used twice")
        self._used.add(number)
        return page

    def _payload(self, page: bytes, cell: int) -> bytes:
        length, at = _varint(page, cell)
        _, at = _varint(page, at)
        if length > BLOB_LIMIT:
            raise Invalid(f"a row says that it has {length} bytes")
        local = self._local(length)
        parts = [page[at : at + local]]
        following = int.from_bytes(page[at + local : at + local + 4], "big") if local < length else 0
        left = length - local
        while left > 0:
            overflow = self._page(following)
            parts.append(overflow[4 : 4 + min(left, self._usable - 4)])
            left -= self._usable - 4
            following = int.from_bytes(overflow[:4], "big")
        return b"".join(parts)

    def _local(self, length: int) -> int:
        """How much of a record lies in its cell ("B-tree Cell Format")."""
        most = self._usable - 35
        if length <= most:
            return length
        least = (self._usable - 12) * 32 // 255 - 23
        kept = least + (length - least) % (self._usable - 4)
        return kept if kept <= most else least


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of one to nine bytes, and where it ends."""
    value = 0
    for count in range(9):
        byte = data[at + count] if at + count < len(data) else 0
        if count == 8:
            return value << 8 | byte, at + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + count + 1
    return value, at + 9


def _columns(payload: bytes) -> list[bytes]:
    """The columns of a record as bytes, the first four of them ("Record Format")."""
    length, at = _varint(payload, 0)
    body = length
    columns: list[bytes] = []
    while at < min(length, len(payload)) and len(columns) < 4:
        kind, at = _varint(payload, at)
        size = _SIZES[kind] if kind < len(_SIZES) else (kind - 12) // 2
        columns.append(payload[body : body + size])
        body += size
    return columns
