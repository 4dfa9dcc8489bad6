"""Make a layer: entries and their contents → tar → fixed gzip members, hashed on the way, with its index.

The tar is cut into members of 4 MiB that are compressed side by side and written in order, so that the bytes do not
depend on how many threads there were, and a few members are all that is in memory.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterable
from functools import partial
from itertools import repeat
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

import msgspec

from scow.errors import Conflict
from scow.layer.compression import MEMBER, gzip_member
from scow.layer.earlier import Earlier, Kept
from scow.layer.entry import Entry
from scow.layer.header import END, header, padding
from scow.layer.stream import Reader

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

_THREADS: Final = max(2, os.cpu_count() or 2)
_READ: Final = 1 << 20
_SMALL: Final = 64 << 10  # what is read in one piece

#: A file's bytes, or a function that opens them (the descriptor is read from where it stands, and closed after).
Content = bytes | Callable[[], int]
Item = tuple[Entry, Content]
#: Sees the tar's bytes as they go by, in a buffer that is used again.
Watch = Callable[[memoryview], None]
#: The compressed bytes of the member with a number; its plain ones are there, or are filled in.
Compressed = Callable[[int, memoryview], bytes | bytearray]
#: Sees an entry, with its content's digest and offset.
Note = Callable[[Entry], None]


class Output(Protocol):
    """Where a blob's bytes go: all of them, or an error."""

    def write(self, data: bytes | bytearray, /) -> object:
        """Take the next bytes."""
        ...


class Packed(msgspec.Struct, frozen=True):
    """A new layer: sha256 and length of the compressed blob, and of the tar inside it (hex digests); the compressed
    sizes of its members."""

    blob: str
    blob_size: int
    tar: str
    tar_size: int
    members: tuple[int, ...] = ()


class _Member(NamedTuple):
    """A piece of the tar on its way out: the buffer it lies in, how much of that it is, and its compressed bytes."""

    buffer: bytearray
    size: int
    compressed: Future[bytes | bytearray]


class _Writer(threading.Thread):
    """Hashes and writes members in their order, beside whoever fills and compresses the next ones.

    A buffer is free again once its member was written: a few of them are all that is in memory.
    """

    def __init__(self, output: Output, watch: Watch | None) -> None:
        super().__init__(name="pack", daemon=True)
        self._output, self._watch = output, watch
        self.members: SimpleQueue[_Member | None] = SimpleQueue()
        self.free: SimpleQueue[bytearray] = SimpleQueue()
        self.tar, self.blob = hashlib.sha256(), hashlib.sha256()
        self.sizes: list[int] = []
        self.error: BaseException | None = None
        self.start()

    def run(self) -> None:
        """Write until there are no more; after an error, only let go of what comes."""
        while member := self.members.get():
            if self.error is None:
                try:
                    self._write(member)
                except BaseException as error:
                    self.error = error
            self.free.put(member.buffer)

    def _write(self, member: _Member) -> None:
        data = member.compressed.result()  # first: what is taken over has no plain bytes before
        with memoryview(member.buffer)[: member.size] as plain:
            self.tar.update(plain)
            if self._watch:
                self._watch(plain)
        self.blob.update(data)
        self.sizes.append(len(data))
        self._output.write(data)


class _Stream:
    """The tar as it grows: fills member after member and hands them on."""

    def __init__(self, writer: _Writer, pool: ThreadPoolExecutor, compressed: Compressed) -> None:
        self._writer, self._pool, self._compressed = writer, pool, compressed
        self._number = 0
        self._buffers = 1
        self._member = bytearray(MEMBER)
        self._view = memoryview(self._member)
        self._filled = 0
        self.tar_size = 0

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

    def skip(self, size: int) -> None:
        """Leave out bytes of members that are taken over from elsewhere."""
        while size:
            room = len(self.room(size))
            self.advance(room)
            size -= room

    def write(self, data: bytes) -> None:
        end = self._filled + len(data)
        if end <= MEMBER:
            self._member[self._filled : end] = data
            self._filled = end
            return
        view = memoryview(data)
        while len(view):
            room = self.room(len(view))
            room[:] = view[: len(room)]
            self.advance(len(room))
            view = view[len(room) :]

    def finish(self) -> Packed:
        """Everything is handed on and written. Raises what writing failed with."""
        self._seal()
        self.stop()
        if self._writer.error is not None:
            raise self._writer.error
        done = self._writer
        sizes = tuple(done.sizes)
        return Packed(done.blob.hexdigest(), sum(sizes), done.tar.hexdigest(), self.tar_size, sizes)

    def stop(self) -> None:
        self._writer.members.put(None)
        self._writer.join()

    def _seal(self) -> None:
        if not self._filled:
            return
        if self._writer.error is not None:
            raise self._writer.error
        compressed = self._pool.submit(self._compressed, self._number, self._view[: self._filled])
        self._number += 1
        self._writer.members.put(_Member(self._member, self._filled, compressed))
        self.tar_size += self._filled
        if self._buffers <= _THREADS + 1:
            self._buffers += 1
            self._member = bytearray(MEMBER)
        else:
            self._member = self._writer.free.get()
        self._view, self._filled = memoryview(self._member), 0


def _made(number: int, plain: memoryview) -> bytearray:
    return gzip_member(plain)


def _streamed(
    output: Output, watch: Watch | None, fill: Callable[[_Stream], None], compressed: Compressed = _made
) -> Packed:
    """What ``fill`` writes into the stream, packed."""
    from concurrent.futures import ThreadPoolExecutor  # brings logging: not for those who find everything cached

    with ThreadPoolExecutor(_THREADS, "gzip") as pool:
        stream = _Stream(_Writer(output, watch), pool, compressed)
        try:
            fill(stream)
            return stream.finish()
        finally:
            stream.stop()


def pack(
    items: Iterable[Item],
    output: Output,
    note: Note | None = None,
    watch: Watch | None = None,
    earlier: Earlier | None = None,
) -> Packed:
    """Write the layer that ``items`` (parents first) make to ``output``; ``note`` sees its entries.

    ``watch`` sees the tar's bytes on another thread, and must not keep them. What ``earlier`` has in common with it is
    taken from there. Raises :class:`Conflict` when a file changes its size while it is read, :class:`Integrity` when
    ``earlier`` is damaged, or ``OSError``.
    """
    kept = Kept()
    if earlier:
        items = list(items)
        kept = earlier.kept(entry for entry, _ in items)

    def fill(stream: _Stream) -> None:
        for (entry, content), known in zip(items, kept.entries or repeat(None), strict=False):
            if known:
                entry, size = known
                stream.skip(size)
            elif entry.kind == "file":
                entry = _write_file(stream, entry, content)
            else:
                stream.write(header(entry))
            if note:
                note(entry)
        stream.write(END)

    def compressed(number: int, plain: memoryview) -> bytes | bytearray:
        return earlier.member(number, plain) if earlier and number in kept.members else gzip_member(plain)

    return _streamed(output, watch, fill, compressed)


def compress(reader: Reader, output: Output, watch: Watch) -> Packed:
    """Write a tar that is there already to ``output``, compressed; ``watch`` sees its bytes, and must not keep them."""

    def fill(stream: _Stream) -> None:
        while chunk := reader.read(_READ):
            stream.write(chunk)

    return _streamed(output, watch, fill)


def _write_file(stream: _Stream, entry: Entry, content: Content) -> Entry:
    """Header, content, padding; the entry with what is known of the content now."""
    head, tail = header(entry), padding(entry.size)
    offset = stream.offset + len(head)
    if isinstance(content, bytes) or entry.size <= _SMALL:
        data = content if isinstance(content, bytes) else _opened(content, partial(_read, entry)) if entry.size else b""
        stream.write(head + data + tail)
        digest = hashlib.sha256(data).digest()
    else:
        stream.write(head)
        digest = _opened(content, partial(_copy, stream, entry))
        stream.write(tail)
    return msgspec.structs.replace(entry, digest=digest, offset=offset)


def _opened(content: Callable[[], int], use: Callable[[int], bytes]) -> bytes:
    fd = content()
    try:
        return use(fd)
    finally:
        os.close(fd)


def _read(entry: Entry, fd: int) -> bytes:
    """The content of a small file, in one call: one byte more is asked for, which tells the end as well."""
    data = os.read(fd, entry.size + 1)
    while len(data) < entry.size and (more := os.read(fd, entry.size + 1 - len(data))):
        data += more
    _check_size(entry, fd, len(data))
    return data[: entry.size]


def _copy(stream: _Stream, entry: Entry, fd: int) -> bytes:
    """The content into the stream; its digest."""
    digest = hashlib.sha256()
    done = 0
    more = bytearray(1)  # asked for with the last bytes, so that the end of the file costs no call of its own
    while done < entry.size:
        room = stream.room(min(entry.size - done, _READ))
        last = len(room) == entry.size - done
        count = os.readv(fd, [room, more] if last else [room])
        if not count or count > len(room):
            _check_size(entry, fd, done + count)
        count = min(count, len(room))
        digest.update(room[:count])
        stream.advance(count)
        done += count
    return digest.digest()


def _check_size(entry: Entry, fd: int, count: int) -> None:
    """Raise :class:`Conflict` unless so many bytes are the content, or it is a slice of a larger file."""
    if count < entry.size:
        raise Conflict("file became shorter while it was read", subject=entry.text)
    if count > entry.size and os.lseek(fd, 0, os.SEEK_CUR) == count:
        raise Conflict("file became longer while it was read", subject=entry.text)
