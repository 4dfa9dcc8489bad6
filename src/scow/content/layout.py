"""The local store: an OCI image layout directory (image-spec image-layout.md), written so that a kill hurts nothing.

A blob is written in ``ingest/`` while it is hashed, synced, renamed into ``blobs/`` and made read-only. A download that
was cut short stays in ``ingest/`` and the next one goes on where it ended. ``index.json`` changes under the store's
lock, by rename. Any OCI tool can read the directory in place.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from scow.content.disk import disk_error, on_disk
from scow.content.lock import Lease, leased, locked
from scow.content.target import Source
from scow.content.verify import read_document
from scow.errors import Integrity, Invalid, Limit, NotFound, ScowError
from scow.files import opened, read, replace, sync_directory
from scow.oci.descriptor import REF_NAME, Descriptor
from scow.oci.digest import Digest
from scow.oci.documents import decode, encode
from scow.oci.manifest import Index
from scow.oci.media_types import OCI_INDEX

if TYPE_CHECKING:
    from scow.content.ingest import BlobDraft
    from scow.content.shed import Shed

#: The content of the file ``oci-layout``.
LAYOUT: Final = b'{"imageLayoutVersion":"1.0.0"}'
_CHUNK: Final = 1 << 20
_INDEX_LIMIT: Final = 64 << 20


class Layout:
    """The image layout at ``root``; as a target its names are the ``ref.name`` annotations of ``index.json``.

    ``afar`` gives the repository that has what was shed (:mod:`scow.content.shed`): without it nothing ever is.
    """

    def __init__(self, root: Path, afar: Callable[[str], Source] | None = None) -> None:
        self.root = root
        self.ingest = root / "ingest"
        self._afar = afar
        self._blobs = root / "blobs"
        self._leases = root / "leases"
        self._lease: Lease | None = None
        self._passing: list[Descriptor] = []
        self._workers = 0
        self._guard = threading.Lock()

    @cached_property
    def shed(self) -> Shed:
        """What was let go of by choice."""
        from scow.content.shed import Shed

        return Shed(self.root / "shed")

    def create(self) -> None:
        """Make the directory a layout; harmless on one that is. Raises :class:`Unavailable` where it cannot be."""
        try:
            (self._blobs / "sha256").mkdir(parents=True, exist_ok=True)
            self.ingest.mkdir(0o700, exist_ok=True)
            if not (self.root / "oci-layout").exists():
                self._replace("oci-layout", LAYOUT)
        except OSError as error:
            raise disk_error(error, self.root) from None

    # -- names ------------------------------------------------------------------------------------------------------

    def entries(self) -> tuple[Descriptor, ...]:
        """Every entry of ``index.json``, named or not."""
        try:
            raw = read(self.root / "index.json")
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise disk_error(error, self.root) from None
        return decode(raw, Index, str(self.root / "index.json"), limit=_INDEX_LIMIT).manifests

    def resolve(self, name: str) -> Descriptor:
        """The entry of that name. Raises :class:`NotFound`."""
        for entry in self.entries():
            if name_of(entry) == name:
                return entry
        raise NotFound("no such image", subject=name)

    def keep(self, descriptor: Descriptor, name: str | None = None) -> None:
        """An entry: of that ``name`` (:meth:`tag`), or of none, unless there is one for it."""
        self.enter([(descriptor, name)])

    def let_pass(self, descriptor: Descriptor) -> None:
        """No entry, for an image that only leaves the store: it is among :attr:`passing` while :meth:`working`."""
        self._passing.append(descriptor)

    @property
    def passing(self) -> tuple[Descriptor, ...]:
        """What only this command knows."""
        return tuple(self._passing)

    def tag(self, descriptor: Descriptor, name: str) -> None:
        """Let ``name`` mean ``descriptor``; the entry that had the name stays as a nameless one."""
        self.enter([(descriptor, name)])

    def enter(self, images: Iterable[tuple[Descriptor, str | None]]) -> None:
        """As :meth:`tag`, or :meth:`keep` without a name, one after another; written once."""
        fresh = [_named(descriptor, name) if name else descriptor for descriptor, name in images]
        self.rename(lambda entries: _settled([*entries, *fresh]))

    def rename(self, change: Callable[[list[Descriptor]], list[Descriptor]]) -> None:
        """Change ``index.json`` under the lock, all at once; it is not written where nothing changes."""
        with self.exclusive():
            before = self.entries()
            entries = tuple(change(list(before)))
            if entries != before or not entries:
                self._replace("index.json", encode(Index(2, entries, OCI_INDEX)))

    # -- bytes ------------------------------------------------------------------------------------------------------

    def path(self, digest: Digest) -> Path:
        """Where a blob is, if it is there."""
        return self._blobs / digest.algorithm / digest.hex

    def exists(self, descriptor: Descriptor) -> bool:
        """Whether the blob is there, or shed: it comes back when it is opened."""
        return self.present(descriptor) or (self._afar is not None and descriptor.digest in self.shed)

    def present(self, descriptor: Descriptor) -> bool:
        """Whether the blob is there with its size; a running :meth:`working` keeps it there."""
        try:
            with locked(self.root / "lock", shared=True):
                self.hold(descriptor.digest)
                return self.path(descriptor.digest).stat().st_size == descriptor.size
        except FileNotFoundError:
            return False
        except OSError as error:
            raise disk_error(error, self.root) from None

    @contextlib.contextmanager
    def open(self, descriptor: Descriptor, offset: int = 0) -> Iterator[BinaryIO]:
        """The blob's bytes. They were verified when they came in. One that was shed is fetched first, and stays."""
        path = self.path(descriptor.digest)
        try:
            file = opened(path)
        except FileNotFoundError:
            self._fetch(descriptor)
            with on_disk(self.root):
                file = opened(path)
        except OSError as error:
            raise disk_error(error, self.root) from None
        with file:
            file.seek(offset)
            yield file

    def read(self, descriptor: Descriptor) -> bytes:
        """A small document, whole and verified."""
        with on_disk(self.root):
            return read_document(self, descriptor)

    def push(self, descriptor: Descriptor, source: Source, watch: Callable[[bytes], None] | None = None) -> None:
        """Take a blob from ``source``, going on from what an earlier try left.

        ``watch`` sees every byte from the first one, and then ``b""``, before the blob is in place: it may refuse.
        Two commands that want the same blob take turns, and the second finds it there. Raises :class:`Integrity` when
        the bytes are wrong (nothing of them stays), and whatever ``source`` or ``watch`` raise (what came is kept,
        unless it is Invalid or the disk is full).
        """
        from scow.content.ingest import fill, taking_turns

        partial = self.ingest / f"{descriptor.digest.hex}.part"
        with on_disk(self.root), taking_turns(partial) as file:
            if self.present(descriptor):
                partial.unlink(missing_ok=True)
                self._show(descriptor, watch)
                return
            try:
                fill(file, descriptor, source, watch)
            except (Integrity, Limit, Invalid, OSError):  # a full disk needs the room
                partial.unlink(missing_ok=True)
                raise
            self._settle(file, partial, descriptor.digest)

    @contextlib.contextmanager
    def draft(self) -> Iterator[BlobDraft]:
        """A file for a blob whose digest is not known yet; gone at the end unless it was kept."""
        from scow.content.ingest import BlobDraft

        path = self.ingest / f"blob-{os.urandom(8).hex()}"
        with on_disk(self.root):
            self.ingest.mkdir(0o700, parents=True, exist_ok=True)
            try:
                with path.open("xb", buffering=0) as file:
                    fcntl.flock(file, fcntl.LOCK_SH)  # says that somebody is at work here
                    yield BlobDraft(file, path, self._settle)
            finally:
                path.unlink(missing_ok=True)

    def put(self, media_type: str, data: bytes) -> Descriptor:
        """Keep a small document made here."""
        descriptor = Descriptor.of(media_type, data)
        if not self.exists(descriptor):
            with self.draft() as draft:
                draft.write(data)
                draft.keep(descriptor.digest)
        return descriptor

    # -- living with other commands ---------------------------------------------------------------------------------

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """What this command looks at, brings or names stays in the store until the end of the block.

        Of a store that nobody may write to nothing is collected, and nothing promised: it can be read.
        """
        writable = not self.is_closed()
        if writable:
            self.create()
        with self._guard:
            self._workers += 1
            if self._lease is None and writable:
                with on_disk(self.root):
                    self._lease = Lease(self._leases)
        try:
            yield
        finally:
            with self._guard:
                self._workers -= 1
                if not self._workers and self._lease:
                    self._lease.close()
                    self._lease, self._passing = None, []

    def is_closed(self) -> bool:
        """Whether this is a store that can be read, and not written to."""
        return os.path.exists(self.root / "oci-layout") and not os.access(self.root, os.W_OK)

    def hold(self, name: str) -> None:
        """Keep ``name`` (a digest or diff_id) from collection while :meth:`working`.

        Under the lock: a collection that has read the leases already must be over before ``name`` is put in place.
        """
        if self._lease and not self._lease.holds(name):
            with on_disk(self.root), locked(self.root / "lock", shared=True):
                self._lease.hold(name)

    def leased(self) -> set[str]:
        """What running commands hold. Call it inside :meth:`exclusive`."""
        return set() if self.is_closed() else leased(self._leases)

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """Nobody else changes names or looks for blobs meanwhile."""
        self.create()
        with on_disk(self.root), locked(self.root / "lock", shared=self.is_closed()):
            yield

    def blobs(self) -> Iterator[tuple[Digest, int]]:
        """Every blob and its size on disk."""
        for directory in sorted(self._blobs.iterdir()) if self._blobs.is_dir() else ():
            for path in directory.iterdir() if directory.is_dir() else ():
                with contextlib.suppress(FileNotFoundError, Invalid):
                    yield Digest(f"{directory.name}:{path.name}"), path.lstat().st_size

    def _show(self, descriptor: Descriptor, watch: Callable[[bytes], None] | None) -> None:
        if watch:
            with self.open(descriptor) as file:
                while chunk := file.read(_CHUNK):
                    watch(chunk)
            watch(b"")

    def _settle(self, file: BinaryIO, path: Path, digest: Digest) -> None:
        """Synced, renamed, read-only: from here on the blob exists.

        Not before: who waits for its turn opens the part meanwhile, for writing.
        """
        with on_disk(self.root):
            os.fsync(file.fileno())
            place = self.path(digest)
            place.parent.mkdir(parents=True, exist_ok=True)
            self.hold(digest)
            os.rename(path, place)
            os.fchmod(file.fileno(), 0o444)
            sync_directory(place.parent)

    def _fetch(self, descriptor: Descriptor) -> None:
        """Have a blob back that was shed."""
        origin = self.shed.origin(descriptor.digest)
        if origin is None or self._afar is None:
            raise NotFound("content is not in the store", subject=str(descriptor.digest), hint="pull the image again")
        try:
            self.push(descriptor, self._afar(origin))
        except ScowError as error:
            error.hint = error.hint or f"the layer is kept unpacked only: its blob has to come from {origin} again"
            raise

    def _replace(self, name: str, data: bytes) -> None:
        with on_disk(self.root):
            replace(self.root / name, data)


def name_of(entry: Descriptor) -> str | None:
    """The name of an ``index.json`` entry."""
    return (entry.annotations or {}).get(REF_NAME)


def _named(entry: Descriptor, name: str) -> Descriptor:
    return entry.annotated(annotations={**(entry.annotations or {}), REF_NAME: name})


def _nameless(entry: Descriptor) -> Descriptor:
    annotations = {key: value for key, value in (entry.annotations or {}).items() if key != REF_NAME}
    return entry.annotated(annotations=annotations or None)


def _settled(entries: list[Descriptor]) -> list[Descriptor]:
    """The last who was given a name has it; a nameless entry says nothing beside another one of its digest."""
    holder = {name: at for at, entry in enumerate(entries) if (name := name_of(entry))}
    told = [
        entry if holder.get(name_of(entry) or "", at) == at else _nameless(entry) for at, entry in enumerate(entries)
    ]
    named = {entry.digest for entry in told if name_of(entry)}
    kept: dict[tuple[Digest, str | None], Descriptor] = {}
    for entry in told:
        if name_of(entry) or entry.digest not in named:
            kept.setdefault((entry.digest, name_of(entry)), entry)
    return list(kept.values())
