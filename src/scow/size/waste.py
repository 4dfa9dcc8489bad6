"""What nobody needs, as values: each byte is told once. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

from scow.size.kinds import DUPLICATE, HIDDEN, OWNED, Kind, Sort
from scow.size.names import NAMED, PLACED, SECRETS
from scow.size.places import BELOW

#: Every kind by its id.
KINDS: Final = {one.id: one for one in (*PLACED, *NAMED, *HIDDEN, *SECRETS, *BELOW, OWNED, DUPLICATE)}


class Finding(msgspec.Struct, frozen=True, gc=False):
    """One file that is waste. ``also`` is the kind it looks like where ``kind`` is that it is hidden; ``like`` the
    path that holds the same content, for a duplicate."""

    path: bytes
    size: int
    also: str = ""
    like: bytes = b""


class Waste(msgspec.Struct, frozen=True):
    """All of one kind in one layer, the largest first.

    The bytes stand in ``layer`` (0 is the lowest), which ``instruction`` made. ``cause`` is the layer that hid or
    copied them, where one did (else -1), made by ``caused_by``.
    """

    kind: str
    layer: int
    cause: int
    instruction: str
    caused_by: str
    size: int
    findings: tuple[Finding, ...]

    @property
    def about(self) -> Kind:
        """What the kind means, and what to do."""
        return KINDS[self.kind]

    @property
    def sort(self) -> Sort:
        """How sure it is that this is waste."""
        return self.about.sort

    @property
    def files(self) -> int:
        """How many files."""
        return len(self.findings)
