"""Several layers as one, and parts of an image as a layer: entries chosen from the view, contents from the trees.

What the layers above a boundary add up to is the difference of two views. Parents of what is in it are in it too, so
that the layer can be stacked without a look at the ones below.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence

import msgspec

from scow.image.layer import Layer
from scow.image.store import Store
from scow.layer import mountable
from scow.layer.entry import Entry
from scow.layer.pack import Item
from scow.layer.view import Found, View

Planned = tuple[Entry, Found | None]  # what to write, and where its content is
_Names = dict[tuple[int, bytes], bytes]  # layer and path of a content -> the name it has in the new image


def above(whole: View, base: View) -> list[Planned]:
    """What turns ``base`` into ``whole``, parents first; a whiteout before its siblings."""
    changed: set[bytes] = set()
    names: _Names = {}
    for found in whole.walk():
        if _same(found, base.find(found.entry.path)):
            names.setdefault((found.layer, found.source), found.entry.path)
        else:
            changed.add(found.entry.path)
    gone: dict[bytes, list[Entry]] = {}
    for found in base.walk():
        entry = found.entry
        parent = whole.find(entry.parent)
        if whole.find(entry.path) is None and parent is not None and parent.entry.kind == "dir":
            gone.setdefault(entry.parent, []).append(Entry(entry.path, "whiteout"))
    return list(_planned(whole, with_parents([*changed, *gone]), gone, changed, names))


def with_parents(paths: Iterable[bytes]) -> set[bytes]:
    """``paths`` and every directory on the way to them, but the root."""
    known: set[bytes] = set()
    for path in paths:
        while path and path not in known:
            known.add(path)
            path = path.rpartition(b"/")[0]
    return known


def chosen(view: View, paths: Container[bytes]) -> list[Planned]:
    """The entries of ``view`` at ``paths``, parents first; the root with its owner and mode."""
    return list(_planned(view, paths, {}, {b""}, {}))


def _planned(
    view: View, paths: Container[bytes], gone: dict[bytes, list[Entry]], root: Container[bytes], names: _Names
) -> Iterator[Planned]:
    """``names`` are the paths under which contents can be linked to already."""
    for found in view.walk():
        entry = found.entry
        if entry.path in (paths if entry.path else root) and found.layer >= 0:
            first = names.setdefault((found.layer, found.source), entry.path)
            linked = first != entry.path and entry.kind not in ("dir", "symlink")
            yield (_link(entry, first), None) if linked else (entry, found)
        for whiteout in gone.get(entry.path, ()):
            yield whiteout, None


def _link(entry: Entry, first: bytes) -> Entry:
    return Entry(entry.path, "hardlink", entry.mode, entry.uid, entry.gid, mtime=entry.mtime, link=first)


def _same(found: Found, other: Found | None) -> bool:
    """Whether the base has this already: the very same, or a file (or link) that is equal in all."""
    if other is None or found == other:
        return other is not None
    return _bare(found.entry) == _bare(other.entry) and found.source == found.entry.path


def _bare(entry: Entry) -> Entry:
    return msgspec.structs.replace(entry, offset=-1)


def items(planned: Iterable[Planned], layers: Sequence[Layer], store: Store) -> Iterator[Item]:
    """Entries with their contents, for packing."""

    def content(found: Found) -> Callable[[], int]:
        layer = layers[found.layer]
        return mountable.content(store.unpacking.tree(layer), found)

    for entry, found in planned:
        yield entry, content(found) if found is not None and entry.kind == "file" else b""
