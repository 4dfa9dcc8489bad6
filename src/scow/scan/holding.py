"""PURE. What the advisory database says of itself."""

# Annotations are not deferred: msgspec would compile each of them before the first record is read.

from typing import Final

import msgspec

#: Files that hold no ecosystem but a mark for each CVE: the date since when it is exploited (CISA KEV), and how likely
#: that is (FIRST EPSS).
MARKS: Final = ("kev", "epss")


class Holding(msgspec.Struct, frozen=True, omit_defaults=True):
    """The advisories of one ecosystem: how many, and how new (``modified`` is the newest one's).

    Times are RFC 3339; ``size`` is in bytes. ``releases`` are the ecosystems that its records name (``Debian:11``,
    ``Debian:12``).
    """

    ecosystem: str
    advisories: int
    modified: str = ""
    imported: str = ""
    source: str = ""
    releases: tuple[str, ...] = ()
    size: int = 0
