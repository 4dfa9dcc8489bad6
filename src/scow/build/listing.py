"""Where COPY, ADD and mounts take files from: the build context, a stage, an image, what was fetched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from scow.layer.entry import Entry
from scow.layer.follow import follow

if TYPE_CHECKING:
    from scow.layer.pack import Content


class Listing(Protocol):
    """Where files are copied from."""

    def find(self, path: bytes) -> Entry | None:
        """What lies at ``path``, links not followed."""
        ...

    def children(self, path: bytes) -> list[bytes]:
        """The paths right below a directory, sorted."""
        ...

    def content(self, entry: Entry) -> Content:
        """A file's bytes."""
        ...

    def digest(self, entry: Entry) -> bytes:
        """The raw sha256 of a file's bytes."""
        ...

    def learn(self, entry: Entry, digest: bytes) -> None:
        """Somebody who read the file says what its digest is."""
        ...

    def identity(self, entry: Entry) -> object | None:
        """The same for all names of one file; ``None`` for a file with one name."""
        ...


def real_path(listing: Listing, path: bytes) -> bytes:
    """The path with every symlink followed beneath the listing's root. Raises :class:`Invalid` for a loop."""

    def link_at(here: bytes) -> bytes | None:
        entry = listing.find(here)
        return entry.link if entry and entry.kind == "symlink" else None

    return follow(path, link_at)
