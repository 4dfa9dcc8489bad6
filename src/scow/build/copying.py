"""COPY and ADD: which source goes where, decided over listings; nothing is read or written here but archives' heads.

Sources are resolved to a list of entries at their destinations; one executor turns that list into a layer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from scow.build.listing import Listing, real_path
from scow.build.matching import flat_before_pivot, is_wild, matches, pivot, text
from scow.build.modes import chmod
from scow.build.ops import CopyOp, key
from scow.build.parents import Parents
from scow.build.placed import Placed
from scow.dockerfile.ignore import Patterns
from scow.errors import Invalid, NotFound
from scow.layer.entry import Entry, clean
from scow.layer.view import View

if TYPE_CHECKING:
    from scow.layer.pack import Content, Item

    #: Members of an archive, or ``None`` when the file is not one.
    Unpack = Callable[[Content], Iterator[Item] | None]

_SHA256: Final = 32
_SLASH: Final = b"/"[0]


class Copying(msgspec.Struct, dict=True):
    """One COPY being resolved over ``view``, the file system it writes to. ``time`` (ns) is what everything copied
    gets; ``owner`` what new directories get, and with ``--chown`` everything: else files of a stage or an image keep
    theirs. ``files`` are those of the listing: where each goes, what it is, its content."""

    op: CopyOp
    listing: Listing
    view: View
    owner: tuple[int, int]
    time: int
    unpack: Unpack
    parts: list[str | bytes] = []
    files: list[tuple[bytes, Entry, Content]] = []
    _linked: dict[object, bytes] = {}

    @cached_property
    def placed(self) -> Placed:
        """What lies where by now."""
        return Placed(self.view)

    @cached_property
    def _parents(self) -> Parents:
        return Parents(self.placed.items, self.view, self.owner, self.time, named=bool(self.op.chown))

    def resolve(self) -> str:
        """Fill ``placed`` (with parents); returns a key of all that is copied but the contents of files."""
        excluded = Patterns.parse("\n".join(self.op.exclude)) if self.op.exclude else None
        for pattern in self.op.sources:
            if self.op.parents:
                self._copy_with_parents(pattern, excluded)
                continue
            for path in matches(self.listing, pattern, follow=True):
                self._linked.clear()  # each match by itself: only names that came together stay one file
                self._copy(path, excluded)
        for name, content in self.op.files:
            self._place_file(Entry(name.encode(), "file", 0o644, size=len(content)), content, name.encode())
        moved = self.placed.put_files_before_links()
        files = ((moved.get(path, path), entry, content) for path, entry, content in self.files)
        self.files = [file for file in files if file[0] in self.placed.items]
        self._parents.add()
        return key("copy", [f"{self.owner[0]}:{self.owner[1]}", self.op.chmod, *self.parts])

    def contents(self) -> str:
        """A key of the contents of ``files``."""
        return key("contents", (self.listing.digest(entry) for _, entry, _ in self.files))

    def learn(self, layer: Iterable[Entry]) -> None:
        """Tell the listing what ``layer``, made of these items, says of the contents."""
        digests = {entry.path: entry.digest for entry in layer if entry.kind == "file"}
        for path, entry, content in self.files:
            if self.placed.items[path][1] is content and path in digests:  # nothing else came to lie there
                self.listing.learn(entry, digests[path])

    def items(self, *, digests: bool = False) -> Iterator[Item]:
        """The layer's entries, parents first; with the ``digests`` of files, when somebody asks for them."""
        placed = self.placed.items
        if digests:
            for path, entry, content in self.files:
                lies, of = placed[path]
                digest = self.listing.digest(entry) if of is content else b""
                if len(digest) == _SHA256:  # a sparse file's says where it lies
                    placed[path] = (replace(lies, digest=digest), content)
        for path in sorted(placed):
            yield placed[path]

    # -- sources ----------------------------------------------------------------------------------------------------

    def _copy(self, path: bytes, excluded: Patterns | None) -> None:
        real = real_path(self.listing, path)
        entry = self.listing.find(real)
        if entry is None:
            raise NotFound(f'"/{text(path)}": not found')
        if entry.kind == "dir":
            self._copy_below(real, len(real) + 1 if real else 0, excluded)
        elif not (excluded and excluded.ignores(text(path.rpartition(b"/")[2]))):
            self._place_found(entry, path.rpartition(b"/")[2])

    def _copy_with_parents(self, pattern: str, excluded: Patterns | None) -> None:
        """What the pattern names with the directories above it, from its ``/./`` on; links are not followed."""
        self._linked.clear()
        target, above = self._target_directory(), pivot(pattern)
        for path in matches(self.listing, flat_before_pivot(pattern), follow=False):
            skip = len(b"/".join(path.split(b"/")[:above])) + 1 if above else 0
            way, last = self._way(path, above, skip), path[skip:]
            if last in way and not (excluded and excluded.ignores(text(last))):
                self._put_below(way, target, last, way.pop(last))
            found = self.listing.find(path)
            if found and found.kind == "dir":
                self._copy_below(path, skip, excluded, way)
            if last in way and not is_wild(pattern):
                raise NotFound(f'"/{text(path)}": not found', hint="it is excluded")

    def _way(self, path: bytes, above: int, skip: int) -> dict[bytes, Entry]:
        """What is above ``path`` and itself, but not the first ``above`` components, each without ``skip`` bytes."""
        way: dict[bytes, Entry] = {}
        parts = path.split(b"/")
        for count in range(above + 1, len(parts) + 1):
            here = b"/".join(parts[:count])
            entry = self.listing.find(here)
            if entry is None or (entry.kind != "dir" and count < len(parts)):
                raise NotFound(f'"/{text(path)}": not found', hint="--parents follows no links")
            way[here[skip:]] = entry
        return way

    def _put_below(self, way: dict[bytes, Entry], target: bytes, relative: bytes, entry: Entry) -> None:
        """Place ``entry``, and those directories of ``way`` that it lies in: one that is there gets the mode alone."""
        for above in [relative[:end] for end, byte in enumerate(relative) if byte == _SLASH] if way else ():
            if above in way:
                place, found = _at(target, above), way.pop(above)
                lies = self.placed.lies(place)
                if lies and lies.kind == "dir":  # no owner, nothing of the flags
                    self.parts.append(_described(place, found))
                    self.placed.put(replace(lies, mode=found.mode, mtime=self.time), b"")
                else:
                    self._put(place, found)
        self._put(_at(target, relative), entry)

    def _copy_below(
        self, root: bytes, skip: int, excluded: Patterns | None, way: dict[bytes, Entry] | None = None
    ) -> None:
        """What lies below ``root``, but not that, each under its path without the first ``skip`` bytes.

        A directory that is there keeps its own mode. One that is excluded comes with what in it is not, as do those of
        ``way`` that are above it.
        """
        target = self._target_directory()
        hidden: dict[bytes, Entry] = {} if way is None else way
        todo = self.listing.children(root)[::-1]
        while todo:
            path = todo.pop()
            relative = path[skip:]
            ignored = excluded is not None and excluded.ignores(text(relative))
            if ignored and excluded and not excluded.may_hold_exception(text(relative)):
                continue
            entry = self.listing.find(path)
            if entry is None:
                continue
            if entry.kind == "dir":
                todo += self.listing.children(path)[::-1]
            if ignored:
                hidden[relative] = entry
                continue
            self._put_below(hidden, target, relative, entry)

    # -- destinations -----------------------------------------------------------------------------------------------

    def _target_directory(self) -> bytes:
        """The target as a directory, made when it is missing."""
        target = self.view.resolve(clean(self.op.target.encode()))
        found = self.placed.lies(target)
        if found and found.kind != "dir":
            raise Invalid(f"cannot copy to non-directory: /{text(target)}")
        if target and not found:
            self.parts += ["made", target]
            self._parents.make(target)
        return target

    def _place_found(self, entry: Entry, name: bytes) -> None:
        members = self.unpack(self.listing.content(entry)) if self.op.unpack and entry.kind == "file" else None
        if members is None:
            self._put(self._file_target(name), entry)
            return
        target = self._target_directory()
        self.parts += ["unpacked", self.listing.digest(entry), target]
        from scow.build import archive

        archive.place(members, target, self.placed, self._parents, self.owner if self.op.chown else None)

    def _place_file(self, entry: Entry, content: bytes, name: bytes) -> None:
        path = self._file_target(name)
        self.parts += ["text", path, content]
        self._note(entry, path, content)

    def _file_target(self, name: bytes) -> bytes:
        path = self.view.resolve(clean(self.op.target.encode()))
        found = self.placed.lies(path)
        if self.op.target.endswith("/") or not path or (found and found.kind == "dir"):
            if found and found.kind != "dir":
                raise Invalid(f"cannot copy to non-directory: /{text(path)}")
            return _at(path, name)
        return path

    def _put(self, path: bytes, entry: Entry) -> None:
        """``entry`` of the listing at ``path``."""
        found = self.placed.lies(path)
        if found and (found.kind == "dir") is not (entry.kind == "dir"):
            what = "non-directory" if entry.kind == "dir" else "directory"
            raise Invalid(f"cannot copy over a {what}: /{text(path)}")
        content: Content = b""
        identity = None
        if entry.kind == "file":
            content, identity = self.listing.content(entry), self.listing.identity(entry)
            self.files.append((path, entry, content))
        self.parts.append(_described(path, entry))
        first = path if identity is None else self._linked.setdefault(identity, path)
        if first != path:
            self._note(Entry(path, "hardlink", entry.mode, entry.uid, entry.gid, link=first), path, b"")
        else:
            self._note(entry, path, content)

    def _note(self, entry: Entry, path: bytes, content: Content) -> None:
        """Place ``entry`` at ``path``, as the flags will have it."""
        mode = chmod(entry, self.op.chmod) if self.op.chmod and entry.kind != "symlink" else entry.mode
        uid, gid = self.owner if self.op.chown else (entry.uid, entry.gid)
        placed = Entry(path, entry.kind, mode, uid, gid, entry.size, self.time, entry.link)
        if entry.xattrs or entry.major or entry.minor:
            placed = replace(placed, major=entry.major, minor=entry.minor, xattrs=entry.xattrs)
        self.placed.put(placed, content)


def _at(target: bytes, path: bytes) -> bytes:
    return target + b"/" + path if target else path


def _described(path: bytes, entry: Entry) -> bytes:
    """All that is copied of a file but its content."""
    numbers = (entry.mode, entry.uid, entry.gid, entry.size, entry.major, entry.minor)
    told = b"%d:%b %d:%b " % (len(path), path, len(entry.link), entry.link) + b"%o %d %d %d %d %d " % numbers
    xattrs = [b"%d:%b" % (len(part), part) for pair in entry.xattrs for part in pair] if entry.xattrs else []
    return b"".join([told, entry.kind.encode(), *xattrs])
