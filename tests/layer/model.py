"""What a stack of layers means, written as simply as it can be said: the oracle for trees, views and mounts.

A layer's whiteouts hide what the layers below have, all of them before its own entries count. A name's parents are
followed through symlinks. A directory on a directory gives it its own attributes; anything else replaces.
"""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st
from tests.layer.tars import Item
from tests.support.trees import Record

from scow.layer.entry import Entry
from scow.layer.view import View


class Impossible(Exception):
    """The layer cannot be applied: a link to nothing, or a parent that is a file of the same layer."""


@dataclass(frozen=True, slots=True)
class Node:
    """What lies at a path. ``file`` is the same for hard links to one file."""

    kind: str
    mode: int
    uid: int
    mtime: int
    link: bytes = b""
    data: bytes = b""
    file: int = 0
    declared: bool = True
    xattrs: tuple[tuple[bytes, bytes], ...] = ()


State = dict[bytes, Node]


def up(path: bytes) -> bytes:
    return path.rpartition(b"/")[0]


def resolved(state: State, path: bytes) -> bytes:
    """``path`` with every symlink followed, the last one too."""
    todo, at, hops = path.split(b"/")[::-1], b"", 0
    while todo:
        name = todo.pop()
        if name in (b"", b"."):
            continue
        if name == b"..":
            at = up(at)
            continue
        here = at + b"/" + name if at else name
        node = state.get(here)
        if node and node.kind == "symlink":
            hops += 1
            if hops > 40:
                raise Impossible(path)
            todo += node.link.split(b"/")[::-1]
            at = b"" if node.link.startswith(b"/") else at
        else:
            at = here
    return at


def real(state: State, path: bytes) -> bytes:
    """``path`` with its parents' symlinks followed."""
    parent, slash, name = path.rpartition(b"/")
    at = resolved(state, parent) if slash else b""
    return at + b"/" + name if at else name


def drop(state: State, path: bytes) -> None:
    for known in [known for known in state if known == path or known.startswith(path + b"/")]:
        del state[known]


def stacked(below: State, layer: list[Item], first_file: int) -> State:
    """``below`` with one more layer. Raises :class:`Impossible`."""
    state, mine = dict(below), set[bytes]()
    for item in layer:
        if item.entry.kind in ("whiteout", "opaque"):
            _hide(state, item.entry, mine)
        elif item.entry.kind == "dir" and (old := state.get(item.entry.path)) and old.kind == "symlink":
            del state[item.entry.path]  # a marker after it stands in the new directory
    for number, item in enumerate(layer):
        if item.entry.kind not in ("whiteout", "opaque"):
            _add(state, item, first_file + number, mine)
    return state


def _hide(state: State, entry: Entry, mine: set[bytes]) -> None:
    """A marker is an entry too: the directory it stands in is there afterwards."""
    path = real(state, entry.path if entry.kind == "whiteout" else entry.path + b"/x")
    _make_parents(state, path, mine)
    inside = path if entry.kind == "whiteout" else up(path)
    for known in list(state):
        if known.startswith(inside + b"/") or inside == b"" or (known == path and entry.kind == "whiteout"):
            if known in mine:
                state[known] = Node("dir", 0o755, 0, 0, declared=False)
            else:
                del state[known]


def _make_parents(state: State, path: bytes, mine: set[bytes]) -> None:
    for at in _ancestors(path):
        node = state.get(at)
        if node is None or node.kind != "dir":
            if at in mine:
                raise Impossible(at)
            state[at] = Node("dir", 0o755, 0, 0, declared=False)
        mine.add(at)


def _add(state: State, item: Item, number: int, mine: set[bytes]) -> None:
    entry = item.entry
    path = real(state, entry.path)
    _make_parents(state, path, mine)
    old = state.get(path)
    node = Node(entry.kind, entry.mode, entry.uid, entry.mtime, entry.link, item.data, number, xattrs=entry.xattrs)
    if entry.kind == "hardlink":
        target = real(state, entry.link)
        if target not in state or state[target].kind == "dir" or (target + b"/").startswith(path + b"/"):
            raise Impossible(path)
        node = state[target]
    if old and not (old.kind == node.kind == "dir"):
        drop(state, path)
        mine -= {known for known in mine if known.startswith(path + b"/")}
    mine.add(path)
    state[path] = node


def _ancestors(path: bytes) -> list[bytes]:
    parts = path.split(b"/")[:-1]
    return [b"/".join(parts[: at + 1]) for at in range(len(parts))]


# -- the same state, seen in other places -----------------------------------------------------------------------------

Seen = dict[bytes, tuple[object, ...]]


def of_state(state: State) -> Seen:
    """The model's own state in the form that is compared."""
    return {path: _seen(node, _names(state, node)) for path, node in state.items()}


def _names(state: State, node: Node) -> tuple[bytes, ...]:
    if node.kind == "dir":
        return ()
    return tuple(sorted(path for path, other in state.items() if other.file == node.file and other.kind == node.kind))


def _seen(node: Node, names: tuple[bytes, ...]) -> tuple[object, ...]:
    mode = 0o777 if node.kind == "symlink" else node.mode
    mtime = node.mtime if node.declared else None
    return (node.kind, mode, node.uid, mtime, node.link, len(node.data), names, node.xattrs)


def of_view(view: View) -> Seen:
    """A :class:`View` in the same form."""
    found = {each.entry.path: each for each in view.walk() if each.entry.path}
    names: dict[tuple[int, bytes], list[bytes]] = {}
    for path, each in found.items():
        if each.entry.kind != "dir":
            names.setdefault((each.layer, each.source), []).append(path)
    return {
        path: (
            each.entry.kind, 0o777 if each.entry.kind == "symlink" else each.entry.mode, each.entry.uid,
            each.entry.mtime, each.entry.link, each.entry.size,
            tuple(sorted(names.get((each.layer, each.source), ()))), each.entry.xattrs,
        )
        for path, each in found.items()
    }  # fmt: skip


_KINDS = {"directory": "dir", "character": "char"}


def of_disk(tree: dict[bytes, Record]) -> Seen:
    """A directory (as :func:`tests.support.trees.snapshot_tree` tells it) in the same form."""
    return {
        path: (
            _KINDS.get(found.kind, found.kind), found.mode, found.uid, found.mtime_ns, found.target, found.size,
            found.links or (() if found.kind == "directory" else (path,)),
            tuple((name.encode(), value) for name, value in found.xattrs),
        )
        for path, found in tree.items()
        if path != b"."
    }  # fmt: skip


def differing(expected: Seen, found: Seen) -> list[str]:
    """One line for each path that is not as expected; a time of None (nobody said) matches any."""
    lines = []
    for path in sorted(expected.keys() | found.keys()):
        one, other = expected.get(path), found.get(path)
        if one is not None and other is not None and one[3] is None:
            other = (*other[:3], None, *other[4:])
        if one != other:
            lines.append(f"{path!r}: expected {one}, found {other}")
    return lines


# -- layers at random -------------------------------------------------------------------------------------------------

_NAMES = [b"a", b"b", b"c"]
_TARGETS = [b"a", b"b", b"../b", b"/a/b", b"c/a", b"..", b"/", b"nothing"]

paths = st.lists(st.sampled_from(_NAMES), min_size=1, max_size=3).map(b"/".join)


@st.composite
def entries(draw: st.DrawFn, symlinks: bool = True) -> Item:
    kinds = ["file", "file", "dir", "dir", "hardlink", "fifo", "whiteout", "opaque"] + ["symlink"] * symlinks
    kind = draw(st.sampled_from(kinds))
    path = draw(paths)
    if kind == "opaque":
        return Item(Entry(draw(st.sampled_from([path, path, path, b""])), "opaque"))
    if kind == "whiteout":
        return Item(Entry(path, "whiteout"))
    data = draw(st.sampled_from([b"", b"1", b"22"])) if kind == "file" else b""
    link = draw(st.sampled_from(_TARGETS)) if kind == "symlink" else b""
    if kind == "hardlink":
        link = draw(paths.filter(lambda other: other != path))
    mode = 0o777 if kind == "symlink" else draw(st.sampled_from([0o755, 0o644, 0o1777, 0o4750]))
    xattrs = ((b"user.a", data),) if kind in ("file", "dir") and draw(st.booleans()) else ()
    entry = Entry(path, kind, mode, draw(st.sampled_from([0, 7])), size=len(data), link=link, xattrs=xattrs,  # type: ignore[arg-type]
                  mtime=draw(st.integers(1, 9)) * 10**9)  # fmt: skip
    return Item(entry, data)


def hides(item: Item) -> bool:
    return item.entry.kind in ("whiteout", "opaque")


def _hiding_first(layer: list[Item]) -> list[Item]:
    return sorted(layer, key=lambda item: not hides(item))


#: Where no symlink stands in the way, whiteouts may stand anywhere; where some do, they come before what they spare.
straight = st.lists(st.lists(entries(symlinks=False), max_size=7), min_size=1, max_size=4)
crooked = st.lists(st.lists(entries(), max_size=7).map(_hiding_first), min_size=1, max_size=4)


def whole(layers: list[list[Item]]) -> list[State] | None:
    """The states that ``layers`` go through, or None when one of them cannot be applied."""
    states: list[State] = []
    below: State = {}
    for number, layer in enumerate(layers):
        try:
            below = stacked(below, layer, 1000 * (number + 1))
        except Impossible:
            return None
        states.append(below)
    return states
