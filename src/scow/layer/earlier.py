"""A layer packed anew after a few files changed: whose members are those of the layer before it.

A member (:mod:`scow.layer.compression`) is kept when every entry that reaches into it is the same, content and all, at
the same place of the tar. What is kept is neither read nor compressed again; inflating it proves both of its sides.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from scow.errors import Integrity
from scow.files import regular
from scow.layer.compression import MEMBER, gzip_plain
from scow.layer.entry import Entry
from scow.layer.header import END, header, padding
from scow.layer.members import Members

#: No larger layer is compared: its entries are held while it is.
MOST: Final = 100_000


class _Span(NamedTuple):
    """Where an entry is in its tar, header and padding included."""

    start: int
    end: int
    entry: Entry


class Kept(msgspec.Struct, frozen=True):
    """``entries``: for each of a new layer's, the earlier layer's when nothing of it is to be written, and how many
    bytes it takes; ``members``: the numbers of those that are taken over."""

    entries: Sequence[tuple[Entry, int] | None] = ()
    members: frozenset[int] = frozenset()


class Earlier(msgspec.Struct, frozen=True):
    """The layer before: its ``entries``, the file with its ``blob``, how that was cut."""

    entries: Iterable[Entry]
    blob: Path
    members: Members

    def kept(self, entries: Iterable[Entry]) -> Kept:
        """What a layer of ``entries`` has in common with this one. Only entries with a digest are known well enough."""
        spans = {span.entry.path: span for span in _spans(self.entries)}
        old_end = max((span.end for span in spans.values()), default=0)
        same: list[_Span | None] = []
        touched: set[int] = set()
        at = 0
        for entry in entries:
            span = spans.get(entry.path)
            if span is None or span.start != at or not _is_same(entry, span.entry):
                end = at + len(header(entry)) + _room(entry)
                touched.update(range(at // MEMBER, (end - 1) // MEMBER + 1))
                same.append(None)
                at = end
            else:
                same.append(span)
                at = span.end
        whole = range(-(-(at + len(END)) // MEMBER) if at == old_end else min(at, old_end) // MEMBER)
        members = frozenset(whole[: len(self.members.sizes)]) - touched
        return Kept([_left_out(span, members) for span in same], members)

    def member(self, number: int, room: memoryview) -> bytes:
        """A member's compressed bytes; its plain ones go to ``room``, which they fill. Raises :class:`Integrity`."""
        fd = regular(self.blob, os.O_RDONLY)
        try:
            data = os.pread(fd, self.members.sizes[number], sum(self.members.sizes[:number]))
        finally:
            os.close(fd)
        room[:] = gzip_plain(data, len(room))
        return data


def _spans(entries: Iterable[Entry]) -> Iterable[_Span]:
    at = 0
    for entry in entries:
        start = at
        if entry.kind == "file":
            if entry.offset < 0 or not entry.digest:
                raise Integrity("not a layer that was packed here", subject=entry.text)
            at = entry.offset + _room(entry)
        else:
            at += len(header(entry))
        yield _Span(start, at, entry)


def _room(entry: Entry) -> int:
    return entry.size + len(padding(entry.size)) if entry.kind == "file" else 0


def _is_same(new: Entry, old: Entry) -> bool:
    if new.kind == "file":
        new = msgspec.structs.replace(new, offset=old.offset)
    return new == old


def _left_out(span: _Span | None, members: frozenset[int]) -> tuple[Entry, int] | None:
    if span is None or not members.issuperset(range(span.start // MEMBER, (span.end - 1) // MEMBER + 1)):
        return None
    return span.entry, span.end - span.start
