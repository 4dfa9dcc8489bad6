"""COPY and ADD: which source goes where, decided over listings; nothing is read or written here but archives' heads.

Sources are resolved to a list of entries at their destinations; one executor turns that list into a layer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property, partial
from typing import Final

import msgspec
from msgspec.structs import replace

from scow.build.modes import chmod
from scow.build.ops import CopyOp, key
from scow.build.parents import Parents
from scow.build.subtree import Listing, real_path
from scow.dockerfile.ignore import Patterns, match
from scow.errors import Invalid, NotFound
from scow.layer.entry import Entry, clean
from scow.layer.pack import Content, Item
from scow.layer.view import Found, View

_WILD: Final = re.compile(r"[*?\[\\]")
_SHA256: Final = 32


def matches(listing: Listing, pattern: str, *, follow: bool) -> list[bytes]:
    """The source paths that a pattern names. ``follow``: links above the pattern's first wildcard are followed.

    Without, ``**`` is any number of directories (``--parents``); with, it is a ``*`` as any other.
    """
    parts = [part for part in pattern.encode("utf-8", "surrogateescape").split(b"/") if part not in (b"", b".")]
    if b".." in parts:
        parts = _without_dotdot(parts)
    if not _WILD.search(pattern):
        path = b"/".join(parts)
        if listing.find(real_path(listing, path)) is None:
            raise NotFound(f'"/{_text(path)}": not found', hint=_near(listing, path))
        return [path]
    wild = next(number for number, part in enumerate(parts) if _WILD.search(_text(part)))
    prefix = b"/".join(parts[:wild])
    if not follow and b"**" in parts:
        return _matches_anywhere(listing, prefix, _text(b"/".join(parts)))
    found = [real_path(listing, prefix) if follow else prefix]
    for part in parts[wild:]:  # no link that a pattern matches is followed
        text = _text(part)
        below = (child for path in found for child in _below(listing, path))
        found = [child for child in below if match(text, _text(child.rpartition(b"/")[2]))]
    return found


def _matches_anywhere(listing: Listing, top: bytes, pattern: str) -> list[bytes]:
    """What below ``top`` the whole pattern matches; what lies below a match belongs to that."""
    found = []
    todo = _below(listing, top)[::-1]
    while todo:
        path = todo.pop()
        if match(pattern, _text(path), globstar=True):
            found.append(path)
        else:
            todo += _below(listing, path)[::-1]
    return found


def _below(listing: Listing, path: bytes) -> list[bytes]:
    entry = listing.find(path)
    return listing.children(path) if entry and entry.kind == "dir" else []


def _near(listing: Listing, path: bytes) -> str:
    from difflib import get_close_matches

    parent, _, name = path.rpartition(b"/")
    names = [_text(child.rpartition(b"/")[2]) for child in _below(listing, parent)]
    near = get_close_matches(_text(name), names, 1)
    return f"did you mean {near[0]!r}?" if near else "is it in the build context, and not in .dockerignore?"


#: Members of an archive, or ``None`` when the file is not one.
Unpack = Callable[[Content], Iterator[Item] | None]


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
    placed: dict[bytes, Item] = {}
    parts: list[str | bytes] = []
    files: list[tuple[bytes, Entry, Content]] = []
    _linked: dict[object, bytes] = {}
    _names: dict[bytes, list[bytes]] = {}

    @cached_property
    def _parents(self) -> Parents:
        return Parents(self.placed, self.view, self.owner, self.time, named=bool(self.op.chown))

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
        self._put_files_before_links()
        self._parents.add()
        return key("copy", [f"{self.owner[0]}:{self.owner[1]}", self.op.chmod, *self.parts])

    def contents(self) -> str:
        """A key of the contents of ``files``."""
        return key("contents", (self.listing.digest(entry) for _, entry, _ in self.files))

    def learn(self, layer: Iterable[Entry]) -> None:
        """Tell the listing what ``layer``, made of these items, says of the contents."""
        digests = {entry.path: entry.digest for entry in layer if entry.kind == "file"}
        for path, entry, content in self.files:
            if self.placed[path][1] is content and path in digests:  # nothing else came to lie there
                self.listing.learn(entry, digests[path])

    def items(self, *, digests: bool = False) -> Iterator[Item]:
        """The layer's entries, parents first; with the ``digests`` of files, when somebody asks for them."""
        if digests:
            for path, entry, content in self.files:
                placed, lies_there = self.placed[path]
                digest = self.listing.digest(entry) if lies_there is content else b""
                if len(digest) == _SHA256:  # a sparse file's says where it lies
                    self.placed[path] = (replace(placed, digest=digest), content)
        for path in sorted(self.placed):
            yield self.placed[path]

    # -- sources ----------------------------------------------------------------------------------------------------

    def _copy(self, path: bytes, excluded: Patterns | None) -> None:
        real = real_path(self.listing, path)
        entry = self.listing.find(real)
        if entry is None:
            raise NotFound(f'"/{_text(path)}": not found')
        if entry.kind == "dir":
            self._copy_contents(real, excluded)
        elif not (excluded and excluded.ignores(_text(path.rpartition(b"/")[2]))):
            self._place_found(entry, path.rpartition(b"/")[2])

    def _copy_with_parents(self, pattern: str, excluded: Patterns | None) -> None:
        """What the pattern names with the directories above it, from its ``/./`` on; links are not followed."""
        self._linked.clear()
        target, pivot = self._target_directory(), _pivot(pattern)
        for path in matches(self.listing, pattern, follow=False):
            parts = path.split(b"/")
            skip = len(b"/".join(parts[:pivot])) + 1 if pivot else 0
            if self._put_way(path, pivot, skip, target, excluded):
                found = self.listing.find(path)
                if found and found.kind == "dir":
                    self._copy_below(path, skip, excluded)

    def _put_way(self, path: bytes, pivot: int, skip: int, target: bytes, excluded: Patterns | None) -> bool:
        """Place ``path`` and what is above it, but not the first ``pivot`` components; ``False`` when excluded."""
        parts = path.split(b"/")
        for count in range(pivot + 1, len(parts) + 1):
            here = b"/".join(parts[:count])
            entry = self.listing.find(here)
            if entry is None or (entry.kind != "dir" and count < len(parts)):
                raise NotFound(f'"/{_text(path)}": not found', hint="--parents follows no links")
            if excluded and excluded.ignores(_text(here[skip:])):
                return False
            self._put(target + b"/" + here[skip:] if target else here[skip:], entry)
        return True

    def _copy_contents(self, root: bytes, excluded: Patterns | None) -> None:
        """A directory gives its contents, not itself; what is there keeps its own mode."""
        self._copy_below(root, len(root) + 1 if root else 0, excluded)

    def _copy_below(self, root: bytes, skip: int, excluded: Patterns | None) -> None:
        """What lies below ``root``, each under its path without the first ``skip`` bytes."""
        target = self._target_directory()
        todo = self.listing.children(root)[::-1]
        while todo:
            path = todo.pop()
            relative = path[skip:]
            hidden = excluded is not None and excluded.ignores(_text(relative))
            if hidden and excluded and not excluded.may_hold_exception(_text(relative)):
                continue
            entry = self.listing.find(path)
            if entry is None:
                continue
            if entry.kind == "dir":
                todo += self.listing.children(path)[::-1]
            if not hidden:
                self._put(target + b"/" + relative if target else relative, entry)

    # -- destinations -----------------------------------------------------------------------------------------------

    def _target_directory(self) -> bytes:
        """The target as a directory, made when it is missing."""
        target = self.view.resolve(clean(self.op.target.encode()))
        found = self._lies(target)
        if found and found.kind != "dir":
            raise Invalid(f"cannot copy to non-directory: /{_text(target)}")
        if target and not found:
            self.parts += ["made", target]
            self._parents.make(target)
        return target

    def _lies(self, path: bytes) -> Entry | None:
        """What lies at ``path`` by now: each source finds what those before it brought."""
        if path in self.placed:
            return self.placed[path][0]
        found = self.view.find(path)
        return found.entry if found else None

    def _place_found(self, entry: Entry, name: bytes) -> None:
        members = self.unpack(self.listing.content(entry)) if self.op.unpack and entry.kind == "file" else None
        if members is None:
            self._put(self._file_target(name), entry)
            return
        target = self._target_directory()
        self.parts += ["unpacked", self.listing.digest(entry), target]
        for member, content in members:
            path = target + b"/" + member.path if target and member.path else target or member.path
            link = target + b"/" + member.link if target and member.kind == "hardlink" else member.link
            if path:
                self._clear(path, member)
                uid, gid = self.owner if self.op.chown else (member.uid, member.gid)
                self._place(replace(member, path=path, link=link, uid=uid, gid=gid), content)
                self._add_archive_parents(path, target)

    def _clear(self, path: bytes, member: Entry) -> None:
        """What an archive put into a directory goes with it when the archive puts something else in its place."""
        found = self._lies(path)
        if member.kind != "dir" and found and found.kind == "dir":
            for below in [one for one in self.placed if one.startswith(path + b"/")]:
                del self.placed[below]
            self.files = [file for file in self.files if file[0] in self.placed]

    def _add_archive_parents(self, path: bytes, target: bytes) -> None:
        """Directories that an archive does not name are root's, whatever --chown says."""
        while (path := path.rpartition(b"/")[0]) and path != target and path not in self.placed:
            if self.view.find(path) is None:
                self._parents.make_roots(path)

    def _place_file(self, entry: Entry, content: bytes, name: bytes) -> None:
        path = self._file_target(name)
        self.parts += ["text", path, content]
        self._note(entry, path, content)

    def _file_target(self, name: bytes) -> bytes:
        path = self.view.resolve(clean(self.op.target.encode()))
        found = self._lies(path)
        if self.op.target.endswith("/") or not path or (found and found.kind == "dir"):
            if found and found.kind != "dir":
                raise Invalid(f"cannot copy to non-directory: /{_text(path)}")
            return path + b"/" + name if path else name
        return path

    def _put(self, path: bytes, entry: Entry) -> None:
        """``entry`` of the listing at ``path``."""
        found = self._lies(path)
        if found and (found.kind == "dir") is not (entry.kind == "dir"):
            what = "non-directory" if entry.kind == "dir" else "directory"
            raise Invalid(f"cannot copy over a {what}: /{_text(path)}")
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
        self._place(placed, content)

    def _place(self, entry: Entry, content: Content) -> None:
        """Put ``entry`` where it says. Other names of the file that lay there go on being that file."""
        path = entry.path
        others = [name for name in self._names.pop(path, ()) if self._is_link(name, path)]
        if others:
            self._place(replace(self.placed[path][0], path=others[0]), self.placed[path][1])
            for name in others[1:]:
                self._place(replace(self.placed[name][0], link=others[0]), b"")
        if entry.kind == "hardlink":
            if entry.link in self.placed and self.placed[entry.link][0].kind == "hardlink":
                entry = replace(entry, link=self.placed[entry.link][0].link)
            self._names.setdefault(entry.link, []).append(path)
        self.placed[path] = (entry, content)

    def _put_files_before_links(self) -> None:
        """Of each file with several names the first in order is the file: a layer's links follow what they name."""
        moved: dict[bytes, bytes] = {}
        for path, names in self._names.items():
            links = {name for name in names if self._is_link(name, path)}
            first = min(links, default=path)
            if first < path and path in self.placed:
                moved[path] = first
                entry, content = self.placed[path]
                self.placed[first] = (replace(entry, path=first), content)
                for name in {path, *links} - {first}:
                    self.placed[name] = (replace(entry, path=name, kind="hardlink", size=0, link=first), b"")
        if moved:
            self.files = [(moved.get(path, path), entry, content) for path, entry, content in self.files]

    def _is_link(self, path: bytes, to: bytes) -> bool:
        entry = self.placed[path][0] if path in self.placed else None
        return entry is not None and entry.kind == "hardlink" and entry.link == to


def _described(path: bytes, entry: Entry) -> bytes:
    """All that is copied of a file but its content."""
    numbers = (entry.mode, entry.uid, entry.gid, entry.size, entry.major, entry.minor)
    told = b"%d:%b %d:%b " % (len(path), path, len(entry.link), entry.link) + b"%o %d %d %d %d %d " % numbers
    xattrs = [b"%d:%b" % (len(part), part) for pair in entry.xattrs for part in pair] if entry.xattrs else []
    return b"".join([told, entry.kind.encode(), *xattrs])


class ViewListing:
    """A stage's or an image's file system as a listing; ``open_file`` opens a file of a layer's tree."""

    def __init__(self, view: View, open_file: Callable[[Found], int]) -> None:
        self._view, self._open = view, open_file

    def find(self, path: bytes) -> Entry | None:
        """What lies at ``path``."""
        found = self._view.find(path)
        return found.entry if found else None

    def children(self, path: bytes) -> list[bytes]:
        """The paths right below a directory."""
        return self._view.children(path)

    def content(self, entry: Entry) -> Content:
        """The file's bytes."""
        found = self._view.find(entry.path)
        assert found is not None  # noqa: S101 - the entry came from here
        return partial(self._open, found)

    def digest(self, entry: Entry) -> bytes:
        """The raw sha256 of the content, from the layer's index; for a sparse file, where it lies."""
        found = self._view.find(entry.path)
        return entry.digest or (b"%d:%b" % (found.layer, found.source) if found else b"")

    def learn(self, entry: Entry, digest: bytes) -> None:
        """The indexes know it."""

    def identity(self, entry: Entry) -> object | None:
        """The place of the content: names of one file share it."""
        found = self._view.find(entry.path)
        return (found.layer, found.source) if found else None


def _pivot(pattern: str) -> int:
    """How many components of a pattern stand before its ``/./``."""
    before, found, _ = pattern.partition("/./")
    parts = [part for part in before.encode().split(b"/") if part not in (b"", b".")] if found else []
    return len(_without_dotdot(parts))


def _without_dotdot(parts: list[bytes]) -> list[bytes]:
    """``..`` never leaves the root of what is copied from."""
    kept: list[bytes] = []
    for part in parts:
        if part != b"..":
            kept.append(part)
        elif kept:
            kept.pop()
    return kept


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")
