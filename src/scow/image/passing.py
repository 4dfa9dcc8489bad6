"""Files of a layer, read while its bytes go by: out of a blob, or while its index is made."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Final

from scow.content.target import Reader
from scow.errors import Integrity
from scow.layer import tar
from scow.layer.apply import apply
from scow.layer.entry import Entry
from scow.layer.index import Writer
from scow.layer.placement import Placement
from scow.layer.tree import Content, NoTree
from scow.layer.view import Found

_CHUNK: Final = 1 << 20

#: Sees each entry that is not about the layers below; who wants to read its content, if anybody does.
Watch = Callable[[Entry], Callable[[Reader], None] | None]


def watched(watch: Watch, reader: Reader, index: Writer) -> bool:
    """The index only, as ``watch`` sees its entries and each file that it wants is read. Is the layer plain?"""
    return apply(reader, _Watched(watch), index)


def from_tar(plain: Reader, wanted: dict[bytes, Found]) -> Iterator[tuple[Found, Reader]]:
    """The wanted files out of one pass over a layer's plain bytes, which ends with the last of them.

    Empties ``wanted``. A reader raises :class:`Integrity` at the end of a file that is not what the index says.
    """
    placement = Placement()
    for raw, body in tar.members(plain):
        entry = placement.place(raw)
        found = wanted.get(entry.path) if entry.kind == "file" else None
        if found is not None and found.entry.offset == entry.offset:  # a path may come twice: the last one counts
            del wanted[entry.path]
            yield found, _Member(found.entry, body)
        if not wanted:
            return


class _Watched(NoTree):
    """Writes nothing; hands out each file that is wanted. As a pull, it does not stop for the digests of files."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def directory(self, entry: Entry) -> None:
        """Shown."""
        self._watch(entry)

    symlink = hardlink = special = directory

    def file(self, entry: Entry, body: Content) -> bytes:
        """Shown, and read by whoever wants it."""
        read = self._watch(entry)
        if read is not None:
            read(_Member(entry, body))
        return b""


class _Member:
    """A tar member's content as a reader: holes are zeros, and the end is checked where the entry knows its digest."""

    def __init__(self, entry: Entry, body: Content) -> None:
        self._entry = entry
        self._pieces = _filled(body, entry.size)
        self._hash = hashlib.sha256() if entry.digest else None
        self._rest = b""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes: at most ``size``, ``b""`` at the end."""
        if not self._rest:
            self._rest = next(self._pieces, b"")
            if self._hash:
                self._check(self._hash)
        part, self._rest = (self._rest, b"") if size < 0 else (self._rest[:size], self._rest[size:])
        return part

    def _check(self, found: hashlib._Hash) -> None:
        found.update(self._rest)
        if not self._rest and found.digest() != self._entry.digest:
            raise Integrity(
                "file is not what its layer's index says",
                subject=self._entry.text,
                expected=self._entry.digest.hex(),
            )


def _filled(body: Content, size: int) -> Iterator[bytes]:
    """The content in pieces, holes written out."""
    at = 0
    for offset, piece in body.pieces():
        yield from _zeros(offset - at)
        yield bytes(piece)
        at = offset + len(piece)
    yield from _zeros(size - at)


def _zeros(count: int) -> Iterator[bytes]:
    while count > 0:
        yield bytes(min(count, _CHUNK))
        count -= _CHUNK
