"""Files of a layer, read while its bytes go by: out of a blob, or while its index is made."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Final

from scow.content.target import Reader
from scow.errors import Integrity
from scow.image.trees import Make
from scow.layer import tar
from scow.layer.apply import apply
from scow.layer.entry import Entry
from scow.layer.placement import Placement
from scow.layer.tree import Content, NoTree
from scow.layer.view import Found

_CHUNK: Final = 1 << 20

#: Who wants to read the content of an entry, if anybody does.
Watch = Callable[[Entry], Callable[[Reader], None] | None]


def watched(watch: Watch) -> Make:
    """The index only, as each file that ``watch`` wants is read by whom it says."""
    return lambda reader, draft, index: apply(reader, _Watched(watch), index)


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
    """Writes nothing; hands out each file that is wanted."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def file(self, entry: Entry, body: Content) -> bytes:
        """As :class:`NoTree`."""
        read = self._watch(entry)
        if read is None:
            return super().file(entry, body)
        member = _Member(entry, body)
        read(member)
        digest = member.finish()
        return b"" if body.map else digest


class _Member:
    """A tar member's content as a reader: holes are zeros, and the end is checked where the entry knows its digest."""

    def __init__(self, entry: Entry, body: Content) -> None:
        self._entry = entry
        self._pieces = _filled(body, entry.size)
        self._hash = hashlib.sha256()
        self._rest = b""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes: at most ``size``, ``b""`` at the end."""
        if not self._rest:
            self._rest = next(self._pieces, b"")
            self._hash.update(self._rest)
            if not self._rest:
                self._check()
        part, self._rest = (self._rest, b"") if size < 0 else (self._rest[:size], self._rest[size:])
        return part

    def finish(self) -> bytes:
        """Read to the end → the raw sha256 of the whole content."""
        for piece in self._pieces:
            self._hash.update(piece)
        return self._hash.digest()

    def _check(self) -> None:
        expected = self._entry.digest
        if expected and self._hash.digest() != expected:
            raise Integrity(
                "file is not what its layer's index says", subject=self._entry.text, expected=expected.hex()
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
