"""A container's whole file system as one flat tar: its layers' view with what it wrote on top."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Sequence
from typing import BinaryIO

import msgspec

from scow.errors import Conflict
from scow.image import rootfs
from scow.image.layer import Layer
from scow.image.store import Store
from scow.layer import mountable
from scow.layer.entry import Entry
from scow.layer.header import END, header, padding
from scow.layer.pack import Content, Item
from scow.layer.view import Found

_CHUNK = 1 << 20


def flatten(layers: Sequence[Layer], store: Store, output: BinaryIO, changes: Iterable[Item] = ()) -> None:
    """Write the file system of ``layers``, with ``changes`` (what a container wrote) on top of them."""
    write_members(layers, store, output, changes)
    output.write(END)
    output.flush()


def write_members(
    layers: Sequence[Layer], store: Store, output: BinaryIO, changes: Iterable[Item] = (), below: bytes = b""
) -> None:
    """As :func:`flatten`, below a directory (its path with a slash), and not to the end of the tar."""
    view = rootfs.view(layers, store)
    items = list(changes)
    written: dict[bytes, Content] = {entry.path: content for entry, content in items}
    view.stack(len(layers), [entry for entry, _ in items])

    def opener(found: Found) -> Callable[[], int]:
        if found.layer == len(layers):
            content = written[found.source]
            assert not isinstance(content, bytes)  # noqa: S101 - files of a directory are opened
            return content
        layer = layers[found.layer]
        tree = store.unpacking.tree(layer)
        return mountable.content(tree, found)

    names: dict[tuple[int, bytes], bytes] = {}
    for found in view.walk():
        entry = found.entry
        if not entry.path:
            continue
        first = names.setdefault((found.layer, found.source), entry.path)
        if first != entry.path and entry.kind not in ("dir", "symlink"):
            entry = msgspec.structs.replace(entry, kind="hardlink", link=below + first, size=0)
        if below:
            entry = msgspec.structs.replace(entry, path=below + entry.path)
        with contextlib.suppress(Conflict):  # a container that runs took it away, or put something else there
            _write(output, entry, opener(found) if entry.kind == "file" else None)


def _write(output: BinaryIO, entry: Entry, content: Callable[[], int] | None) -> None:
    if content is None or not entry.size:
        output.write(header(entry))
        return
    left = entry.size
    with os.fdopen(content(), "rb") as file:
        output.write(header(entry))
        while left and (data := file.read(min(left, _CHUNK))):
            output.write(data)
            left -= len(data)
    output.write(bytes(left) + padding(entry.size))
