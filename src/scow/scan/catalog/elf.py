"""Sections and addresses of an ELF program (System V ABI, "Object Files"). Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from scow.scan.catalog.window import Window

MAGIC: Final = b"\x7fELF"
_TABLE_LIMIT: Final = 4 << 20
_NAME_LIMIT: Final = 64
_LOAD: Final = 1
_WRITABLE: Final = 2


class _Layout(NamedTuple):
    """The fields that are used, as struct formats: of the header after ``e_ident``, of a section, of a segment."""

    header: str  # phoff shoff phentsize phnum shentsize shnum shstrndx
    section: str  # name address offset size
    segment: str
    fields: tuple[str, ...]  # what ``segment`` has


_LAYOUTS: Final = {
    1: _Layout("12xII6xHHHHH", "I8xIII16x", "III4xI4xI4x", ("type", "offset", "address", "size", "flags")),
    2: _Layout("16xQQ6xHHHHH", "I12xQQQ24x", "IIQQ8xQ16x", ("type", "flags", "offset", "address", "size")),
}


class Segment(NamedTuple):
    """A part of the file that is mapped: ``size`` bytes at ``offset`` lie at ``address``."""

    offset: int
    address: int
    size: int
    writable: bool


class Program:
    """An ELF file's sections by name, and what lies at an address. Damage shows as sections that are not there."""

    def __init__(self, file: Window) -> None:
        ident = file.at(0, 16)
        self.file = file
        self.order = ">" if ident[5:6] == b"\x02" else "<"
        self.sections: dict[bytes, Window] = {}
        self.segments: list[Segment] = []
        layout = _LAYOUTS.get(ident[4]) if len(ident) == 16 and ident[:4] == MAGIC else None
        if layout is None:
            return
        header = struct.Struct(self.order + layout.header)
        raw = file.at(16, header.size)
        if len(raw) < header.size:
            return
        phoff, shoff, phentsize, phnum, shentsize, shnum, names = header.unpack(raw)
        self.segments = list(self._read_segments(layout, phoff, phentsize, phnum))
        self.sections = self._read_sections(layout, shoff, shentsize, shnum, names)

    def address(self, address: int, size: int) -> bytes:
        """``size`` bytes of what is mapped at ``address``; none outside."""
        for one in self.segments:
            if one.address <= address < one.address + one.size:
                at = address - one.address
                return self.file.at(one.offset + at, min(size, one.size - at))
        return b""

    def _read_segments(self, layout: _Layout, at: int, step: int, count: int) -> Iterator[Segment]:
        for raw in self._rows(layout.segment, at, step, count):
            told = dict(zip(layout.fields, struct.unpack_from(self.order + layout.segment, raw), strict=True))
            if told["type"] == _LOAD:
                yield Segment(told["offset"], told["address"], told["size"], bool(told["flags"] & _WRITABLE))

    def _read_sections(self, layout: _Layout, at: int, step: int, count: int, names: int) -> dict[bytes, Window]:
        form = self.order + layout.section
        rows = [struct.unpack_from(form, raw) for raw in self._rows(layout.section, at, step, count)]
        if names >= len(rows):
            return {}
        texts = self.file.at(rows[names][2], min(rows[names][3], _TABLE_LIMIT))
        found: dict[bytes, Window] = {}
        for name, _, offset, size in rows:
            found.setdefault(
                texts[name : max(name, texts.find(b"\0", name, name + _NAME_LIMIT))], self.file.part(offset, size)
            )
        return found

    def _rows(self, form: str, at: int, step: int, count: int) -> Iterator[bytes]:
        """The rows of a table of the file, each long enough for ``form``."""
        needed = struct.calcsize(self.order + form)
        if step < needed or step * count > _TABLE_LIMIT:
            return
        table = self.file.at(at, step * count)
        for start in range(0, len(table) - needed + 1, step):
            yield table[start : start + step]
