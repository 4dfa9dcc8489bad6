"""An image's root file system: which trees to stack, and what stacking alone would get wrong.

Layers are unpacked apart from each other, so three things need the view of all of them:

* a layer that names something below a directory without naming the directory must show the *lower* layer's owner and
  mode for it, and a hard link may point into a lower layer: a thin *fix* tree on top has both right;
* a lower layer's symlink may stand for a directory that a higher layer writes through: such images (and machines
  without overlayfs) get one *flat* tree, the layers applied one after another.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from scow.errors import NotFound
from scow.image.image import Image
from scow.image.unpack import Unpacking
from scow.layer.apply import apply
from scow.layer.compression import detected, inflated
from scow.layer.diff import opener
from scow.layer.entry import Entry
from scow.layer.index import Writer
from scow.layer.sparse import Map
from scow.layer.tree import FlatTree, OverlayTree, rights
from scow.layer.view import Found, View
from scow.snapshot.store import Snapshots


def view(image: Image, unpacking: Unpacking) -> View:
    """The merged view of the image's layers, from their indexes."""
    merged = View()
    for number, (descriptor, diff_id) in enumerate(image.layers):
        with unpacking.index(descriptor, diff_id) as index:
            merged.stack(number, index)
    return merged


def root_entry(image: Image, unpacking: Unpacking) -> Entry:
    """Owner, mode and time of the root directory: the topmost layer's that says."""
    root = Entry(b"", "dir", 0o755)
    for descriptor, diff_id in image.layers:
        root = unpacking.header(descriptor, diff_id).root or root
    return root


def stack(image: Image, unpacking: Unpacking, snapshots: Snapshots) -> tuple[Path, ...]:
    """The trees whose overlay is the image's root file system, topmost first; unpacked when they are not yet."""
    trees = [unpacking.tree(descriptor, diff_id) for descriptor, diff_id in image.layers]
    headers = [unpacking.header(descriptor, diff_id) for descriptor, diff_id in image.layers]
    if all(header.plain for header in headers[1:]):
        return tuple(reversed(trees))
    merged = view(image, unpacking)
    if merged.conflicts:
        return (flat(image, unpacking, snapshots),)
    if merged.restyled or merged.relinked:
        assert image.chain is not None  # noqa: S101 - there are layers
        fix = snapshots.tree(image.chain, "fix", lambda path: _fix(path, merged, trees))
        return (fix, *reversed(trees))
    return tuple(reversed(trees))


def flat(image: Image, unpacking: Unpacking, snapshots: Snapshots) -> Path:
    """All layers applied to one tree, one after another."""
    if image.chain is None:
        raise NotFound("image has no layers", subject=image.id)

    def make(path: Path) -> None:
        apply_all(image, unpacking, path)

    return snapshots.tree(image.chain, "flat", make)


def apply_all(image: Image, unpacking: Unpacking, target: Path) -> View:
    """Apply the image's layers to ``target``, an empty directory; returns the merged view."""
    merged = View()
    for number, (descriptor, diff_id) in enumerate(image.layers):
        tree = FlatTree(target, rights())
        try:
            with unpacking.layout.open(descriptor) as file, open(os.devnull, "r+b") as nowhere:
                apply(inflated(*detected(file)), tree, Writer(nowhere), merged.lies)
        finally:
            tree.close()
        with unpacking.index(descriptor, diff_id) as index:
            merged.stack(number, index)
    return merged


def _fix(target: Path, merged: View, trees: list[Path]) -> None:
    """Write the thin top layer: directories with their true metadata, files that a link across layers joins."""
    tree = OverlayTree(target, rights())
    try:
        for path in sorted(_with_parents(merged.restyled | merged.relinked)):
            found = merged.find(path)
            if found and found.entry.kind == "dir":
                tree.directory(found.entry)
        for names in _link_groups(merged).values():
            first = merged.find(names[0])
            if first is not None:
                _write_file(tree, first, trees)
                for name in names[1:]:
                    tree.hardlink(Entry(name, "hardlink", link=names[0]))
        tree.finish()
    finally:
        tree.close()


def _write_file(tree: OverlayTree, found: Found, trees: list[Path]) -> None:
    source = os.path.join(os.fsencode(trees[found.layer]), found.source)
    if found.entry.kind == "file":
        tree.file(found.entry, _File(source))
    elif found.entry.kind == "symlink":
        tree.symlink(found.entry)
    else:
        tree.special(found.entry)


class _File:
    """A file of a lower tree with the shape of a tar member's body."""

    map: Map | None = None

    def __init__(self, path: bytes) -> None:
        self._open = opener(path)

    def pieces(self) -> Iterator[tuple[int, memoryview]]:
        """``(offset, bytes)``."""
        offset = 0
        with os.fdopen(self._open(), "rb") as file:
            while data := file.read(1 << 20):
                yield offset, memoryview(data)
                offset += len(data)


def _link_groups(merged: View) -> dict[tuple[int, bytes], list[bytes]]:
    """The names of each file that a hard link across layers gave more than one."""
    wanted = {(found.layer, found.source) for path in merged.relinked if (found := merged.find(path))}
    groups: dict[tuple[int, bytes], list[bytes]] = {}
    for found in merged.walk() if wanted else ():
        key = (found.layer, found.source)
        if key in wanted and found.entry.kind != "dir":
            groups.setdefault(key, []).append(found.entry.path)
    return groups


def _with_parents(paths: set[bytes]) -> set[bytes]:
    every: set[bytes] = set()
    for path in paths:
        while path not in every:
            every.add(path)
            path = path.rpartition(b"/")[0]
    return every
