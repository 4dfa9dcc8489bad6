"""Layers in: the blob goes into the store while its index and tree are made from the same bytes.

:class:`Unpacking` is the store as a sink that does so; its ``tree`` and ``index`` make up for what is missing later.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scow.content.disk import disk_error
from scow.content.layout import Layout
from scow.content.target import Source
from scow.errors import Integrity, ScowError
from scow.layer.index import Header, Index
from scow.layer.rights import MOUNTABLE
from scow.layer.store import Draft, Layers
from scow.oci import media_types
from scow.oci.descriptor import Descriptor
from scow.oci.digest import DiffId, Digest

if TYPE_CHECKING:  # who only asks for what is there already needs none of it
    from scow.image.layer import Layer
    from scow.image.trees import Make

_CHUNK: Final = 256 << 10


class Unpacking:
    """The local store as a :class:`~scow.content.target.Sink` whose layers come out unpacked.

    Without ``trees`` they get an index only; without ``blobs`` what was shed need not come back.
    """

    def __init__(self, layout: Layout, layers: Layers, *, trees: bool = True, blobs: bool = True) -> None:
        self.layout, self.layers = layout, layers
        self._trees, self._blobs = trees, blobs

    def exists(self, descriptor: Descriptor) -> bool:
        """As the store."""
        return self.layout.present(descriptor) if self._blobs else self.layout.exists(descriptor)

    def push(self, descriptor: Descriptor, source: Source) -> None:
        """Take a blob; a layer also gets its index and tree. Raises :class:`~scow.errors.Invalid` for a hostile one."""
        if descriptor.media_type not in media_types.LAYERS:
            self.layout.push(descriptor, source)
            return
        from scow.image import trees

        make = trees.maker(self.layers) if self._trees else trees.no_tree
        known = descriptor.digest.hex if descriptor.digest.algorithm == "sha256" else ""
        with self._draft() as draft, trees.unpacking_into(draft, make, known, stored=bool(known)) as stages:
            self.layout.push(descriptor, source, stages.feed)
            self._keep(draft, DiffId(f"sha256:{stages.hexdigest}"))

    def tag(self, descriptor: Descriptor, name: str) -> None:
        """As the store."""
        self.layout.tag(descriptor, name)

    def settle(self, layer: Layer) -> None:
        """Make what the layer lacks: its tree or, without ``trees``, its index. Raises :class:`Integrity` when the
        blob is another layer."""
        self.tree(layer) if self._trees else self.header(layer)

    def tree(self, layer: Layer) -> Path:
        """The layer's unpacked tree, made from the blob when it is not there."""
        self.layout.hold(layer.diff_id)
        tree = self.layers.tree(layer.diff_id)
        if tree is None:
            from scow.image import trees

            self._from_blob(layer, self.layout, trees.maker(self.layers))
            tree = self.layers.tree(layer.diff_id)
            if tree is None:  # it was not fit to be mounted
                self._from_blob(layer, self.layout, trees.directory_tree)
                tree = self.layers.tree(layer.diff_id)
        if tree is None:
            raise ScowError("layer could not be unpacked", subject=layer.diff_id)
        return tree

    def index(self, layer: Layer, source: Source | None = None, make: Make | None = None) -> Index:
        """The layer's index, open; made from the blob (the store's, or ``source``'s) when it is not there.

        ``make`` may look at what goes by meanwhile.
        """
        self.layout.hold(layer.diff_id)
        index = self.layers.index(layer.diff_id)
        if index is None:
            from scow.image.trees import no_tree

            self._from_blob(layer, source or self.layout, make or no_tree)
            index = self.layers.index(layer.diff_id)
        if index is None:
            raise ScowError("layer could not be read", subject=layer.diff_id)
        return index

    def with_digests(self, layer: Layer, source: Source | None = None) -> Index:
        """As :meth:`index`, with the digest of every file: a pull does not stop for them."""
        index = self.index(layer, source)
        if not index.header.digests:
            with index:
                self._find_digests(index, layer, source or self.layout)
            index = self.index(layer)
        return index

    def header(self, layer: Layer) -> Header:
        """The layer's totals."""
        with self.index(layer) as index:
            return index.header

    def _find_digests(self, index: Index, layer: Layer, source: Source) -> None:
        from scow.image import trees

        tree = self.layers.tree(layer.diff_id)
        if tree is None or tree.name != MOUNTABLE:
            self._from_blob(layer, source, trees.no_tree)
            return
        with self._draft() as draft:
            trees.note_digests(index, tree, draft)
            self._keep(draft, layer.diff_id)

    def _from_blob(self, layer: Layer, source: Source, make: Make) -> None:
        from scow.image.pipeline import Plain
        from scow.image.trees import write_layer

        is_tar = source is self.layout and layer.descriptor.digest.hex == layer.diff_id.hex
        with self._draft() as draft:
            with source.open(layer.descriptor) as blob:
                tar = Plain(blob)
                write_layer(tar, draft, make, stored=is_tar)
            if tar.hexdigest != layer.diff_id.hex:
                raise Integrity(
                    "layer is not what the image config says",
                    subject=layer.descriptor.digest,
                    expected=layer.diff_id,
                    actual=f"sha256:{tar.hexdigest}",
                )
            self._keep(draft, layer.diff_id)

    def _keep(self, draft: Draft, diff_id: DiffId) -> None:
        self.layout.hold(diff_id)
        if draft.stored and draft.mountable.exists():
            from scow.layer.mountable import TAR

            _link(self.layout.path(Digest(diff_id)), draft.mountable / TAR)
        self.layers.keep(draft, diff_id)

    @contextlib.contextmanager
    def _draft(self) -> Iterator[Draft]:
        try:
            with self.layers.draft() as draft:
                yield draft
        except OSError as error:
            raise disk_error(error, self.layout.root) from None


def _link(blob: Path, tar: Path) -> None:
    """Another name for the blob: neither is gone before both are. A copy, where a mount lies between them."""
    try:
        os.link(blob, tar)
    except OSError:
        with blob.open("rb") as source, tar.open("xb") as copy:
            while chunk := source.read(_CHUNK):
                copy.write(chunk)
