"""Collecting what nothing needs: marked from names, containers, cache records and leases, swept under the lock."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec

from scow.content.verify import read_document
from scow.errors import Integrity, Invalid, Limit, NotFound
from scow.image.store import Store
from scow.layer.removal import remove
from scow.layer.usage import disk_usage
from scow.oci import media_types
from scow.oci.config import parse as parse_config
from scow.oci.descriptor import Descriptor
from scow.oci.digest import chain_id
from scow.oci.manifest import Manifest, parse

#: Seconds: what is younger may not have been locked yet; a download that was cut short is kept this long.
_YOUNG = 10
_RESUMABLE = 86_400


class Marked(msgspec.Struct):
    """What is needed: blob digests, diff_ids, chain_ids. ``walked`` are those below which all is in it, too: a command
    may hold a manifest alone."""

    names: set[str] = set()
    walked: set[str] = set()

    def image(self, store: Store, descriptor: Descriptor) -> None:
        """Everything below a manifest or index that is in the store."""
        todo = [descriptor]
        while todo:
            node = todo.pop()
            self.names.add(node.digest)
            if node.digest in self.walked:
                continue
            self.walked.add(node.digest)
            with contextlib.suppress(Integrity, Invalid, Limit, NotFound):  # not what the disk cannot give just now
                if media_types.is_document(node.media_type):
                    document = parse(read_document(store.layout, node), node.media_type)
                    todo += document.children
                    if isinstance(document, Manifest) and document.config.media_type in media_types.CONFIGS:
                        self._layers(store, document.config)

    def _layers(self, store: Store, config: Descriptor) -> None:
        diff_ids = parse_config(read_document(store.layout, config)).diff_ids
        self.names.update(diff_ids)
        self.names.update(str(chain_id(diff_ids[:count])) for count in range(len(diff_ids) + 1))


class Collected(msgspec.Struct, frozen=True):
    """What was swept: blobs and layers by name, and the bytes given back."""

    names: tuple[str, ...]
    bytes: int


def collect(store: Store, images: Iterable[Descriptor] = (), names: Iterable[str] = ()) -> Collected:
    """Delete every blob, layer and snapshot that no name, no ``images``, no ``names`` and no running command needs."""
    layout = store.layout
    swept: list[str] = []
    doomed: list[Path] = []
    freed = 0
    with layout.exclusive():
        marked = Marked(set(names) | layout.leased())
        for descriptor in (*layout.entries(), *images):
            marked.image(store, descriptor)
        for digest, size in layout.blobs():
            if digest not in marked.names:
                swept.append(digest)
                with contextlib.suppress(FileNotFoundError):
                    path = layout.path(digest)
                    freed += size if path.stat().st_nlink == 1 else 0  # else a layer has it as well, and goes next
                    path.unlink()
        for digest in layout.shed:
            if digest not in marked.names or layout.path(digest).exists():
                layout.shed.forget(digest)
        for home, name in _homes(store):
            if name not in marked.names:
                swept.append(name)
                doomed.append(set_aside(home, layout.ingest))
        doomed += rests(layout.ingest)
    for path in doomed:
        freed += disk_usage(path)
        remove(path)
    return Collected(tuple(swept), freed)


def _homes(store: Store) -> list[tuple[Path, str]]:
    layers = [(store.layers.home(diff_id), str(diff_id)) for diff_id in store.layers]
    snapshots = [(store.snapshots.home(chain), str(chain)) for chain in store.snapshots]
    return [*layers, *snapshots]


def set_aside(home: Path, ingest: Path) -> Path:
    """Out of sight at once; deleting takes its time, without the lock."""
    aside = ingest / f"trash-{home.name[:16]}-{os.urandom(4).hex()}"
    with contextlib.suppress(FileNotFoundError):
        os.rename(home, aside)
    return aside


def rests(ingest: Path) -> list[Path]:
    """What killed commands left. A living command holds an flock on what it writes; a download or upload cut short is
    kept a day, so that the next one can go on."""
    found = []
    for path in ingest.iterdir() if ingest.is_dir() else ():
        with contextlib.suppress(OSError):
            age = abs(time.time() - path.lstat().st_mtime)  # the clock may have been set back
            kept_for = _RESUMABLE if path.suffix in (".part", ".upload") else _YOUNG
            if path.name.startswith("trash-") or (age > kept_for and not _held(path)):
                found.append(path)
    return found


def _held(path: Path) -> bool:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False
