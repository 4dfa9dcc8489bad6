"""COPY and ADD made ready: the step's cache key, and the layer's entries when it has to be done."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from scow.build.context import Context
from scow.build.copying import Copying
from scow.build.listing import Listing, real_path
from scow.build.matching import matches
from scow.build.ops import CopyOp, FromGit, FromUrl, Origin, key
from scow.build.owners import owner
from scow.build.root import Root
from scow.build.subtree import Subtree
from scow.dockerfile.ignore import Patterns
from scow.errors import Unsupported
from scow.layer.entry import Entry, clean
from scow.layer.view import View
from scow.oci.documents import encode

if TYPE_CHECKING:
    from scow.build.copying import Unpack
    from scow.layer.pack import Item
    from scow.registry.transport import Transport


class Filled(msgspec.Struct, frozen=True):
    """A COPY made ready. ``outline`` is a key of all but the contents of files, ``key`` one of all; ``items`` are the
    layer's entries (``described``: with the digests that are known), and ``learn`` is told those of the layer that came
    of it."""

    outline: str
    key: Callable[[], str]
    items: Callable[[], Iterator[Item]]
    described: Callable[[], Iterator[Item]]
    learn: Callable[[Iterable[Entry]], None] = lambda layer: None


class Inputs(msgspec.Struct, frozen=True):
    """``step`` is a key of what is done and to what; ``key`` one of what goes in, too."""

    step: str
    key: Callable[[], str]


class Filling(msgspec.Struct):
    """``listing`` gives an origin's files, ``chain`` their chain_id when they are those of a stage or an image.

    ``time`` and ``latest`` are in seconds: that of everything copied, and the ceiling that the user asked for.

    ``transport`` gives the way to the network; ``agents`` are the sockets of the user's SSH agents.
    """

    listing: Callable[[Origin], Listing]
    chain: Callable[[Origin], str | None]
    time: int
    latest: int | None = None
    transport: Callable[[], Transport] | None = None
    agents: dict[str, Path] = {}

    def prepared(self, op: CopyOp, root: Root, scratch: Path) -> Filled:
        """The op over ``root``; what is fetched goes below ``scratch``."""
        if isinstance(op.origin, FromGit):
            return self._git(op, op.origin, root, scratch)
        if isinstance(op.origin, FromUrl):
            return self._url(op, op.origin, root, scratch)
        copying = self._copying(op, self.listing(op.origin), root, scratch, self.time * 10**9)
        outline = self._key(op, root, copying.resolve())
        described = partial(copying.items, digests=True)
        return Filled(outline, partial(_copied, outline, copying), copying.items, described, copying.learn)

    def inputs(self, op: CopyOp, root: Root) -> Inputs | None:
        """What goes in, whatever would come of it: when it is known, nothing needs to be resolved.

        What comes of it has the other key, under which it is also found when it came about in another way. ``None``
        where what goes in cannot be told without resolving it.
        """
        if op.parents or isinstance(op.origin, FromGit | FromUrl):
            return None
        told = [root.chain or "", encode(op), self._times(op)]
        return Inputs(key("step", told), lambda: key("inputs", [*told, *self._content(op)]))

    def _content(self, op: CopyOp) -> Iterator[str | bytes]:
        chain = self.chain(op.origin)
        if chain is not None:
            yield chain
            return
        listing = self.listing(op.origin)
        for pattern in op.sources:
            for path in matches(listing, pattern, follow=True):
                real = real_path(listing, path)
                found = listing.find(real)
                yield from (path, real, Subtree(listing, found).key() if found else "")

    def _copying(self, op: CopyOp, listing: Listing, root: Root, scratch: Path, time: int) -> Copying:
        view = View() if op.link else root.around(clean(op.target.encode()))
        return Copying(op, listing, view, self._owner(op, root), time, _unpacker(op, scratch, self._latest))

    def _owner(self, op: CopyOp, root: Root) -> tuple[int, int]:
        looked = op.chown and not op.link
        passwd, group = (root.read("/etc/passwd"), root.read("/etc/group")) if looked else (b"", b"")
        return owner(op.chown, passwd, group)

    def _key(self, op: CopyOp, root: Root, content: str) -> str:
        """A linked layer is the same on everything."""
        below = "link" if op.link else root.chain or ""
        return key("copy", [below, op.target, content, self._times(op)])

    def _times(self, op: CopyOp) -> str:
        """What decides on the times of files: an archive's keep theirs, up to the ceiling."""
        return f"{self.time} {self.latest}" if op.unpack else str(self.time)

    @property
    def _latest(self) -> int | None:
        """The ceiling in nanoseconds."""
        return None if self.latest is None else self.latest * 10**9

    def _declared(self, op: CopyOp, root: Root, *parts: str) -> str:
        """The key of what need not be fetched to know what it is."""
        told = [*map(str, self._owner(op, root)), op.chmod, str(op.unpack), str(self.latest), *op.exclude]
        return self._key(op, root, key("declared", [*parts, key("how", told)]))

    def _url(self, op: CopyOp, origin: FromUrl, root: Root, scratch: Path) -> Filled:
        def resolved() -> tuple[str, Copying]:
            from scow.build import remote

            fetched = remote.download(self._network(), origin, scratch / f"download-{os.urandom(8).hex()}")
            latest = fetched.modified if self._latest is None else min(fetched.modified, self._latest)
            copying = self._copying(op, fetched, root, scratch, latest)
            return key("download", [copying.resolve(), copying.contents(), str(latest)]), copying

        if origin.checksum:
            return _told(self._declared(op, root, "url", origin.checksum, origin.name), lambda: resolved()[1].items())
        content, copying = resolved()
        return _told(self._key(op, root, content), copying.items)

    def _git(self, op: CopyOp, origin: FromGit, root: Root, scratch: Path) -> Filled:
        from scow.build import remote

        place = scratch / f"git-{os.urandom(8).hex()}"
        place.mkdir()
        git = remote.Git(place, self.agents.get("default"))
        commit = git.commit(origin)

        def items() -> Iterator[Item]:
            files = git.checkout(origin, commit, place / "files")
            hidden = Patterns.parse("" if origin.keep_git else "**/.git")
            copying = self._copying(op, Context(files, hidden), root, scratch, self.time * 10**9)
            copying.resolve()
            return copying.items()

        kept = commit.name if origin.keep_git else ""
        flags = f"{origin.keep_git} {origin.submodules}"
        name = self._declared(op, root, "git", origin.remote, commit.id, origin.subdirectory, flags, kept)
        return _told(name, items)

    def _network(self) -> Transport:
        if self.transport is None:
            raise Unsupported("this build has no way to the network")
        return self.transport()


def _unpacker(op: CopyOp, scratch: Path, latest: int | None) -> Unpack:
    if not op.unpack:
        return lambda content: None
    from scow.build.archive import unpacker

    return unpacker(scratch, latest)


def _told(name: str, items: Callable[[], Iterator[Item]]) -> Filled:
    """What has one key, known before anything is read."""
    return Filled(name, lambda: name, items, items)


def _copied(outline: str, copying: Copying) -> str:
    return key("copied", [outline, copying.contents()])
