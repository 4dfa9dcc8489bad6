"""The merged view of stacked layers, from their indexes alone (image-spec layer.md, "Applying Changesets"). Pure.

Within a layer, whiteouts hide what the layers *below* have, never what the same layer brings, in whatever order they
stand in the tar.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

import msgspec

from scow.errors import Invalid
from scow.layer.entry import Entry
from scow.layer.follow import follow


class Found(msgspec.Struct, frozen=True, gc=False):
    """A path of the view: ``entry`` describes it, ``layer`` (0 is the lowest) holds its content at ``source``.

    ``source`` differs from ``entry.path`` for a hard link: it is the path, in that layer, of the file linked to.
    """

    entry: Entry
    layer: int
    source: bytes


class View:
    """Paths → what is there, after all layers. Directories nobody declared (implicit parents) are there too."""

    def __init__(self) -> None:
        self._found: dict[bytes, Found] = {b"": Found(Entry(b"", "dir", 0o755), -1, b"")}
        #: What is right below a directory that is not empty: made when it is first asked for, which it seldom is.
        self._children: dict[bytes, set[bytes]] | None = None
        #: Directories that the layer being stacked has, or leans on.
        self._brought: set[bytes] = set()
        #: Implicit directories of the topmost layer that named something below them: overlayfs shows these wrongly.
        self.restyled: set[bytes] = set()
        #: Hard links into a lower layer, and paths that a lower layer's symlink or file stands in the way of.
        self.relinked: set[bytes] = set()
        self.conflicts: set[bytes] = set()

    def stack(self, layer: int, entries: Iterable[Entry]) -> None:
        """Put one more layer on top. Raises :class:`Invalid` for a hard link to nothing."""
        additions: list[Entry] = []
        for entry in entries:
            if entry.kind in ("whiteout", "opaque"):
                self._hide(layer, entry)
                continue
            additions.append(entry)
            if entry.kind == "dir" and self._link_at(entry.path) is not None:
                self._remove(entry.path)  # at once: a marker that follows stands in the new directory
        for entry in additions:
            self._add(layer, entry)
        self._brought.clear()

    def find(self, path: bytes) -> Found | None:
        """What lies at ``path``; its parents are not followed (see :meth:`resolve`)."""
        return self._found.get(path)

    def children(self, path: bytes) -> list[bytes]:
        """The paths right below a directory, sorted."""
        return sorted(self._below(path))

    def walk(self, path: bytes = b"") -> Iterator[Found]:
        """``path`` and everything below it, parents first, sorted."""
        todo = [path] if path in self._found else []
        while todo:
            at = todo.pop()
            yield self._found[at]
            todo += sorted(self._below(at), reverse=True)

    def resolve(self, path: bytes, *, last: bool = True) -> bytes:
        """``path`` with symlinks followed beneath the root; components that are not there are kept.

        ``last`` says whether the final one is followed too. Raises :class:`Invalid` for a loop.
        """
        return follow(path, self._link_at, last=last)

    def _link_at(self, path: bytes) -> bytes | None:
        found = self._found.get(path)
        return found.entry.link if found and found.entry.kind == "symlink" else None

    def __len__(self) -> int:
        return len(self._found)

    def __iter__(self) -> Iterator[bytes]:
        """Every path, in no order."""
        return iter(self._found)

    def _hide(self, layer: int, entry: Entry) -> None:
        """A whiteout or an opaque directory: of what is there now, the layers below."""
        inner = (entry.path + b"/x").lstrip(b"/") if entry.kind == "opaque" else entry.path
        path = self._beneath_links(inner)
        self._parents(layer, path)
        todo = [path] if entry.kind == "whiteout" else list(self._below(path.rpartition(b"/")[0]))
        while todo:
            path = todo.pop()
            if path not in self._brought:
                self._remove(path)
                continue
            todo += self._below(path)
            self._found[path] = Found(Entry(path, "dir", 0o755), layer, path)
            self.restyled.discard(path)

    def _beneath_links(self, path: bytes) -> bytes:
        """``path`` where it really lies: a lower layer's symlink may stand for its parent."""
        parent, _, name = path.rpartition(b"/")
        if parent in self._brought:
            return path
        real = self.resolve(parent)
        if real == parent:
            return path
        self.conflicts.add(parent)
        return real + b"/" + name if real else name

    def _add(self, layer: int, entry: Entry) -> None:
        path, source = self._beneath_links(entry.path), entry.path
        found = self._target(entry) if entry.kind == "hardlink" else None
        self._parents(layer, path)
        old = self._found.get(path)
        if old and old.entry.kind == "dir" and entry.kind != "dir":
            self._remove(path)
        self.relinked.discard(path)
        if found:
            if found.layer != layer:
                self.relinked.add(path)
            entry, layer, source = found.entry, found.layer, found.source
        if path != entry.path:
            entry = msgspec.structs.replace(entry, path=path)
        self._put(path, Found(entry, layer, source))
        if entry.kind == "dir":
            self.restyled.discard(path)
            self._brought.add(path)

    def _put(self, path: bytes, found: Found) -> None:
        self._found[path] = found
        if self._children is not None and path:
            self._children.setdefault(path.rpartition(b"/")[0], set()).add(path)

    def _below(self, path: bytes) -> Collection[bytes]:
        """The paths right below a directory."""
        if self._children is None:
            children: dict[bytes, set[bytes]] = {}
            for one in self._found:
                if one:
                    children.setdefault(one.rpartition(b"/")[0], set()).add(one)
            self._children = children  # whole at once: threads share a view that is done
        return self._children.get(path, ())

    def _target(self, entry: Entry) -> Found:
        """What a hard link means. Raises :class:`Invalid` where that is nothing that can be linked."""
        found = self._found.get(self._beneath_links(entry.link))
        if found is None or found.entry.kind == "dir":
            raise Invalid("hard link to a file that is not there", subject=entry.text)
        return found

    def _parents(self, layer: int, path: bytes) -> None:
        """Make implicit parents, or note that existing ones are leant on."""
        parent = path.rpartition(b"/")[0] if path else b""
        missing: list[bytes] = []
        while parent not in self._brought:
            found = self._found.get(parent)
            if found is None:
                missing.append(parent)
            elif found.entry.kind != "dir":
                self.conflicts.add(parent)
                self._remove(parent)
                missing.append(parent)
            elif found.layer != layer:
                self.restyled.add(parent)
            self._brought.add(parent)
            if not parent:
                break
            parent = parent.rpartition(b"/")[0]
        for made in reversed(missing):
            self._put(made, Found(Entry(made, "dir", 0o755), layer, made))

    def _remove(self, path: bytes) -> None:
        todo = [path] if path else []
        while todo:
            at = todo.pop()
            found = self._found.pop(at, None)
            self._brought.discard(at)
            self.restyled.discard(at)
            self.relinked.discard(at)
            if found and found.entry.kind == "dir":
                todo += self._below(at)
            if self._children is not None:
                self._children.pop(at, None)
        if path and self._children is not None:
            self._children.get(path.rpartition(b"/")[0], set()).discard(path)
