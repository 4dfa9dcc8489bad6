"""An image's root file system: which trees to stack, and what stacking alone would get wrong.

Layers are unpacked apart from each other, so three things need the view of all of them:

* a layer that names something below a directory without naming the directory must show the *lower* layer's owner and
  mode for it, and a hard link may point into a lower layer: a thin *fix* tree on top has both right;
* a lower layer's symlink may stand for a directory that a higher layer writes through: such images get one *flat* tree,
  the view written out (machines without overlayfs get a copy of it for each container: :mod:`scow.image.writable`).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from scow.image.layer import Layer
from scow.image.store import Store
from scow.layer.entry import Entry
from scow.layer.rights import is_opaque, rights
from scow.layer.view import View
from scow.oci.digest import ChainId, chain_id

#: Stands for "no layers" where a chain_id names a directory.
_NOTHING = ChainId.of(b"")
#: Places to mount on.
_MOUNT_POINTS = (
    *(Entry(path, "dir", 0o755) for path in (b"dev", b"proc", b"sys")),
    *(Entry(path, "file", 0o644) for path in (b"etc/hosts", b"etc/resolv.conf")),
)
#: What is there whatever the image, by the kind of the tree that has it. A container has the file by which programs
#: know one, and the name by which old ones look for what is mounted, too; a step of a build has not.
PLACES: Final[Mapping[str, tuple[Entry, ...]]] = {
    "step": _MOUNT_POINTS,
    "places": (
        *_MOUNT_POINTS,
        Entry(b".dockerenv", "file", 0o755),
        Entry(b"etc/hostname", "file", 0o644),
        Entry(b"etc/mtab", "symlink", 0o777, link=b"/proc/mounts"),
    ),
}


def view(layers: Sequence[Layer], store: Store) -> View:
    """The merged view of the layers, from their indexes."""
    merged = View()
    for number, layer in enumerate(layers):
        with store.unpacking.index(layer) as index:
            merged.stack(number, index)
    return merged


def root_entry(layers: Sequence[Layer], store: Store) -> Entry:
    """Owner, mode and time of the root directory: the topmost layer's that says."""
    root = Entry(b"", "dir", 0o755)
    for layer in layers:
        root = store.unpacking.header(layer).root or root
    return root


def stack(layers: Sequence[Layer], store: Store) -> tuple[Path, ...]:
    """The trees whose overlay is the root file system, topmost first; unpacked when they are not yet."""
    if not layers:
        return (_snapshot(layers, store, "flat", lambda path: None),)
    trees = [store.unpacking.tree(layer) for layer in layers]
    headers = [store.unpacking.header(layer) for layer in layers]
    if all(header.plain for header in headers[1:]):
        return _stackable(trees)
    merged = view(layers, store)
    if merged.conflicts:
        return (flat(layers, store),)
    if merged.restyled or merged.relinked:
        fix = _snapshot(layers, store, "fix", lambda path: _fix(path, merged, trees))
        return (fix, *_stackable(trees))
    return _stackable(trees)


def _stackable(trees: Sequence[Path]) -> tuple[Path, ...]:
    """Topmost first: each once, as overlayfs refuses one twice, and none below a root that hides what lies below it."""
    kept: dict[Path, None] = {}
    for tree in reversed(trees):
        kept[tree] = None
        if is_opaque(tree):
            break
    return tuple(kept)


def with_mount_points(lower: tuple[Path, ...], layers: Sequence[Layer], store: Store, kind: str) -> tuple[Path, ...]:
    """``lower`` with a thin tree on top that has :data:`PLACES` of the ``kind``, where the image lacks them.

    So starting a process leaves no empty ``/etc/hosts`` or ``/proc`` behind in the layer that is written.
    """
    known = View()
    for number, layer in enumerate(layers):
        known.stack(number, store.unpacking.header(layer).landmarks)
    missing = [point for point in PLACES[kind] if known.find(point.path) is None and _holds(known, point.parent)]
    if not missing:
        return lower

    def make(target: Path) -> None:
        from scow.layer.checkout import put
        from scow.layer.tree import OverlayTree

        with contextlib.closing(OverlayTree(target, rights())) as tree:
            for point in missing:
                if point.parent:
                    found = known.find(point.parent)
                    tree.directory(found.entry if found else Entry(point.parent, "dir", 0o755))
                put(tree, point)
            tree.finish()

    return (_snapshot(layers, store, kind, make), *lower)


def _holds(known: View, directory: bytes) -> bool:
    """Whether something can be put there: it is a directory, or nothing yet."""
    found = known.find(directory)
    return found is None or found.entry.kind == "dir"


def style(upper: Path, root: Entry) -> None:
    """Let the writable directory look as the image's root does: it is the topmost, so it is what shows."""
    os.chmod(upper, root.mode)
    fd = os.open(upper, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        rights().own(fd, root)
    finally:
        os.close(fd)


def flat(layers: Sequence[Layer], store: Store) -> Path:
    """The root file system as one tree."""
    return _snapshot(layers, store, "flat", lambda path: write(layers, store, path))


def _snapshot(layers: Sequence[Layer], store: Store, kind: str, make: Callable[[Path], None]) -> Path:
    """The tree of that kind, held: what a build stacks is no image's yet, and no collection may take it."""
    chain = chain_id(layer.diff_id for layer in layers) or _NOTHING
    store.layout.hold(chain)
    return store.snapshots.tree(chain, kind, make)


def write(layers: Sequence[Layer], store: Store, target: Path) -> None:
    """Write the root file system to ``target``, an empty directory."""
    from scow.layer.checkout import checkout

    trees = [store.unpacking.tree(layer) for layer in layers]
    checkout(view(layers, store).walk(), trees, target)


def _fix(target: Path, merged: View, trees: list[Path]) -> None:
    """Write the thin top layer: directories with their true metadata, files that a link across layers joins."""
    from scow.image.merge import with_parents
    from scow.layer.checkout import checkout

    wanted = {b"", *with_parents(merged.restyled.union(*_link_groups(merged).values()))}
    checkout((found for path in sorted(wanted) if (found := merged.find(path))), trees, target)


def _link_groups(merged: View) -> dict[tuple[int, bytes], list[bytes]]:
    """The names of each file that a hard link across layers gave more than one."""
    wanted = {(found.layer, found.source) for path in merged.relinked if (found := merged.find(path))}
    groups: dict[tuple[int, bytes], list[bytes]] = {}
    for found in merged.walk() if wanted else ():
        key = (found.layer, found.source)
        if key in wanted and found.entry.kind != "dir":
            groups.setdefault(key, []).append(found.entry.path)
    return groups
