"""Compressed streams: inflate what others wrote, and write bytes that are the same on every machine.

Written gzip is independent members of 4 MiB of input each, by libdeflate at a fixed level: the bytes do not depend on
the processor, the number of threads or the system's zlib, and members can be inflated side by side (ADR 0003).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any, Final, cast

from scow.errors import Integrity, Invalid, Limit, Unsupported
from scow.layer.stream import Reader
from scow.oci.media_types import sniff

MEMBER: Final = 4 << 20
LEVEL: Final = 6
_STORED: Final = 0
_SAMPLES: Final = 16
_SAMPLE: Final = 4096
#: What is left of a sample that is worth nothing; noise with some structure comes to 0.95 and less.
_NOISE: Final = 0.98
_CHUNK: Final = 256 << 10
_OUTPUT_CHUNK: Final = 4 << 17
#: A stream may not grow by more than this factor once past the floor (deflate's own limit is 1032).
_RATIO_LIMIT: Final = 1100
_RATIO_FLOOR: Final = 1 << 30
_XZ_MEMORY: Final = 100 << 20  # `xz -9` wants 65 MiB to decompress; a stream may ask for 4 GiB


class _Inflated:
    """The plain bytes of a compressed stream: many members, any trailing padding, bounded growth.

    ``read(n)`` hands out whatever the next input chunk gives, which may be more or less than ``n``.
    """

    def __init__(self, reader: Reader, compression: str) -> None:
        decoded = _DECODERS.get(compression)
        if decoded is None:
            raise Unsupported(f"no decoder for {compression!r}")
        self._input = _Input(reader)
        self._pieces = decoded(self._input)
        self._compression = compression
        self._given = 0

    def read(self, size: int = -1, /) -> bytes:
        """The next piece; ``b""`` at the end. Raises :class:`Invalid` for damaged streams, :class:`Limit`."""
        try:
            plain = next(self._pieces, b"")
        except _Damaged as error:
            raise Invalid(f"damaged {self._compression} stream: {error}") from None
        except EOFError:
            raise Invalid(f"{self._compression} stream ends early") from None
        self._given += len(plain)
        if self._given > _RATIO_FLOOR and self._given > self._input.taken * _RATIO_LIMIT:
            raise Limit(f"{self._compression} stream grows more than {_RATIO_LIMIT} times")
        return plain


def inflated(reader: Reader, compression: str) -> Reader:
    """``reader``'s plain bytes."""
    return reader if compression == "none" else _Inflated(reader, compression)


class _Damaged(Exception):
    """What a decoder says is wrong with its input."""


class _Input:
    """A reader for decoders, those too that want to have their room filled; ``taken`` is how many bytes they got."""

    def __init__(self, reader: Reader) -> None:
        self._read = reader.read
        self._left = memoryview(b"")
        self.taken = 0

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes."""
        chunk = self._read(size)
        self.taken += len(chunk)
        return chunk

    def readinto(self, room: memoryview, /) -> int:
        """As many of them as there is room for, or fewer; 0 at the end."""
        if not self._left:
            self._left = memoryview(self.read(_CHUNK))
        count = min(len(room), len(self._left))
        room[:count], self._left = self._left[:count], self._left[count:]
        return count


class Rewound:
    """A reader with bytes put back in front."""

    def __init__(self, head: bytes, reader: Reader) -> None:
        self._head = head
        self._reader = reader

    def read(self, size: int = -1, /) -> bytes:
        """The bytes put back first, at most ``size`` at a time, then the reader's."""
        if not self._head:
            return self._reader.read(size)
        count = len(self._head) if size < 0 else size
        head, self._head = self._head[:count], self._head[count:]
        return head


def detected(reader: Reader) -> tuple[Reader, str]:
    """``reader`` from its beginning, and its compression by its first bytes."""
    head = b""
    while len(head) < 6 and (more := reader.read(_CHUNK)):
        head += more
    return Rewound(head, reader), sniff(head)


def _gzip(reader: _Input) -> Iterator[bytes]:
    try:
        from isal import igzip, isal_zlib
    except ImportError:
        import zlib

        yield from _members(reader, lambda: zlib.decompressobj(31))
        return
    open_file, error = cast("Any", igzip.IGzipFile), cast("type[Exception]", isal_zlib.error)  # their types are wrong
    # A file, as decompressobj() has its output grow again and again, and copied each time.
    file = open_file(fileobj=reader, mode="rb")
    try:
        while plain := file.read1(_OUTPUT_CHUNK):
            yield plain
    except (igzip.BadGzipFile, error) as why:
        raise _Damaged(str(why)) from None


def _members(reader: Reader, start: Callable[[], Any]) -> Iterator[bytes]:
    """One member after the other, each through a decoder as ``start`` makes them."""
    decoder: Any = None
    ended = False
    while chunk := reader.read(_CHUNK):
        while chunk := chunk if decoder or not ended else chunk.lstrip(b"\0"):
            decoder = decoder or start()
            yield from _drained(decoder, chunk)
            chunk = b""
            if decoder.eof:  # another member may follow, or padding
                chunk, decoder, ended = decoder.unused_data, None, True
    if decoder is not None:
        raise EOFError


def _drained(decoder: Any, chunk: bytes) -> Iterator[bytes]:
    """All that ``chunk`` gives, in pieces of bounded size."""
    while True:
        try:
            plain = decoder.decompress(chunk, _OUTPUT_CHUNK)
        except Exception as error:  # every decoder has an error class of its own
            raise _Damaged(str(error)) from None
        if plain:
            yield plain
        # zlib's kind hands back the input it had no room for; the others keep it to themselves.
        chunk = getattr(decoder, "unconsumed_tail", b"")
        if decoder.eof or not (chunk or len(plain) >= _OUTPUT_CHUNK):
            return


def _bzip2() -> Any:
    import bz2

    return bz2.BZ2Decompressor()


def _xz() -> Any:
    import lzma

    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)


def zstd() -> Any:
    """The module for zstd, of the library or what stands in for it before Python 3.14."""
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd


#: compression -> the plain pieces of what is read, none of them empty
_DECODERS: Final[dict[str, Callable[[_Input], Iterator[bytes]]]] = {
    "gzip": _gzip,
    "zstd": lambda reader: _members(reader, lambda: zstd().ZstdDecompressor()),
    "bzip2": lambda reader: _members(reader, _bzip2),
    "xz": lambda reader: _members(reader, _xz),
}


def gzip_member(data: bytes | memoryview) -> bytearray:
    """One gzip member of ``data``: no name, no time, the same bytes everywhere. What does not compress is stored."""
    import deflate

    return deflate.gzip_compress(data, _STORED if _is_noise(memoryview(data)) else LEVEL)


def encoder() -> str:
    """What writes members: another one may write other bytes for the same input."""
    import deflate

    return f"libdeflate of deflate {deflate.__version__}, level {LEVEL}"


def gzip_plain(member: bytes, size: int) -> bytearray:
    """The ``size`` plain bytes of a member that :func:`gzip_member` made. Raises :class:`Integrity`."""
    import deflate

    try:
        plain = deflate.gzip_decompress(member, size)
    except deflate.DeflateError:
        plain = bytearray()
    if len(plain) != size:
        raise Integrity("a gzip member is damaged")
    return plain


def _is_noise(data: memoryview) -> bool:
    """Whether samples of ``data`` come out no smaller: archives, pictures, keys."""
    import deflate

    if len(data) < 2 * _SAMPLES * _SAMPLE:
        return False
    step = len(data) // _SAMPLES
    sample = b"".join(data[at : at + _SAMPLE] for at in range(0, step * _SAMPLES, step))
    return len(deflate.gzip_compress(sample, 1)) > len(sample) * _NOISE
