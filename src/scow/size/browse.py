"""All layers of an image as one tree to walk through: what is at a path after any layer, and what that layer did to it.

The tree is made once, from the layers' entries. Afterwards a question costs what it asks about (a row, a directory),
however large the image is, and going from layer to layer costs nothing. Pure.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from scow.errors import Invalid
from scow.layer.entry import Entry
from scow.layer.follow import follow

Mark = Literal["", "added", "changed", "removed", "within"]


class Node:
    """One path. ``events`` are (layer, entry there from now on, or ``None`` for gone), lowest layer first."""

    __slots__ = ("children", "deltas", "events", "name", "parent", "touched")

    def __init__(self, name: bytes, parent: Node | None) -> None:
        self.name, self.parent = name, parent
        self.events: list[tuple[int, Entry | None]] = []
        self.children: dict[bytes, Node] = {}
        self.deltas: dict[int, int] = {}
        self.touched = 0  # a bit for each layer that changes something here or below

    @property
    def path(self) -> bytes:
        """From the root, which is ``b""``."""
        parts: list[bytes] = []
        at: Node | None = self
        while at is not None and at.parent is not None:
            parts.append(at.name)
            at = at.parent
        return b"/".join(reversed(parts))

    def event(self, layer: int) -> tuple[int, Entry | None] | None:
        """The last thing that happened up to ``layer``."""
        for event in reversed(self.events):
            if event[0] <= layer:
                return event
        return None

    def at(self, layer: int) -> Entry | None:
        """What is there after ``layer``."""
        event = self.event(layer)
        return event[1] if event else None

    def size(self, layer: int) -> int:
        """Bytes of content here and below after ``layer``."""
        return sum(delta for at, delta in self.deltas.items() if at <= layer)

    def mark(self, layer: int) -> Mark:
        """What ``layer`` did here; ``within`` a directory when it only did something below."""
        now, before = self.at(layer), self.at(layer - 1)
        if now is None:
            return "removed" if before is not None else ""
        if before is None:
            return "added"
        if now is not before and (now.kind != "dir" or _restyled(now, before)):
            return "changed"
        return "within" if self.touched >> layer & 1 else ""

    def shown(self, layer: int, *, changes: bool = False) -> list[Node]:
        """The children there are after ``layer``, and those it removed; with ``changes``, those it did something to."""
        return [
            child
            for child in self.children.values()
            if (child.at(layer) is not None or child.at(layer - 1) is not None)
            and (not changes or child.touched >> layer & 1)
        ]


def _restyled(now: Entry, before: Entry) -> bool:
    """Whether a directory became another one; its time alone does not count."""
    return (now.kind, now.mode, now.uid, now.gid, now.xattrs) != (
        before.kind,
        before.mode,
        before.uid,
        before.gid,
        before.xattrs,
    )


class Tree:
    """The tree of several layers' entries, lowest first."""

    def __init__(self, layers: Iterable[Sequence[Entry]]) -> None:
        self.root = Node(b"", None)
        self.root.events.append((0, Entry(b"", "dir", 0o755)))
        self._nodes: list[Node] = [self.root]  # parents before children
        for number, entries in enumerate(layers):
            self._add(number, entries)
        self._add_up()

    def find(self, path: bytes) -> Node | None:
        """The node at ``path``, whatever became of it."""
        at: Node | None = self.root
        for name in path.split(b"/") if path else ():
            at = at.children.get(name) if at else None
        return at

    def __len__(self) -> int:
        return len(self._nodes)

    def __iter__(self) -> Iterator[Node]:
        return iter(self._nodes)

    def _add(self, number: int, entries: Sequence[Entry]) -> None:
        hidden = [entry for entry in entries if entry.kind in ("whiteout", "opaque")]
        parents: dict[bytes, Node] = {b"": self.root}
        for entry in hidden:
            node = self.find(entry.path)
            for gone in [node] if node and entry.kind == "whiteout" else [*node.children.values()] if node else []:
                self._end(gone, number)
        for entry in entries:
            if entry.kind not in ("whiteout", "opaque") and entry.path:
                parent, _, name = entry.path.rpartition(b"/")
                above = parents.get(parent) or self._directory(number, parent, parents)
                self._put(number, above, name, entry)

    def _directory(self, number: int, path: bytes, parents: dict[bytes, Node]) -> Node:
        """The directory at ``path`` as this layer means it, through links of the layers below; made where it lacks."""
        missing: list[bytes] = []
        while path not in parents:
            missing.append(path)
            path = path.rpartition(b"/")[0]
        at = parents[path]
        for path in reversed(missing):
            at = parents[path] = self._step(number, at, path.rpartition(b"/")[2])
        return at

    def _step(self, number: int, at: Node, name: bytes) -> Node:
        child = at.children.get(name)
        entry = child.at(number) if child else None
        if child is not None and entry is not None and entry.kind == "dir":
            return child
        if child is not None and entry is not None and entry.kind == "symlink":
            with contextlib.suppress(Invalid):  # a loop leads nowhere
                return self._directory(number, follow(child.path, self._link), {b"": self.root})
        return self._put(number, at, name, Entry(b"", "dir", 0o755))

    def _link(self, path: bytes) -> bytes | None:
        node = self.find(path)
        entry = node.events[-1][1] if node and node.events else None
        return entry.link if entry and entry.kind == "symlink" else None

    def _put(self, number: int, parent: Node, name: bytes, entry: Entry) -> Node:
        node = parent.children.get(name)
        if node is None:
            node = parent.children[name] = Node(name, parent)
            self._nodes.append(node)
        old = node.events[-1][1] if node.events else None
        if old is not None and old.kind == "dir" and entry.kind != "dir":
            self._end(node, number)
        size = (entry.size if entry.kind == "file" else 0) - (old.size if old and old.kind == "file" else 0)
        if size:
            node.deltas[number] = node.deltas.get(number, 0) + size
        _happened(node, number, entry)
        return node

    def _end(self, node: Node, number: int) -> None:
        todo = [node]
        while todo:
            at = todo.pop()
            entry = at.events[-1][1] if at.events else None
            if entry is not None:
                if entry.kind == "file" and entry.size:
                    at.deltas[number] = at.deltas.get(number, 0) - entry.size
                _happened(at, number, None)
            todo += at.children.values()

    def _add_up(self) -> None:
        """Directories hold the sums, and remember the layers, of what is in them: children come after parents."""
        for node in reversed(self._nodes):
            parent = node.parent
            if parent is None:
                continue
            parent.touched |= node.touched
            for layer, delta in node.deltas.items():
                parent.deltas[layer] = parent.deltas.get(layer, 0) + delta


def _happened(node: Node, number: int, entry: Entry | None) -> None:
    """Note an event; of several in one layer the last counts. A directory that is told again as it was is no event."""
    if node.events and node.events[-1][0] == number:
        node.events.pop()
    old = node.events[-1][1] if node.events else None
    if entry is not None and old is not None and entry.kind == old.kind == "dir" and not _restyled(entry, old):
        return
    if entry is not None or old is not None:
        node.events.append((number, entry))
        node.touched |= 1 << number


class Row:
    """A line of the list: a node, and how deep it lies."""

    __slots__ = ("depth", "node")

    def __init__(self, node: Node, depth: int) -> None:
        self.node, self.depth = node, depth


class Listing:
    """What of a tree is unfolded, after which layer, in which order: the rows that a list shows."""

    def __init__(self, tree: Tree, layer: int) -> None:
        self.tree, self.layer = tree, layer
        self.open: set[Node] = {tree.root}
        self.by_size = True
        self.changes = False
        self._wanted: set[Node] | None = None
        self.rows: list[Row] = []
        self.refresh()

    def refresh(self) -> None:
        """Make the rows anew: costs the unfolded directories' children."""
        rows: list[Row] = []
        todo = [Row(child, 0) for child in reversed(self._ordered(self.tree.root))]
        while todo:
            row = todo.pop()
            rows.append(row)
            if row.node in self.open:
                todo += [Row(child, row.depth + 1) for child in reversed(self._ordered(row.node))]
        self.rows = rows

    def _ordered(self, node: Node) -> list[Node]:
        shown = node.shown(self.layer, changes=self.changes)
        if self._wanted is not None:
            shown = [child for child in shown if child in self._wanted]
        if self.by_size:
            return sorted(shown, key=lambda child: (-child.size(self.layer), child.name))
        return sorted(shown, key=lambda child: child.name)

    def filter(self, text: bytes) -> int:
        """Show only paths with ``text`` in a name, and the way to them; nothing for all. Returns how many fit."""
        self._wanted = None
        count = 0
        if text:
            self._wanted = set()
            for node in self.tree:
                if text in node.name:
                    count += 1
                    self._want(node)
        self.refresh()
        return count

    def _want(self, node: Node) -> None:
        assert self._wanted is not None  # noqa: S101 - the caller has just made it
        at: Node | None = node
        while at is not None and at not in self._wanted:
            self._wanted.add(at)
            if at is not node:
                self.open.add(at)
            at = at.parent

    def toggle(self, row: int, *, unfold: bool | None = None) -> None:
        """Unfold a directory, or fold it."""
        node = self.rows[row].node
        unfold = node not in self.open if unfold is None else unfold
        if unfold and node.children:
            self.open.add(node)
        else:
            self.open.discard(node)
        self.refresh()

    def reveal(self, node: Node) -> int:
        """Unfold everything on the way to ``node``, and drop the filter if it hides it; returns its row."""
        if self._wanted is not None and node not in self._wanted:
            self._wanted = None
        at = node.parent
        while at is not None:
            self.open.add(at)
            at = at.parent
        self.refresh()
        return next((at for at, row in enumerate(self.rows) if row.node is node), 0)
