"""Types that msgspec has looked at, each by one thread alone.

msgspec learns a Struct's fields when it is first decoded. A second thread that decodes the same type meanwhile finds
them half learnt, and the interpreter crashes (seen with 0.22). So whatever is decoded goes through :func:`known`.
"""

from __future__ import annotations

from _thread import allocate_lock  # threading's Lock, by itself
from typing import Any, Final, TypeVar

import msgspec

T = TypeVar("T")
_LOCK: Final = allocate_lock()
_KNOWN: Final[set[Any]] = set()


def known(kind: type[T]) -> type[T]:
    """``kind``, once msgspec knows all that it is made of."""
    if kind not in _KNOWN:
        with _LOCK:
            msgspec.msgpack.Decoder(kind)
            _KNOWN.add(kind)
    return kind
