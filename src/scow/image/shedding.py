"""Letting go of an image's layer blobs, whose trees stay: each can be had again where it came from (ADR 0065)."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from pathlib import Path

from scow.image.collect import Marked
from scow.image.image import Image
from scow.image.store import Store
from scow.layer.rights import MOUNTABLE
from scow.oci import media_types


def shed(store: Store, image: Image, origin: str, names: Iterable[str] = ()) -> int:
    """Shed the layers' blobs, which ``origin`` has; returns the bytes given back.

    A blob stays that another image, ``names`` or a running command needs too, one without a tree, and one that is part
    of its tree.
    """
    layout, freed = store.layout, 0
    layers = [one for one in image.layers if not media_types.is_foreign(one.descriptor.media_type)]
    trees = {one.diff_id: tree for one in layers if (tree := store.layers.tree(one.diff_id))}
    _sync(trees.values())
    with layout.exclusive():
        needed = Marked(set(names) | layout.leased())
        for entry in layout.entries():
            if entry.digest != image.descriptor.digest:
                needed.image(store, entry)
        for layer in layers:
            blob = layer.descriptor
            place = layout.path(blob.digest)
            if layer.diff_id in trees and blob.digest not in needed.names and _by_itself(place):
                layout.shed.note(blob.digest, origin)
                place.unlink()
                freed += blob.size
    return freed


def _sync(trees: Collection[Path]) -> None:
    """No blob will make them again where there is no network, so they are to outlive a power cut (ADR 0004)."""
    for tree in trees:
        if tree.name != MOUNTABLE:
            os.sync()  # a tree of 15 000 files is not synced one by one
            return
    for tree in trees:
        for path in tree.iterdir():
            with path.open("rb") as file:
                os.fsync(file.fileno())


def _by_itself(blob: Path) -> bool:
    try:
        return blob.stat().st_nlink == 1
    except FileNotFoundError:
        return False
