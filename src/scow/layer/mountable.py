"""A layer as two files that the kernel mounts (:mod:`scow.layer.erofs`): its plain tar, and metadata over it.

::

    erofs/tar         the layer's plain tar; where that is the layer's blob, another name of the same file
    erofs/metadata    everything but the files' contents

They stand for the tree that :class:`~scow.layer.tree.OverlayTree` would have written, with overlayfs' own marks. What
they cannot hold (sparse files, a root that hides what lies below it) makes a layer unfit, and it gets a directory.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

import msgspec

from scow.errors import Invalid
from scow.files import opened, regular
from scow.layer import erofs
from scow.layer.entry import FORMATS, Entry
from scow.layer.erofs import Directory, Node
from scow.layer.rights import MOUNTABLE, OPAQUE
from scow.layer.tree import Content, NoTree
from scow.layer.view import Found
from scow.oci.digest import DiffId

TAR: Final = "tar"
METADATA: Final = "metadata"
_CHUNK: Final = 1 << 20

_OPAQUE: Final = tuple((name, b"y") for name in OPAQUE)
#: What makes overlayfs look for whiteouts in a directory that no layer below has.
_ORIGIN: Final = tuple((name.replace(b"opaque", b"origin"), b"") for name in OPAQUE)
Made = TypeVar("Made", bound=Node)
_NODES_LIMIT: Final = 250_000  # each takes some 400 bytes until the end


class Mountable(NoTree):
    """The metadata of a layer: a tree that a changeset is applied to, or whose entries come by :meth:`add`."""

    def __init__(self) -> None:
        self._root = Directory(stat.S_IFDIR | 0o755)
        self._entered = (b"", self._root)  # the directory that was looked for last: its files come together
        self._nodes = 0
        #: Whether it can stand for the layer.
        self.fit = True

    def add(self, entry: Entry) -> None:
        """One entry of the layer, placed, in the tar's order."""
        self._nodes += 1
        self.fit = self.fit and self._nodes <= _NODES_LIMIT
        if self.fit:
            _ACTIONS.get(entry.kind, Mountable._node)(self, entry)

    directory = symlink = hardlink = special = whiteout = opaque = add

    def file(self, entry: Entry, body: Content) -> bytes:
        """Add it; its content lies in the tar, where :func:`digested` finds it once somebody wants its digest."""
        self.add(entry)
        return b""

    def write(self, tree: Path, tar_size: int) -> None:
        """Write all of it beside the tar; when the layer is not fit, remove what is in ``tree``."""
        if self.fit:
            with (tree / METADATA).open("xb") as file:
                self._write(file, tar_size)
        else:
            (tree / TAR).unlink(missing_ok=True)
            tree.rmdir()

    def _write(self, file: BinaryIO, tar_size: int) -> None:
        """The superblock comes last: without it nothing can mount the file."""
        metadata = hashlib.sha256()
        header, pieces = erofs.image(self._root, tar_size)
        file.seek(erofs.METADATA)
        for piece in pieces:
            metadata.update(piece)
            file.write(piece)
        file.seek(erofs.SUPERBLOCK)
        file.write(header)
        file.seek(erofs.UUID)
        file.write(metadata.digest()[:16])

    # -- what each kind of entry does to the tree ---------------------------------------------------------------------

    def _node(self, entry: Entry) -> None:
        if entry.kind == "file" and entry.offset < 0:
            self.fit = False
            return
        self._put(entry.path, _made(entry, Node))

    def _put(self, path: bytes, node: Node) -> None:
        above, _, name = path.rpartition(b"/")
        where = self._entered[1] if above == self._entered[0] else self._enter(above)
        if name in where.children:
            self._entered = (b"", self._root)  # perhaps it was that, or above it
        where.children[name] = node

    def _directory(self, entry: Entry) -> None:
        made = _made(entry, Directory)
        if not entry.path:
            _restyle(self._root, made, made.xattrs)
            return
        where, name = self._parent(entry.path)
        old = where.children.get(name)
        if old is None:
            where.children[name] = made
        elif isinstance(old, Directory):
            _restyle(old, made, made.xattrs + tuple(pair for pair in old.xattrs if pair in _OPAQUE + _ORIGIN))
        else:  # a whiteout or a file of this layer: it hides what lies below
            made.xattrs += _OPAQUE
            where.children[name] = made

    def _hardlink(self, entry: Entry) -> None:
        found = self._find(entry.link)
        if found is None:
            return  # it lies below this layer: left to whoever stacks them
        if isinstance(found, Directory):
            raise Invalid("hard link to what cannot be linked", subject=entry.text)
        self._put(entry.path, found)

    def _whiteout(self, entry: Entry) -> None:
        where, name = self._parent(entry.path)
        old = where.children.get(name)
        if old is None:
            where.children[name] = Node(stat.S_IFCHR)
            where.xattrs = _marked(where, _ORIGIN)
        elif isinstance(old, Directory):
            old.xattrs = _marked(old, _OPAQUE)

    def _opaque(self, entry: Entry) -> None:
        if not entry.path:
            self.fit = False
            return
        found = self._enter(entry.path)
        found.xattrs = _marked(found, _OPAQUE)

    def _parent(self, path: bytes) -> tuple[Directory, bytes]:
        above, _, name = path.rpartition(b"/")
        return self._enter(above), name

    def _enter(self, path: bytes) -> Directory:
        """The directory, made with those above it when it is not there."""
        if path == self._entered[0]:
            return self._entered[1]
        node = self._root
        for name in path.split(b"/") if path else ():
            child = node.children.get(name)
            if not isinstance(child, Directory):  # nothing yet, or what hides what lies below
                child = node.children[name] = Directory(stat.S_IFDIR | 0o755, xattrs=_OPAQUE if child else ())
            node = child
        self._entered = (path, node)
        return node

    def _find(self, path: bytes) -> Node | None:
        node: Node | None = self._root
        for name in path.split(b"/"):
            node = node.children.get(name) if isinstance(node, Directory) else None
        return node


_ACTIONS: Final[dict[str, Callable[[Mountable, Entry], None]]] = {
    "dir": Mountable._directory,
    "hardlink": Mountable._hardlink,
    "whiteout": Mountable._whiteout,
    "opaque": Mountable._opaque,
}


def _made(entry: Entry, kind: type[Made]) -> Made:
    return kind(
        FORMATS[entry.kind] | entry.mode,
        entry.uid,
        entry.gid,
        entry.mtime,
        max(entry.offset, 0),
        entry.size,
        entry.link if entry.kind == "symlink" else b"",
        os.makedev(entry.major, entry.minor) if entry.major or entry.minor else 0,
        entry.xattrs,
    )


def _restyle(node: Node, like: Node, xattrs: tuple[tuple[bytes, bytes], ...]) -> None:
    """A directory named once more keeps what it holds."""
    node.mode, node.uid, node.gid, node.mtime, node.xattrs = like.mode, like.uid, like.gid, like.mtime, xattrs


def _marked(node: Node, marks: tuple[tuple[bytes, bytes], ...]) -> tuple[tuple[bytes, bytes], ...]:
    return node.xattrs + tuple(mark for mark in marks if mark not in node.xattrs)


def content(tree: Path, found: Found) -> Callable[[], int]:
    """A function that opens a file of the layer's tree, a directory or a mountable one.

    Its content is ``entry.size`` bytes from where the descriptor stands.
    """
    if tree.name != MOUNTABLE:
        return _opener(os.fsencode(tree), found.source)

    def open_it() -> int:
        fd = regular(tree / TAR, os.O_RDONLY)
        os.lseek(fd, found.entry.offset, os.SEEK_SET)
        return fd

    return open_it


def _opener(tree: bytes, path: bytes) -> Callable[[], int]:
    """A function that opens a file of a tree that nobody changes for reading, whatever is left of its mode."""

    def open_it() -> int:
        try:
            return regular(os.path.join(tree, path), os.O_RDONLY | os.O_NOFOLLOW)
        except PermissionError:
            from scow.layer.reach import opener

            with contextlib.suppress(PermissionError):  # what is another's cannot be lent
                return opener(tree, path)()
            raise

    return open_it


def digested(tree: Path, entries: Iterable[Entry]) -> Iterator[Entry]:
    """A mountable layer's entries with the digests of its files."""
    with opened(tree / TAR, buffering=0) as file:
        for entry in entries:
            if entry.kind == "file" and entry.offset >= 0 and not entry.digest:
                file.seek(entry.offset)
                entry = msgspec.structs.replace(entry, digest=_hashed(file.read, entry.size).digest())
            yield entry


def survived(tree: Path, diff_id: DiffId, known: Path | None = None) -> bool:
    """Whether every byte of both files is what it was when they were made. Those of ``known`` are: where the tar is
    that file, it is not read."""
    try:
        with opened(tree / METADATA, buffering=0) as file:
            uuid = os.pread(file.fileno(), 16, erofs.UUID)
            file.seek(erofs.METADATA)
            if _hashed(file.read, -1).digest()[:16] != uuid:
                return False
        if known is not None and known.exists() and known.samefile(tree / TAR):
            return True
        with opened(tree / TAR, buffering=0) as file:
            return _hashed(file.read, -1).hexdigest() == diff_id.hex
    except OSError:
        return False


def _hashed(read: Callable[[int], bytes], size: int) -> hashlib._Hash:
    digest = hashlib.sha256()
    while size and (data := read(min(size, _CHUNK) if size > 0 else _CHUNK)):
        digest.update(data)
        size -= len(data) if size > 0 else 0
    return digest
