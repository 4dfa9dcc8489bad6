"""A document as indented JSON that speaks to no terminal, piece by piece: none of it need be there before it is
written. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from scow.errors import escaped

#: Bytes that go out together.
_PIECE: Final = 256 << 10


def pieces(document: Mapping[str, Any]) -> Iterator[bytes]:
    """The bytes of ``document``. A field may be an iterator, whose items are made and written one by one, after all
    fields before it."""
    room = bytearray(b"{")
    for number, (key, value) in enumerate(document.items()):
        room += b",\n  " if number else b"\n  "
        room += msgspec.json.encode(key) + b": "
        for part in _items(value) if isinstance(value, Iterator) else (_indented(value, 2),):
            room += part
            if len(room) >= _PIECE:
                yield bytes(room)
                room.clear()
    yield bytes(room) + b"\n}\n"


def _items(values: Iterable[Any]) -> Iterator[bytes]:
    before = b"[\n    "
    for value in values:
        yield before
        yield _indented(value, 4)
        before = b",\n    "
    yield b"\n  ]" if before[:1] == b"," else b"[]"


def _indented(value: Any, columns: int) -> bytes:
    """``value`` in the midst of a document; a newline is never inside a text."""
    text = escaped(msgspec.json.encode(value).decode()).encode()
    return msgspec.json.format(text, indent=2).replace(b"\n", b"\n" + b" " * columns)
