"""Apply a changeset to a tree: judge each header, place it, hand it to the tree, write it into the index."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from scow.layer.entry import Entry
from scow.layer.index import Writer
from scow.layer.placement import Placement
from scow.layer.tar import Reader, members
from scow.layer.tree import Tree


def apply(reader: Reader, tree: Tree, index: Writer) -> bool:
    """Read an uncompressed tar to its end into ``tree`` and ``index``.

    Returns whether the layer is *plain*: it can be stacked without a look at the layers below. Raises
    :class:`~scow.errors.Invalid`, :class:`~scow.errors.Limit`, or ``OSError`` of the disk.
    """
    placement = Placement()
    for raw, body in members(reader):
        entry = placement.place(raw)
        if entry.kind == "file":
            digest = tree.file(entry, body)
            entry = msgspec.structs.replace(entry, digest=digest) if digest else entry
        else:
            _ACTIONS[entry.kind](tree, entry)
        index.add(entry)
    tree.finish()
    return placement.plain


_ACTIONS: Final[dict[str, Callable[[Tree, Entry], None]]] = {
    "dir": lambda tree, entry: tree.directory(entry),
    "symlink": lambda tree, entry: tree.symlink(entry),
    "hardlink": lambda tree, entry: tree.hardlink(entry),
    "char": lambda tree, entry: tree.special(entry),
    "block": lambda tree, entry: tree.special(entry),
    "fifo": lambda tree, entry: tree.special(entry),
    "whiteout": lambda tree, entry: tree.whiteout(entry.path),
    "opaque": lambda tree, entry: tree.opaque(entry.path),
}
