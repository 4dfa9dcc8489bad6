"""Apply a changeset to a tree: judge each header, place it, hand it to the tree, write it into the index."""

from __future__ import annotations

from typing import Final

import msgspec

from scow.layer.entry import Kind
from scow.layer.index import Writer
from scow.layer.placement import Placement
from scow.layer.stream import Reader
from scow.layer.tar import members
from scow.layer.tree import Tree


def apply(reader: Reader, tree: Tree, index: Writer) -> bool:
    """Read an uncompressed tar to its end into ``tree`` and ``index``.

    Returns whether the layer is *plain*: it can be stacked without a look at the layers below. Raises
    :class:`~scow.errors.Invalid`, :class:`~scow.errors.Limit`, or ``OSError`` of the disk.
    """
    placement = Placement()
    actions = {kind: getattr(tree, name) for kind, name in METHODS.items()}
    for raw, body in members(reader):
        entry = placement.place(raw)
        if entry.kind == "file":
            digest = tree.file(entry, body)
            entry = msgspec.structs.replace(entry, digest=digest) if digest else entry
        else:
            actions[entry.kind](entry)
        index.add(entry)
    tree.finish()
    return placement.plain


#: What a tree is to do with an entry that has no content.
METHODS: Final[dict[Kind, str]] = {
    "dir": "directory",
    "symlink": "symlink",
    "hardlink": "hardlink",
    "char": "special",
    "block": "special",
    "fifo": "special",
    "whiteout": "whiteout",
    "opaque": "opaque",
}
