"""A stage's file system while it is built: layers so far, and their merged view when somebody asks."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from scow.image.layer import Layer
from scow.image.store import Store
from scow.layer.entry import Entry
from scow.layer.view import Found, View
from scow.oci.digest import chain_id, chained

if TYPE_CHECKING:
    from scow.layer.pack import Content

_SLASH = ord("/")
#: So many looks at a part of the view cost about as much as the whole, which is then kept.
_LOOKS = 4


class Root:
    """Layers, lowest first, and their ``chain``. Adding one keeps the view up to date instead of making it again."""

    def __init__(self, store: Store, layers: tuple[Layer, ...]) -> None:
        self._store = store
        self.layers = layers
        self.chain = chain_id(layer.diff_id for layer in layers)
        self._view: View | None = None
        self._looks = 0
        self._digested = False
        self._guard = threading.Lock()

    def copy(self) -> Root:
        """The same file system for a stage built on this one."""
        return Root(self._store, self.layers)

    def add(self, layer: Layer) -> None:
        """Put a layer on top."""
        self.layers = (*self.layers, layer)
        self.chain = chained(self.chain, layer.diff_id)
        if self._view is not None:
            self._stack(self._view, len(self.layers) - 1)

    @property
    def view(self) -> View:
        """The merged view of the layers."""
        with self._guard:  # several stages may take files from this one
            if self._view is None:
                made = View()
                for number in range(len(self.layers)):
                    self._stack(made, number)
                self._view = made
            return self._view

    def around(self, path: bytes) -> View:
        """What lies on the way to ``path`` and below it: all that writing there depends on. No file of it can be read.

        That is a part of the view, unless a link may lead elsewhere, or a layer leaves a directory to be understood.
        """
        self._looks += 1
        if self._view is None and self._looks <= _LOOKS and self._is_plain():
            made = View()
            way = {path[:at] for at in (0, *(n for n, byte in enumerate(path) if byte == _SLASH), len(path))}
            for number, layer in enumerate(self.layers):
                with self._store.unpacking.index(layer) as index:
                    made.stack(number, _around(index, way, path + b"/" if path else b""))
            if not any((found := made.find(part)) and found.entry.kind == "symlink" for part in way):
                return made
        return self.view

    def _is_plain(self) -> bool:
        unpacking = self._store.unpacking
        return all(unpacking.header(layer).plain for layer in self.layers)

    def listing(self) -> ViewListing:
        """The files as a source of COPY --from, whose cache keys ask for digests."""
        with self._guard:
            if not self._digested:
                self._digested, self._view = True, None
        return ViewListing(self.view, self._open)

    def read(self, path: str) -> bytes:
        """A small file's content (1 MiB at most); empty when it is not there."""
        found = self.view.find(self.view.resolve(path.encode()))
        if found is None or found.entry.kind != "file":
            return b""
        with os.fdopen(self._open(found), "rb") as file:
            return file.read(min(found.entry.size, 1 << 20))

    def _stack(self, view: View, number: int) -> None:
        layer = self.layers[number]
        unpacking = self._store.unpacking
        opened = unpacking.with_digests if self._digested else unpacking.index
        with opened(layer) as index:
            view.stack(number, index)

    def _open(self, found: Found) -> int:
        from scow.layer.mountable import content

        layer = self.layers[found.layer]
        return content(self._store.unpacking.tree(layer), found)()


def _around(entries: Iterable[Entry], way: set[bytes], below: bytes) -> Iterator[Entry]:
    """The entries on the way and below; a hard link is a file, wherever the other name lies."""
    for entry in entries:
        if entry.path in way or entry.path.startswith(below):
            yield msgspec.structs.replace(entry, kind="file") if entry.kind == "hardlink" else entry


class ViewListing:
    """A stage's or an image's file system as a listing; ``open_file`` opens a file of a layer's tree."""

    def __init__(self, view: View, open_file: Callable[[Found], int]) -> None:
        self._view, self._open = view, open_file

    def find(self, path: bytes) -> Entry | None:
        """What lies at ``path``."""
        found = self._view.find(path)
        return found.entry if found else None

    def children(self, path: bytes) -> list[bytes]:
        """The paths right below a directory."""
        return self._view.children(path)

    def content(self, entry: Entry) -> Content:
        """The file's bytes."""
        found = self._view.find(entry.path)
        assert found is not None  # noqa: S101 - the entry came from here
        return partial(self._open, found)

    def digest(self, entry: Entry) -> bytes:
        """The raw sha256 of the content, from the layer's index; for a sparse file, where it lies."""
        found = self._view.find(entry.path)
        return entry.digest or (b"%d:%b" % (found.layer, found.source) if found else b"")

    def learn(self, entry: Entry, digest: bytes) -> None:
        """The indexes know it."""

    def identity(self, entry: Entry) -> object | None:
        """The place of the content: names of one file share it."""
        found = self._view.find(entry.path)
        return (found.layer, found.source) if found else None
