"""Digests: three kinds of the same text that must not be mixed (image-spec, descriptor.md "Digests").

A :class:`Digest` names the bytes of a blob, a :class:`DiffId` the bytes of an *uncompressed* layer, and a
:class:`ChainId` the state that a stack of layers adds up to (config.md, "Layer ChainID").
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Any, Self

try:  # without OpenSSL, which takes longer to load than a command's documents to hash
    from _sha2 import sha256 as _sha256  # type: ignore[import-not-found]  # Python 3.12
except ImportError:
    try:
        from _sha256 import sha256 as _sha256  # type: ignore[import-not-found]
    except ImportError:
        from hashlib import sha256 as _sha256

from scow.errors import Invalid

_HEX_LENGTH = {"sha256": 64, "sha512": 128}
_LITTLE = 256 << 10  # bytes
_GRAMMAR = r"[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+"


def hasher(algorithm: str, size: int, data: bytes = b"") -> Any:
    """What hashes ``size`` bytes, with ``data`` hashed already: hashlib's object, or one like it for little."""
    if algorithm == "sha256" and size <= _LITTLE:
        return _sha256(data)
    return hashlib.new(algorithm, data)


class _Named(str):
    """``algorithm:hex`` text, checked when made."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        algorithm, _, encoded = text.partition(":")
        length = _HEX_LENGTH.get(algorithm)
        if length is None:
            known = re.fullmatch(_GRAMMAR, text) is not None
            raise Invalid(f"unsupported digest algorithm {algorithm!r}" if known else f"invalid digest {text[:80]!r}")
        if len(encoded) != length or encoded.strip("0123456789abcdef"):
            raise Invalid(f"invalid digest {text[:160]!r}: {algorithm} wants {length} lower-case hex digits")
        return str.__new__(cls, text)

    @property
    def algorithm(self) -> str:
        return self.partition(":")[0]

    @property
    def hex(self) -> str:
        return self.partition(":")[2]

    @property
    def short(self) -> str:
        """The first 12 hex digits, as docker shows them."""
        return self.hex[:12]

    @classmethod
    def of(cls, data: bytes) -> Self:
        """The sha256 name of ``data``."""
        return cls(f"sha256:{hasher('sha256', len(data), data).hexdigest()}")


class Digest(_Named):
    """The name of a blob's bytes."""

    __slots__ = ()


class DiffId(_Named):
    """The name of an uncompressed layer's bytes."""

    __slots__ = ()


class ChainId(_Named):
    """The name of what a stack of layers adds up to."""

    __slots__ = ()


def chain_id(diff_ids: Iterable[DiffId]) -> ChainId | None:
    """The chain of ``diff_ids``, lowest layer first; ``None`` for no layers (``FROM scratch``)."""
    chain: ChainId | None = None
    for diff_id in diff_ids:
        chain = chained(chain, diff_id)
    return chain


def chained(below: ChainId | None, diff_id: DiffId) -> ChainId:
    """The chain of ``below`` with one more layer on top."""
    return ChainId(diff_id) if below is None else ChainId.of(f"{below} {diff_id}".encode())
