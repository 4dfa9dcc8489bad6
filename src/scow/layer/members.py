"""How a layer's blob was cut into pieces that can be inflated by themselves. Pure."""

from __future__ import annotations

import msgspec


class Members(msgspec.Struct, frozen=True, array_like=True):
    """How a blob (its hex digest) was cut: the compressed sizes of its members, and what encoder made them."""

    blob: str
    sizes: tuple[int, ...]
    encoder: str
