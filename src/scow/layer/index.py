"""The layer index: what a layer holds, written once while its bytes go by, read by everything that asks later.

A file of length-prefixed msgpack frames: a :class:`Header`, then lists of up to 1024 entries in the tar's order, so
that a reader holds one frame at a time. The totals stand in the header, which :class:`Writer` fills in at the end.
"""

# Annotations are not deferred: msgspec would compile each of them before the first document is read.

import os
from collections.abc import Iterator
from typing import BinaryIO, Final, Self

import msgspec

from scow.errors import Integrity
from scow.files import Irregular, opened
from scow.layer.entry import Entry
from scow.oci.known import known

_FORMAT: Final = 2
_FRAME: Final = 1024
_LANDMARKS_LIMIT: Final = 16
_HEADER_ROOM: Final = 4096
#: What every container has, places to mount on among it: known from the header, without a look at all entries.
LANDMARKS: Final = frozenset(b" dev proc sys etc etc/hostname etc/hosts etc/mtab etc/resolv.conf".split(b" "))
_FRAME_LIMIT: Final = 64 << 20


class Header(msgspec.Struct, frozen=True, array_like=True):
    """Totals of a layer. ``size`` is the uncompressed tar's length, ``content`` the sum of its files' sizes;
    ``plain`` says that no entry needs the layers below to be placed (every parent is there, no link leaves);
    ``root`` is the entry of the root directory, if the layer has one; ``landmarks`` are its entries of
    :data:`LANDMARKS`; ``digests`` that each file in one piece has its digest."""

    format: int = _FORMAT
    entries: int = 0
    size: int = 0
    content: int = 0
    plain: bool = True
    root: Entry | None = None
    landmarks: tuple[Entry, ...] = ()
    digests: bool = True


class Writer:
    """Appends entries to a new index file. ``finish`` makes it valid; without it the file reads as damaged."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._encode = msgspec.msgpack.Encoder().encode
        self._frame: list[Entry] = []
        self._entries = self._content = 0
        self._root: Entry | None = None
        self._landmarks: list[Entry] = []
        self._digests = True
        file.write(bytes(_HEADER_ROOM))

    def add(self, entry: Entry) -> None:
        """Append an entry, in the tar's order."""
        self._frame.append(entry)
        if entry.path in LANDMARKS:
            self._landmarks.append(entry)
            if not entry.path and entry.kind == "dir":
                self._root = entry
        if entry.kind == "file":
            self._content += entry.size
            if self._digests and entry.offset >= 0 and not entry.digest:
                self._digests = False
        if len(self._frame) >= _FRAME:
            self._flush()

    def finish(self, size: int, *, plain: bool) -> Header:
        """Write the header for a tar of ``size`` bytes and sync the file."""
        self._flush()
        landmarks = tuple(map(_short, self._landmarks[:_LANDMARKS_LIMIT]))
        header = Header(_FORMAT, self._entries, size, self._content, plain, self._root, landmarks, self._digests)
        data = self._encode(header)
        if len(data) > _HEADER_ROOM - 4:  # xattrs of the root that nobody needs here
            data = self._encode(msgspec.structs.replace(header, root=None))
        self._file.seek(0)
        self._file.write(len(data).to_bytes(4, "big") + data)
        self._file.flush()
        os.fsync(self._file.fileno())
        return header

    def _flush(self) -> None:
        if self._frame:
            self._entries += len(self._frame)
            data = self._encode(self._frame)
            self._file.write(len(data).to_bytes(4, "big") + data)
            self._frame = []


def _short(entry: Entry) -> Entry:
    """All that matters of a landmark: a hard link is as good as a file."""
    kind = "file" if entry.kind == "hardlink" else entry.kind
    return Entry(entry.path, kind, entry.mode, entry.uid, entry.gid, mtime=entry.mtime)


class Index:
    """An index file, open for reading: ``header``, and the entries by iteration (any number of times)."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = path
        try:
            self._file = opened(path)
        except Irregular:
            raise self._damaged() from None
        try:
            self.header = self._read_header()
        except BaseException:
            self._file.close()
            raise

    def _read_header(self) -> Header:
        raw = self._file.read(_HEADER_ROOM)
        length = int.from_bytes(raw[:4], "big")
        if not 0 < length <= _HEADER_ROOM - 4:
            raise self._damaged()
        try:
            header = msgspec.msgpack.decode(raw[4 : 4 + length], type=known(Header))
        except msgspec.DecodeError:
            raise self._damaged() from None
        if header.format != _FORMAT:
            raise self._damaged()
        return header

    def __iter__(self) -> Iterator[Entry]:
        decode = msgspec.msgpack.Decoder(known(list[Entry])).decode
        at, left = _HEADER_ROOM, self.header.entries
        while left:
            self._file.seek(at)
            prefix = self._file.read(4)
            length = int.from_bytes(prefix, "big")
            data = self._file.read(length) if length <= _FRAME_LIMIT else b""
            at += 4 + length
            try:
                entries = decode(data)
            except msgspec.DecodeError:
                raise self._damaged() from None
            left -= len(entries)
            if not entries or left < 0:
                raise self._damaged()
            yield from entries

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _damaged(self) -> Integrity:
        return Integrity("layer index is damaged", subject=os.path.basename(os.path.dirname(self._path)))
