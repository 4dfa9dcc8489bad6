"""Make a layer: entries and their contents → tar → fixed gzip members, hashed on the way, with its index.

The tar is cut into members of 4 MiB that are compressed side by side and written in order, so that the bytes do not
depend on how many threads there were, and a few members are all that is in memory.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, BinaryIO, Final

import msgspec

from scow.errors import Conflict
from scow.layer.compression import MEMBER, gzip_member
from scow.layer.entry import Entry
from scow.layer.header import END, header, padding
from scow.layer.tar import Reader

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

_THREADS: Final = max(2, os.cpu_count() or 2)
_READ: Final = 1 << 20

#: A file's bytes, or a function that opens them (the descriptor is read from where it stands, and closed after).
Content = bytes | Callable[[], int]
Item = tuple[Entry, Content]
#: Sees the tar's bytes as they go by.
Watch = Callable[[bytes], None]
#: Sees an entry, with its content's digest and offset.
Note = Callable[[Entry], None]


class Packed(msgspec.Struct, frozen=True):
    """A new layer: sha256 and length of the compressed blob, and of the tar inside it (hex digests)."""

    blob: str
    blob_size: int
    tar: str
    tar_size: int


class _Stream:
    """The tar as it grows: fills member after member, keeps the compressed ones in order."""

    def __init__(self, output: BinaryIO, pool: ThreadPoolExecutor, watch: Watch | None = None) -> None:
        self._output, self._pool, self._watch = output, pool, watch
        self._waiting: deque[Future[bytes]] = deque()
        self._member = bytearray(MEMBER)
        self._view = memoryview(self._member)
        self._filled = 0
        self.tar, self.blob = hashlib.sha256(), hashlib.sha256()
        self.tar_size = self.blob_size = 0

    @property
    def offset(self) -> int:
        return self.tar_size + self._filled

    def room(self, size: int) -> memoryview:
        """Up to ``size`` bytes of the current member to write into; :meth:`advance` says how many were."""
        if self._filled == MEMBER:
            self._seal()
        return self._view[self._filled : min(self._filled + size, MEMBER)]

    def advance(self, size: int) -> None:
        self._filled += size

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while len(view):
            room = self.room(len(view))
            room[:] = view[: len(room)]
            self.advance(len(room))
            view = view[len(room) :]

    @property
    def packed(self) -> Packed:
        return Packed(self.blob.hexdigest(), self.blob_size, self.tar.hexdigest(), self.tar_size)

    def finish(self) -> None:
        self._seal()
        while self._waiting:
            self._put()

    def _seal(self) -> None:
        if not self._filled:
            return
        member = self._view[: self._filled]
        if self._watch:
            self._watch(bytes(member))
        self.tar.update(member)
        self.tar_size += self._filled
        self._waiting.append(self._pool.submit(gzip_member, member))
        while len(self._waiting) > _THREADS:
            self._put()
        self._member = bytearray(MEMBER)
        self._view, self._filled = memoryview(self._member), 0

    def _put(self) -> None:
        data = self._waiting.popleft().result()
        self.blob.update(data)
        self.blob_size += len(data)
        self._output.write(data)


@contextlib.contextmanager
def _streaming(output: BinaryIO, watch: Watch | None = None) -> Iterator[_Stream]:
    """A tar to write into, whole at the end of the block."""
    from concurrent.futures import ThreadPoolExecutor  # brings logging: not for those who find everything cached

    with ThreadPoolExecutor(_THREADS, "gzip") as pool:
        stream = _Stream(output, pool, watch)
        yield stream
        stream.finish()


def pack(items: Iterable[Item], output: BinaryIO, note: Note | None = None, watch: Watch | None = None) -> Packed:
    """Write the layer that ``items`` (parents first) make to ``output``; ``note`` sees its entries.

    Raises :class:`Conflict` when a file changes its size while it is read, or ``OSError``.
    """
    with _streaming(output, watch) as stream:
        for entry, content in items:
            stream.write(header(entry))
            if entry.kind == "file":
                offset = stream.offset
                digest = _copy(stream, entry, content)
                stream.write(padding(entry.size))
                entry = msgspec.structs.replace(entry, digest=digest, offset=offset)
            if note:
                note(entry)
        stream.write(END)
    return stream.packed


def compress(reader: Reader, output: BinaryIO, watch: Watch) -> Packed:
    """Write a tar that is there already to ``output``, compressed; ``watch`` sees its bytes."""
    with _streaming(output) as stream:
        while chunk := reader.read(_READ):
            stream.write(chunk)
            watch(chunk)
    return stream.packed


def _copy(stream: _Stream, entry: Entry, content: Content) -> bytes:
    if isinstance(content, bytes):
        stream.write(content)
        return hashlib.sha256(content).digest()
    if not entry.size:
        return hashlib.sha256().digest()
    fd = content()
    try:
        return _copy_file(stream, fd, entry)
    finally:
        os.close(fd)


def _copy_file(stream: _Stream, fd: int, entry: Entry) -> bytes:
    digest = hashlib.sha256()
    left = entry.size
    while left:
        room = stream.room(min(left, _READ))
        count = os.readv(fd, [room])
        if not count:
            raise Conflict("file became shorter while it was read", subject=entry.text)
        digest.update(room[:count])
        stream.advance(count)
        left -= count
    if os.lseek(fd, 0, os.SEEK_CUR) == entry.size and os.read(fd, 1):  # else it was a slice of a larger file
        raise Conflict("file became longer while it was read", subject=entry.text)
    return digest.digest()
