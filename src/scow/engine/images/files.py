"""The files of an image, wherever it is: listed, read, copied out. Nothing is unpacked for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from scow.content.target import Reader
from scow.engine.images.looking import peek
from scow.engine.outputs import whole
from scow.engine.workplace import Noun
from scow.errors import Denied, Invalid, NotFound
from scow.image.contents import Contents
from scow.layer.entry import Entry
from scow.layer.rights import rights
from scow.layer.sparse import Map
from scow.layer.tree import OverlayTree
from scow.layer.view import Found


class Files(Noun):
    """``engine.files``. An image is a :class:`~scow.oci.location.Location`; a path's symlinks are followed in it."""

    def list(
        self, image: str, path: str = "/", *, recursive: bool = False, platform: str | None = None
    ) -> tuple[Found, ...]:
        """What lies in a directory, or the file itself. Raises :class:`~scow.errors.NotFound`."""
        with peek(self._workplace, image, platform) as contents:
            found = _find(contents, path)
            if found.entry.kind != "dir":
                return (found,)
            below = contents.view.walk(found.entry.path)
            depth = _depth(found.entry.path) + 1
            listed = (one for one in below if recursive or _depth(one.entry.path) == depth)
            return tuple(one for one in listed if one.entry.path != found.entry.path)

    def cat(self, image: str, path: str, output: BinaryIO, *, platform: str | None = None) -> None:
        """Write a file's content to ``output``. Raises :class:`~scow.errors.NotFound`, ``Invalid`` for no file."""
        taking = whole(output)
        with peek(self._workplace, image, platform) as contents:
            found = _find(contents, path)
            if found.entry.kind != "file":
                raise Invalid(f"is no file but a {found.entry.kind}", subject=found.entry.text)
            for _, reader in contents.each([found]):
                while part := reader.read(1 << 20):
                    taking.write(part)
            taking.flush()

    def cp(
        self, image: str, path: str, target: str | os.PathLike[str], *, platform: str | None = None
    ) -> tuple[str, ...]:
        """Write a file, or a directory with all below it, to ``target`` as this user's own; into it, when it is a
        directory. Returns the paths of devices and FIFOs, which are left out.

        Raises :class:`~scow.errors.NotFound`, ``Denied``.
        """
        with peek(self._workplace, image, platform) as contents:
            found = _find(contents, path)
            place = Path(target).absolute()
            if place.is_dir():
                place /= os.fsdecode(found.entry.path.rpartition(b"/")[2] or b"root")
            if not place.parent.is_dir():
                raise NotFound("no such directory", subject=str(place.parent))
            try:
                return tuple(_write(contents, list(contents.view.walk(found.entry.path)), place))
            except OSError as error:
                raise Denied(f"cannot write: {(error.strerror or '').lower()}", subject=str(place)) from None


def _find(contents: Contents, path: str) -> Found:
    real = contents.view.resolve(os.fsencode(path))
    found = contents.view.find(real)
    if found is None:
        raise NotFound("no such file or directory in the image", subject=path)
    return found


def _depth(path: bytes) -> int:
    return path.count(b"/") + 1 if path else 0


def _write(contents: Contents, found: list[Found], place: Path) -> Iterator[str]:
    """``found``, whose first is the top, at ``place``; yields what is left out."""
    top = found[0].entry.path
    name = os.fsencode(place.name)

    def moved(path: bytes) -> bytes:
        below = path[len(top) :].strip(b"/") if top else path
        return name + b"/" + below if below else name

    tree = OverlayTree(place.parent, rights())
    first: dict[tuple[int, bytes], bytes] = {}
    links: list[Entry] = []
    try:
        for one in found:
            entry = _own(one.entry, moved(one.entry.path))
            if entry.kind == "dir":
                tree.directory(entry)
            elif entry.kind == "symlink":
                tree.symlink(entry)
            elif entry.kind != "file":
                yield one.entry.text
            elif (known := first.setdefault((one.layer, one.source), entry.path)) != entry.path:
                links.append(Entry(entry.path, "hardlink", link=known))
        for one, reader in contents.each(found):
            tree.file(_own(one.entry, first[one.layer, one.source]), _Body(reader))
        for entry in links:
            tree.hardlink(entry)
        tree.finish()
    finally:
        tree.close()


def _own(entry: Entry, path: bytes) -> Entry:
    """The entry as this user's, without rights that a file out of an image should not have here."""
    return msgspec.structs.replace(
        entry, path=path, uid=os.geteuid(), gid=os.getegid(), mode=entry.mode & 0o777, xattrs=()
    )


class _Body:
    """A reader as a file's content."""

    map: Map | None = None

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def pieces(self) -> Iterator[tuple[int, memoryview]]:
        """``(offset, bytes)``, in order."""
        at = 0
        while part := self._reader.read(1 << 20):
            yield at, memoryview(part)
            at += len(part)
