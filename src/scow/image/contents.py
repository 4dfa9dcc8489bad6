"""The files of an image, looked at without unpacking it: the merged view of its layers, and single files out of them.

Whoever looks (scan, size, ``image cat``) is handed :class:`Contents`. A layer's index comes from the store, or is made
from the layer's bytes, once. A file comes from the unpacked tree where there is one, else out of the layer's bytes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from scow.errors import Invalid

if TYPE_CHECKING:  # of an image that somebody knows already, nothing is read
    from scow.content.target import Reader, Source
    from scow.image.image import Image
    from scow.image.layer import Layer
    from scow.image.passing import Watch
    from scow.image.store import Store
    from scow.layer.entry import Entry
    from scow.layer.index import Index, Writer
    from scow.layer.store import Draft
    from scow.layer.view import Found, View


class Contents(Protocol):
    """What can be looked at. ``image`` is ``None`` for a plain directory, which is one layer without a diff_id."""

    @property
    def image(self) -> Image | None:
        """Manifest and config, where there are any."""
        ...

    @property
    def layers(self) -> Sequence[Layer]:
        """Blob and diff_id of each layer, lowest first."""
        ...

    @property
    def view(self) -> View:
        """The merged view."""
        ...

    def entries(self, number: int) -> Iterator[Entry]:
        """What layer ``number`` says, in its order."""
        ...

    def watch(self, number: int, watch: Watch) -> bool:
        """Make the index of layer ``number`` if that is still to be done, and look on: ``watch`` sees its entries, and
        each file that it wants is read by whom it says. Whether it was still to be done."""
        ...

    def digested(self, number: int) -> Iterator[Entry]:
        """As :meth:`entries`, with the digests of an image's files."""
        ...

    def each(self, wanted: Iterable[Found]) -> Iterator[tuple[Found, Reader]]:
        """The wanted files that have content, in the order that is cheapest; read one before the next.

        A file of several names comes once, under one of them. A reader raises :class:`Integrity` at the end of a file
        that is not what the index says.
        """
        ...


class ImageContents:
    """An image in the store, or at ``source``: its layers then come into the store, where they may be collected."""

    def __init__(self, image: Image, store: Store, source: Source) -> None:
        self.image = image
        self.layers = image.layers
        self._store, self._source = store, source

    @cached_property
    def view(self) -> View:
        """The merged view, from the indexes alone."""
        from scow.layer.view import View

        merged = View()
        for number in range(len(self.layers)):
            merged.stack(number, self.entries(number))
        return merged

    def index(self, number: int) -> Index:
        """The index of layer ``number``, open."""
        layer = self.layers[number]
        return self._store.unpacking.index(layer, self._source)

    def entries(self, number: int) -> Iterator[Entry]:
        """What layer ``number`` says, in its order."""
        with self.index(number) as index:
            yield from index

    def watch(self, number: int, watch: Watch) -> bool:
        """Look on while the index of layer ``number`` is made."""
        from scow.image.passing import watched

        made = False

        def make(reader: Reader, draft: Draft, index: Writer) -> bool:
            nonlocal made
            made = True
            return watched(watch, reader, index)

        layer = self.layers[number]
        self._store.unpacking.index(layer, self._source, make).close()
        return made

    def digested(self, number: int) -> Iterator[Entry]:
        """The same with the digests of its files."""
        layer = self.layers[number]
        with self._store.unpacking.with_digests(layer, self._source) as index:
            yield from index

    def each(self, wanted: Iterable[Found]) -> Iterator[tuple[Found, Reader]]:
        """The wanted files, layer by layer."""
        by_layer: dict[int, dict[bytes, Found]] = {}
        for found in wanted:
            if found.entry.kind == "file" and found.layer >= 0:
                by_layer.setdefault(found.layer, {}).setdefault(found.source, found)
        for number, several in sorted(by_layer.items()):
            tree = self._store.layers.tree(self.layers[number].diff_id)
            if tree is not None:
                yield from from_tree(tree, several.values())
            else:
                yield from self._from_bytes(number, several)

    def _from_bytes(self, number: int, wanted: dict[bytes, Found]) -> Iterator[tuple[Found, Reader]]:
        from scow.image.passing import from_tar
        from scow.layer.compression import detected, inflated

        layer = self.layers[number]
        source = self._store.layout if self._store.layout.exists(layer.descriptor) else self._source
        with source.open(layer.descriptor) as reader:
            yield from from_tar(inflated(*detected(reader)), wanted)


def from_tree(tree: Path, wanted: Iterable[Found]) -> Iterator[tuple[Found, Reader]]:
    """The wanted files, opened in ``tree``, in the order in which they were written.

    Raises :class:`Invalid` for one whose directory is a link: in a view there is none, but a layer may name a path that
    it replaced later, and a plain directory may change.
    """
    from scow.layer.mountable import content
    from scow.layer.rights import MOUNTABLE

    for found in sorted(wanted, key=lambda one: one.entry.offset):
        with os.fdopen(content(tree, found)(), "rb", buffering=0) as file:
            if tree.name != MOUNTABLE and not _is_at(file.fileno(), tree, found.source):
                raise Invalid("lies behind a link that leaves the tree", subject=found.entry.text)
            yield found, _Part(file, found.entry.size)


def _is_at(fd: int, tree: Path, source: bytes) -> bool:
    """Whether an open file is the one of ``tree`` that its name says, with no link on the way."""
    try:
        real = os.readlink(b"/proc/self/fd/%d" % fd)
    except OSError:  # no /proc: compare what is there now
        return os.path.realpath(os.path.join(os.fsencode(tree), source)) == _below(tree, source)
    return real == _below(tree, source)


def _below(tree: Path, source: bytes) -> bytes:
    return os.path.join(os.path.realpath(os.fsencode(tree)), source)


class _Part:
    """``size`` bytes of a file: a mountable tree's tar holds many."""

    def __init__(self, file: Reader, size: int) -> None:
        self._file, self._left = file, size

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes."""
        data = self._file.read(min(self._left, size) if size >= 0 else self._left)
        self._left -= len(data)
        return data
