"""Where layers are kept by diff_id: an index each, and the unpacked tree when there is one.

::

    sha256/<hex>/index          the layer index
    sha256/<hex>/members        how its blob was cut, where it was packed here
    sha256/<hex>/privileged/    the tree as root unpacks it (owners, devices)
    sha256/<hex>/ordinary/      the tree as any other user does
    sha256/<hex>/erofs/         the tree as two files, where root may mount such
    sha256/<hex>/<tree>.boot    the boot it was written in

A tree is not fsynced file by file: the blob can rebuild it. Instead the tree remembers the boot it was written in; in a
later one it is checked once against the index (types, sizes, times; mountable files byte by byte) and dropped when it
did not survive.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from scow.errors import Integrity, Invalid
from scow.files import read, sync_directory
from scow.layer.boot import boot_of, note_boot, settle
from scow.layer.entry import Entry
from scow.layer.index import Header, Index
from scow.layer.members import Members
from scow.layer.rights import MOUNTABLE, rights
from scow.layer.scratch import scratch
from scow.oci.digest import DiffId
from scow.oci.known import known

_FORMATS: Final = {"file": stat.S_IFREG, "symlink": stat.S_IFLNK, "dir": stat.S_IFDIR}


class Draft:
    """A layer being written: ``directory`` holds ``index`` and perhaps a tree. Dropped unless kept.

    ``stored`` tells that the layer's plain tar is a blob of the store, and need not be written again.
    """

    def __init__(self, directory: Path, flavour: str) -> None:
        self.directory = directory
        self.index = directory / "index"
        self.members = directory / "members"
        self.tree = directory / flavour
        self.mountable = directory / MOUNTABLE
        self.stored = False


class Layers:
    """The layers below ``root``; drafts are made in ``ingest``, on the same file system.

    ``flavour`` names the trees that this user's containers can stand on; ``mounts`` tells whether they can stand on
    mountable files too.
    """

    def __init__(self, root: Path, ingest: Path, boot: str, mounts: Callable[[], bool] = lambda: False) -> None:
        self._root, self._ingest, self._boot = root / "sha256", ingest, boot
        self.flavour = rights().name
        self.mounts = mounts

    def __iter__(self) -> Iterator[DiffId]:
        with contextlib.suppress(FileNotFoundError):
            for name in os.listdir(self._root):
                with contextlib.suppress(Invalid):  # a stranger's
                    yield DiffId(f"sha256:{name}")

    def index(self, diff_id: DiffId) -> Index | None:
        """The layer's index, open; ``None`` when there is none, or none that can be read."""
        try:
            return Index(self.home(diff_id) / "index")
        except (FileNotFoundError, Integrity):
            return None

    def header(self, diff_id: DiffId) -> Header | None:
        """The layer's totals."""
        index = self.index(diff_id)
        if index is None:
            return None
        with index:
            return index.header

    def members(self, diff_id: DiffId) -> Members | None:
        """How the blob that was packed here was cut; ``None`` for one from elsewhere, and for one in one piece."""
        try:
            return msgspec.msgpack.decode(read(self.home(diff_id) / "members"), type=known(Members))
        except (OSError, msgspec.DecodeError):
            return None

    def tree(self, diff_id: DiffId) -> Path | None:
        """The layer's tree, whole: a directory or mountable files; ``None`` when there is none."""
        home = self.home(diff_id)
        found = self._whole(diff_id, home / self.flavour)
        if found is None and self.mounts():
            found = self._whole(diff_id, home / MOUNTABLE)
        return found

    def _whole(self, diff_id: DiffId, tree: Path) -> Path | None:
        boot = boot_of(tree)
        if boot == self._boot:
            return tree if tree.exists() else None
        return self._after_reboot(diff_id, tree) if boot else None

    @contextlib.contextmanager
    def draft(self) -> Iterator[Draft]:
        """A place to write one layer in; whatever :meth:`keep` did not take is removed."""
        with scratch(self._ingest, "layer") as directory:
            yield Draft(directory, self.flavour)

    def keep(self, draft: Draft, diff_id: DiffId) -> None:
        """Move the draft's index and tree in place. What is there already stays: it is the same."""
        home = self.home(diff_id)
        home.mkdir(0o700, parents=True, exist_ok=True)
        for made in (draft.members, draft.index):  # before the tree, which is nothing without its index
            if made.exists():
                os.rename(made, home / made.name)
        tree = next((one for one in (draft.tree, draft.mountable) if one.exists()), None)
        if tree is not None:
            stale = draft.directory / "stale"
            settle(tree, home / tree.name, self._boot, aside=stale, there=lambda: self.tree(diff_id) is not None)
        sync_directory(home)

    def _after_reboot(self, diff_id: DiffId, tree: Path) -> Path | None:
        index = self.index(diff_id)
        if index is None:
            return None
        with index:
            if not _survived(tree, diff_id, index):
                return None
        note_boot(tree, self._boot)
        return tree

    def home(self, diff_id: DiffId) -> Path:
        """Where everything of a layer is."""
        return self._root / diff_id.hex


def _survived(tree: Path, diff_id: DiffId, index: Index) -> bool:
    if tree.name == MOUNTABLE:
        from scow.layer import mountable

        return mountable.survived(tree, diff_id)
    entries: dict[bytes, Entry] = {entry.path: entry for entry in index}
    return all(_is_there(os.fsencode(tree), entry) for entry in entries.values())


def _is_there(tree: bytes, entry: Entry) -> bool:
    """Whether a file is there with its size and time; what cannot be lost separately is not looked at."""
    expected = _FORMATS.get(entry.kind)
    if expected is None:
        return True
    try:
        status = os.lstat(os.path.join(tree, entry.path))
    except OSError:
        return False
    if stat.S_IFMT(status.st_mode) != expected:
        return False
    return entry.kind != "file" or (status.st_size == entry.size and status.st_mtime_ns == entry.mtime)
