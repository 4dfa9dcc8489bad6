"""rpm's own database, ``Packages.db`` (rpm, lib/backend/ndb/rpmpkg.c). Pure.

A header of 32 bytes, then slots of 16 bytes (magic, number, first block, blocks) to the end of the slot pages; a blob
lies at its block: 16 bytes of head (magic, number, generation, length), then the data. All little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from scow.errors import Invalid
from scow.scan.catalog.window import Window

MAGIC: Final = b"RpmP"
_SLOT: Final = b"Slot"
_BLOB: Final = b"BlbS"
_PAGE, _SLOT_SIZE, _BLOCK = 4096, 16, 16
_SLOT_PAGES_LIMIT: Final = 2048
BLOB_LIMIT: Final = 32 << 20


def blobs(file: Window) -> Iterator[bytes]:
    """The packages' headers. Raises :class:`Invalid` for damage."""
    pages = file.number(12, 4)
    if not 0 < pages <= _SLOT_PAGES_LIMIT:
        raise Invalid(f"has {pages} pages of slots")
    slots = file.at(0, pages * _PAGE)
    for at in range(32, len(slots) - _SLOT_SIZE + 1, _SLOT_SIZE):
        magic, number, block, _ = struct.unpack_from("<4sIII", slots, at)
        if magic != _SLOT:
            raise Invalid("a slot is damaged")
        if number and block:
            yield _blob(file, number, block)


def _blob(file: Window, number: int, block: int) -> bytes:
    head = file.at(block * _BLOCK, 16)
    if head[:8] != _BLOB + number.to_bytes(4, "little") or len(head) < 16:
        raise Invalid("a slot points to what is no blob")
    length = int.from_bytes(head[12:], "little")
    blob = file.at(block * _BLOCK + 16, length) if length <= BLOB_LIMIT else b""
    if len(blob) != length:
        raise Invalid(f"a blob says that it has {length} bytes")
    return blob
