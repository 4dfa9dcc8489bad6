"""A new volume gets what the image has at its place: files, owners and modes, as docker fills it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from scow.errors import Invalid
from scow.image import rootfs
from scow.image.layer import Layer
from scow.image.store import Store
from scow.layer.checkout import checkout
from scow.layer.view import Found, View


def fill(layers: Sequence[Layer], store: Store, place: str, target: Path) -> None:
    """Write the image's directory ``place`` to ``target``, an empty directory; nothing when the image has none there.

    Symlinks on the way to ``place`` are followed beneath the image's root.
    """
    view = rootfs.view(layers, store)
    try:
        path = view.resolve(os.fsencode(place).strip(b"/"))
    except Invalid:
        return
    top = view.find(path)
    if top is None or top.entry.kind != "dir":
        return
    trees = [store.unpacking.tree(layer) for layer in layers]
    checkout(_below(view, path), trees, target)
    rootfs.style(target, top.entry)


def _below(view: View, path: bytes) -> Iterator[Found]:
    """What is below ``path``, named from there."""
    prefix = path + b"/" if path else b""
    for found in view.walk(path):
        if found.entry.path != path:
            entry = msgspec.structs.replace(found.entry, path=found.entry.path.removeprefix(prefix))
            yield Found(entry, found.layer, found.source)
