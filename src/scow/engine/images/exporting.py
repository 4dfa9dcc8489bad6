"""The files of an image, out of the store: as one flat tar, or in a directory."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import msgspec

from scow.errors import Denied
from scow.image import rootfs
from scow.image.flatten import write_members
from scow.image.image import Image, load
from scow.image.store import Store
from scow.layer.checkout import checkout
from scow.layer.entry import Entry
from scow.layer.header import END, header
from scow.layer.view import Found
from scow.oci.descriptor import Descriptor
from scow.oci.manifest import Index, parse


def apart(store: Store, entry: Descriptor) -> dict[str, Image]:
    """The image of a manifest, or the images of an index, each by the name of its platform's directory."""
    entries: tuple[Descriptor, ...] = (entry,)
    document = parse(store.layout.read(entry), entry.media_type, str(entry.digest))
    if isinstance(document, Index):
        entries = tuple(one for one in document.manifests if one.platform is not None and one.platform.known)
    images = [load(store.layout, one) for one in entries]
    return {str(image.config.platform.normalised()).replace("/", "_"): image for image in images}


def export_tar(store: Store, images: Mapping[str, Image], output: BinaryIO) -> None:
    """Write the images' file systems to ``output``, each below its directory (empty: none)."""
    with store.layout.working():
        for name, image in images.items():
            if name:
                output.write(header(Entry(name.encode(), "dir", 0o755)))
            write_members(image.layers, store, output, below=f"{name}/".encode() if name else b"")
        output.write(END)
        output.flush()


def export_directory(store: Store, image: Image, target: Path) -> None:
    """Write the image's files below ``target`` (made if missing), as this user's own; what is there is replaced."""
    with store.layout.working():
        trees = [store.unpacking.tree(layer) for layer in image.layers]
        try:
            target.mkdir(parents=True, exist_ok=True)
            checkout(_owned(rootfs.view(image.layers, store).walk()), trees, target)
        except OSError as error:
            raise Denied(f"cannot write the files: {error.strerror}", subject=str(target)) from None


def _owned(found: Iterator[Found]) -> Iterator[Found]:
    """The paths with this user as the owner; the root is the directory that is there."""
    uid, gid = os.geteuid(), os.getegid()
    for one in found:
        if one.entry.path:
            yield msgspec.structs.replace(one, entry=msgspec.structs.replace(one.entry, uid=uid, gid=gid))
