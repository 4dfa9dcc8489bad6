"""When a blob is worth several connections, and how it is divided among them. Pure.

One connection is as fast as its round trips and the server's rule for each allow. Several help where that is little;
where one gives much, they would only cost.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

#: Bytes that must still be to come.
WORTH: Final = 64 << 20
#: Bytes of the first request; each further one of a fast connection is twice as long.
FIRST: Final = 16 << 20
#: What one connection is asked for at a time, and how many there are: six pieces at most are in memory.
PIECE: Final = 4 << 20
CONNECTIONS: Final = 4
#: Bytes a second from which on one connection is enough.
ENOUGH: Final = 50_000_000


def is_large(left: int) -> bool:
    """Whether ``left`` bytes are worth a look at how fast they come."""
    return left >= FIRST + WORTH


def helps(left: int, came: int, seconds: float) -> bool:
    """Whether ``left`` bytes should come over several connections, when ``came`` took one of them ``seconds``."""
    return left >= WORTH and came < ENOUGH * seconds


def spans(start: int, end: int) -> Iterator[tuple[int, int]]:
    """From ``start`` to ``end`` in pieces: first byte, and the one after the last."""
    for at in range(start, end, PIECE):
        yield at, min(at + PIECE, end)
