"""Whether what the store keeps is what it should be: a blob its digest, a layer index its blob, a tree its index.

Each function says in words what is wrong, or ``""``. Nothing is changed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Final

import msgspec

from scow.content.layout import Layout
from scow.errors import Integrity, NotFound, ScowError
from scow.image.layer import Layer
from scow.image.passing import watched
from scow.image.pipeline import Plain
from scow.layer.apply import apply
from scow.layer.entry import Entry, shown
from scow.layer.index import Index, Writer
from scow.layer.mountable import survived
from scow.layer.rights import MOUNTABLE
from scow.layer.scratch import scratch
from scow.layer.store import Layers
from scow.layer.tree import NoTree
from scow.oci.digest import DiffId, Digest

_FORMATS: Final = {"file": stat.S_IFREG, "hardlink": stat.S_IFREG, "symlink": stat.S_IFLNK, "dir": stat.S_IFDIR}


def blob_problem(path: Path, digest: Digest) -> str:
    """A blob that is gone meanwhile is no problem."""
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return "is not a file"
        with path.open("rb") as file:
            actual = hashlib.file_digest(file, digest.algorithm).hexdigest()
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"cannot be read: {(error.strerror or '').lower()}"
    return "" if actual == digest.hex else f"content does not have its digest (it is {digest.algorithm}:{actual})"


def index_problem(layout: Layout, layers: Layers, layer: Layer) -> str:
    """The layer index is made again from the blob, and compared entry by entry. One that is not there is made later.

    The blob has its digest (:func:`blob_problem`): an uncompressed one is not hashed again.
    """
    place = layers.home(layer.diff_id) / "index"
    room = Path(tempfile.gettempdir()) if layout.is_closed() else layout.ingest
    try:
        with Index(place) if place.exists() else contextlib.nullcontext() as kept:
            digests = kept is not None and kept.header.digests
            with (
                scratch(room, "scow-layer") as directory,
                _index_of(layout, layer, directory / "index", digests=digests) as made,
            ):
                return _difference(made, kept) if kept is not None else ""
    except NotFound:  # without its blob there is nothing to compare it with: the image's problem
        return ""
    except ScowError as error:
        return error.problem
    except OSError as error:
        return f"layer index cannot be read: {(error.strerror or '').lower()}"


def _index_of(layout: Layout, layer: Layer, path: Path, *, digests: bool) -> Index:
    """The index, with the digests of files only where somebody asked for them once."""
    digest = layer.descriptor.digest
    with path.open("xb") as file:
        writer = Writer(file)
        with layout.open(layer.descriptor) as blob:
            tar = Plain(blob, digest.hex if digest.algorithm == "sha256" else "")
            plain = apply(tar, NoTree(), writer) if digests else watched(lambda entry: None, tar, writer)
        writer.finish(tar.size, plain=plain)
    if tar.hexdigest != layer.diff_id.hex:
        raise Integrity(f"blob {digest} is another layer (sha256:{tar.hexdigest})")
    return Index(path)


def _difference(made: Index, kept: Index) -> str:
    for right, found in zip_longest(made, kept):
        if right != found:
            told = (right or found or Entry(b"", "dir")).text
            return f"layer index is not what the blob holds (at {told})"
    header = msgspec.structs.replace(made.header, digests=kept.header.digests)
    same = msgspec.structs.astuple(header) == msgspec.structs.astuple(kept.header)
    return "" if same else "layer index has other totals than the blob"


def tree_problem(tree: Path, diff_id: DiffId, index: Index, blob: Path | None = None) -> str:
    """The layer's tree, of either kind, has every byte. So has ``blob``, which may be the tree's tar."""
    if tree.name != MOUNTABLE:
        return directory_problem(tree, index)
    return "" if survived(tree, diff_id, blob) else "the mountable files were changed"


def directory_problem(tree: Path, entries: Iterable[Entry]) -> str:
    """Every file with its type, size, time and content; and nothing that the layer does not have."""
    final, directories = _final(entries)
    root = os.fsencode(tree)
    for entry in final.values():
        if problem := _entry_problem(root, entry, final):
            return f"{problem}: {entry.text}"
    strange = next((path for path in _walk(root) if path not in final and path not in directories), None)
    return "" if strange is None else f"not of this layer: {shown(strange)}"


def _final(entries: Iterable[Entry]) -> tuple[dict[bytes, Entry], set[bytes]]:
    """What is left when later entries replaced earlier ones, hidden paths of lower layers with it; and every directory
    that the layer names or leaves to be understood."""
    final: dict[bytes, Entry] = {}
    directories: set[bytes] = set()
    for entry in entries:
        if entry.kind == "opaque" or (entry.kind == "whiteout" and entry.path in final):
            continue  # what the layer itself has stays
        if entry.kind != "dir" and entry.path in directories:
            below = entry.path + b"/"
            final = {path: one for path, one in final.items() if not path.startswith(below)}
        final[entry.path] = entry
        parent = entry.path if entry.kind == "dir" else entry.parent
        while parent and parent not in directories:
            directories.add(parent)
            parent = parent.rpartition(b"/")[0]
    return final, directories


def _entry_problem(root: bytes, entry: Entry, final: dict[bytes, Entry]) -> str:
    if entry.kind == "hardlink" and entry.link not in final:
        return ""  # it links to a file of a lower layer
    path = os.path.join(root, entry.path) if entry.path else root
    try:
        status = os.lstat(path)
    except OSError:
        return "" if entry.kind == "whiteout" else "missing"
    expected = _FORMATS.get(entry.kind)
    linked = final.get(entry.link) if entry.kind == "hardlink" else None
    if linked is not None and linked.kind not in ("file", "hardlink"):
        return ""
    if expected is not None and stat.S_IFMT(status.st_mode) != expected:
        return f"not a {entry.kind}"
    if entry.kind == "symlink" and os.readlink(path) != entry.link:
        return "links to somewhere else"
    return _content_problem(path, status, entry) if entry.kind == "file" else ""


def _content_problem(path: bytes, status: os.stat_result, entry: Entry) -> str:
    if status.st_size != entry.size or status.st_mtime_ns != entry.mtime:
        return "another size or time"
    if not entry.digest:
        return ""
    try:
        with open(path, "rb") as file:
            actual = hashlib.file_digest(file, "sha256").digest()
    except PermissionError:  # a mode that keeps even its owner out: not knowing is no fault
        return ""
    return "" if actual == entry.digest else "another content"


def _walk(root: bytes) -> Iterator[bytes]:
    todo = [b""]
    while todo:
        at = todo.pop()
        try:
            with os.scandir(os.path.join(root, at) if at else root) as found:
                for one in found:
                    path = at + b"/" + one.name if at else one.name
                    yield path
                    if one.is_dir(follow_symlinks=False):
                        todo.append(path)
        except PermissionError:
            continue
