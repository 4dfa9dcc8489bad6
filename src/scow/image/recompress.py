"""A layer's plain bytes compressed anew: members (gzip) or frames (zstd) of a fixed size, side by side, in order.

The bytes do not depend on the machine, and any member can be inflated alone (ADR 0003).
"""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from scow.content.target import Reader
from scow.errors import Invalid
from scow.layer.compression import MEMBER, zstd

if TYPE_CHECKING:
    from scow.layer.pack import Output

_THREADS: Final = max(2, os.cpu_count() or 2)
#: Compression -> its lowest, usual and highest level.
LEVELS: Final[dict[str, tuple[int, int, int]]] = {"gzip": (0, 6, 12), "zstd": (0, 3, 22), "none": (0, 0, 0)}

Squeeze = Callable[[bytes], bytes]


def recompress(plain: Reader, output: Output, compression: str, level: int | None = None) -> tuple[str, int]:
    """Write ``plain`` to ``output``; returns the sha256 (hex digits) and length of what was written."""
    hashed, size = hashlib.sha256(), 0
    for data in _squeezed(_members(plain), squeeze(compression, level)):
        hashed.update(data)
        size += len(data)
        output.write(data)
    return hashed.hexdigest(), size


def squeeze(compression: str, level: int | None = None) -> Squeeze:
    """What compresses one member. Raises :class:`Invalid` for a level that there is not."""
    if compression not in LEVELS:
        raise Invalid("no such compression: gzip, zstd or none", subject=repr(compression))
    lowest, usual, highest = LEVELS[compression]
    chosen = usual if level is None else level
    if not lowest <= chosen <= highest:
        raise Invalid(f"{compression} has levels from {lowest} to {highest}", subject=f"compression-level {level}")
    if compression == "none":
        return lambda data: data
    return _gzip(chosen) if compression == "gzip" else _zstd(chosen)


def _gzip(level: int) -> Squeeze:
    import deflate

    return lambda data: bytes(deflate.gzip_compress(data, level))


def _zstd(level: int) -> Squeeze:
    compress = zstd().compress
    return lambda data: bytes(compress(data, level))


def _members(plain: Reader) -> Iterator[bytes]:
    """At least one, so that nothing at all is still a valid stream."""
    member, first = bytearray(), True
    while chunk := plain.read(1 << 20):
        member += chunk
        while len(member) >= MEMBER:
            yield bytes(member[:MEMBER])
            del member[:MEMBER]
            first = False
    if member or first:
        yield bytes(member)


def _squeezed(members: Iterator[bytes], act: Squeeze) -> Iterator[bytes]:
    """Compressed side by side, in order; a few at a time are in memory."""
    waiting: deque[Future[bytes]] = deque()
    with ThreadPoolExecutor(_THREADS, "compress") as pool:
        for member in members:
            waiting.append(pool.submit(act, member))
            if len(waiting) > _THREADS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
