"""Apply a changeset to a tree: judge each header, place it, hand it to the tree, write it into the index."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from scow.layer.entry import Entry
from scow.layer.index import Writer
from scow.layer.placement import Lower, Placement, nothing_below
from scow.layer.tar import Reader, members
from scow.layer.tree import Tree


def apply(reader: Reader, tree: Tree, index: Writer, lower: Lower = nothing_below) -> bool:
    """Read an uncompressed tar to its end into ``tree`` and ``index``.

    ``lower`` is what lies below when layers are applied one after another. Returns whether the layer is *plain*: it can
    be stacked without a look at the layers below. Raises :class:`~scow.errors.Invalid`, :class:`~scow.errors.Limit`,
    or ``OSError`` of the disk.
    """
    placement = Placement(lower)
    for raw, body in members(reader):
        entry = placement.place(raw)
        if entry.kind == "file":
            entry = msgspec.structs.replace(entry, digest=tree.file(entry, body))
        else:
            _ACTIONS[entry.kind](tree, entry, placement)
        index.add(entry)
    tree.finish()
    return placement.plain


_Action = Callable[[Tree, Entry, Placement], None]
_ACTIONS: Final[dict[str, _Action]] = {
    "dir": lambda tree, entry, _: tree.directory(entry),
    "symlink": lambda tree, entry, _: tree.symlink(entry),
    "hardlink": lambda tree, entry, _: tree.hardlink(entry),
    "char": lambda tree, entry, _: tree.special(entry),
    "block": lambda tree, entry, _: tree.special(entry),
    "fifo": lambda tree, entry, _: tree.special(entry),
    "whiteout": lambda tree, entry, placement: tree.whiteout(entry.path, placement.brought),
    "opaque": lambda tree, entry, placement: tree.opaque(entry.path, placement.brought),
}
