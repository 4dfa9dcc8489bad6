"""The files of an image, out of the store: as one flat tar, or in a directory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from scow.errors import Denied
from scow.image import rootfs
from scow.image.flatten import flatten
from scow.image.image import Image
from scow.image.store import Store
from scow.layer.checkout import checkout
from scow.layer.view import Found


def export_tar(store: Store, image: Image, output: BinaryIO) -> None:
    """Write the image's file system to ``output``."""
    with store.layout.working():
        flatten(image.layers, store, output)


def export_directory(store: Store, image: Image, target: Path) -> None:
    """Write the image's files below ``target`` (made if missing), as this user's own; what is there is replaced."""
    with store.layout.working():
        trees = [store.unpacking.tree(layer) for layer in image.layers]
        try:
            target.mkdir(parents=True, exist_ok=True)
            checkout(_owned(rootfs.view(image.layers, store.unpacking).walk()), trees, target)
        except OSError as error:
            raise Denied(f"cannot write the files: {error.strerror}", subject=str(target)) from None


def _owned(found: Iterator[Found]) -> Iterator[Found]:
    """The paths with this user as the owner; the root is the directory that is there."""
    uid, gid = os.geteuid(), os.getegid()
    for one in found:
        if one.entry.path:
            yield msgspec.structs.replace(one, entry=msgspec.structs.replace(one.entry, uid=uid, gid=gid))
