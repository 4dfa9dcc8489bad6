"""Files of an image at a registry, read by range: its layers' tables of contents come, and what is asked for.

A layer that carries no table (:mod:`scow.layer.toc`), or that the store has, is looked at as ever. What a table says
binds nobody who unpacks the layer: this is for looking, not for judging an image (scan, analyze).
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol

from scow.content.target import Reader, Source
from scow.content.verify import read_all
from scow.errors import Integrity, Invalid, Unsupported
from scow.image.contents import ImageContents
from scow.image.image import Image
from scow.image.store import Store
from scow.layer import tar, toc
from scow.layer.compression import detected, inflated
from scow.layer.entry import Entry
from scow.layer.view import Found
from scow.oci.descriptor import Descriptor


class Ranges(Protocol):
    """A source that hands out parts of blobs."""

    def part(self, descriptor: Descriptor, start: int, end: int) -> AbstractContextManager[Reader]:
        """The bytes from ``start`` to ``end``, not verified. Raises :class:`Unsupported` where only all can be had."""
        ...


class RangedContents(ImageContents):
    """An image at ``source``, whose layers are read by range where they can be."""

    def __init__(self, image: Image, store: Store, source: Source, ranges: Ranges) -> None:
        super().__init__(image, store, source)
        self._ranges = ranges
        self._tables: dict[int, toc.Table | None] = {}

    def entries(self, number: int) -> Iterator[Entry]:
        """What layer ``number`` says, in its order."""
        table = self._table(number)
        return iter(table.entries) if table else super().entries(number)

    def _from_bytes(self, number: int, wanted: dict[bytes, Found]) -> Iterator[tuple[Found, Reader]]:
        table = self._table(number)
        if table is None:
            yield from super()._from_bytes(number, wanted)
            return
        descriptor = self.layers[number].descriptor
        for path, found in sorted(wanted.items(), key=lambda pair: pair[1].entry.offset):
            piece = table.pieces.get(path)
            if piece is None:
                yield found, _Content(found, None, 0)
                continue
            with self._ranges.part(descriptor, piece.start, piece.end) as packed:
                yield found, _Content(found, inflated(*detected(packed)), piece.inner)

    def _table(self, number: int) -> toc.Table | None:
        if number not in self._tables:
            self._tables[number] = None if self._is_here(number) else self._read_table(number)
        return self._tables[number]

    def _is_here(self, number: int) -> bool:
        layer = self.layers[number]
        return self._store.layers.header(layer.diff_id) is not None or self._store.layout.exists(layer.descriptor)

    def _read_table(self, number: int) -> toc.Table | None:
        descriptor = self.layers[number].descriptor
        try:
            place = self._place(descriptor)
            return toc.parse(self._json(descriptor, place), place.start) if place else None
        except Unsupported:
            return None

    def _place(self, descriptor: Descriptor) -> toc.Place | None:
        digest = toc.stargz(descriptor.annotations)
        if digest and descriptor.size > toc.FOOTER:
            start = descriptor.size - toc.FOOTER
            with self._ranges.part(descriptor, start, descriptor.size) as tail:
                return toc.footer(read_all(tail, toc.FOOTER), descriptor.size, digest)
        return toc.chunked(descriptor.annotations, descriptor.size)

    def _json(self, descriptor: Descriptor, place: toc.Place) -> bytes:
        """The table's JSON, verified."""
        with self._ranges.part(descriptor, place.start, place.end) as reader:
            packed = read_all(reader, toc.TABLE_LIMIT)
        if place.packed:
            _check(descriptor, place.digest, packed)
        plain = inflated(*detected(io.BytesIO(packed)))
        if place.packed:
            return read_all(plain, toc.TABLE_LIMIT)
        raw = _only_file(plain)
        _check(descriptor, place.digest, raw)
        return raw


def _only_file(plain: Reader) -> bytes:
    """The table in the tar that eStargz puts it into."""
    for entry, body in tar.members(plain):
        if entry.path == toc.TABLE_NAME and entry.size <= toc.TABLE_LIMIT:
            return b"".join(bytes(piece) for _, piece in body.pieces())
    raise Invalid("eStargz table of contents is not where its footer says")


def _check(descriptor: Descriptor, expected: str, data: bytes) -> None:
    actual = f"sha256:{hashlib.sha256(data).hexdigest()}"
    if actual != expected:
        raise Integrity(
            "table of contents is not what the manifest says",
            subject=descriptor.digest,
            expected=expected,
            actual=actual,
        )


class _Content:
    """A file's bytes out of an inflated piece, checked at their end."""

    def __init__(self, found: Found, plain: Reader | None, inner: int) -> None:
        self._found, self._plain, self._skip = found, plain, inner
        self._left = found.entry.size
        self._hash = hashlib.sha256()
        self._rest = b""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes: at most ``size``, ``b""`` at the end."""
        while self._left and not self._rest:
            more = self._plain.read() if self._plain else b""
            if not more:
                raise self._wrong()
            skipped = min(self._skip, len(more))
            self._skip -= skipped
            self._rest = more[skipped : skipped + self._left]
            self._left -= len(self._rest)
            self._hash.update(self._rest)
            if not self._left and self._hash.digest() != self._found.entry.digest:
                raise self._wrong()
        part, self._rest = (self._rest, b"") if size < 0 else (self._rest[:size], self._rest[size:])
        return part

    def _wrong(self) -> Integrity:
        entry = self._found.entry
        return Integrity(
            "file is not what its layer's table of contents says", subject=entry.text, expected=entry.digest.hex()
        )
