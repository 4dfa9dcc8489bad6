"""Listings and views in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from scow.build.copying import Copying
from scow.build.ops import CopyOp, FromContext
from scow.layer.entry import Entry, Kind
from scow.layer.pack import Content, Item
from scow.layer.view import View

TIME = 10**18


class Memory:
    """A listing: path → content (str), ``None`` for a directory, ``-> target`` for a symlink, or an entry."""

    def __init__(self, files: Mapping[str, str | Entry | None], identities: Mapping[str, object] | None = None) -> None:
        self.files = {path.encode(): content for path, content in files.items()}
        self.identities = identities or {}
        for path in list(self.files):
            parent = path.rpartition(b"/")[0]
            while parent and parent not in self.files:
                self.files[parent] = None
                parent = parent.rpartition(b"/")[0]
        self.files[b""] = None

    def find(self, path: bytes) -> Entry | None:
        if path not in self.files:
            return None
        content = self.files[path]
        if isinstance(content, Entry):
            return content
        if content is None:
            return Entry(path, "dir", 0o755)
        if content.startswith("-> "):
            return Entry(path, "symlink", 0o777, link=content[3:].encode())
        return Entry(path, "file", 0o644, size=len(content))

    def children(self, path: bytes) -> list[bytes]:
        return sorted(one for one in self.files if one and one.rpartition(b"/")[0] == path)

    def content(self, entry: Entry) -> Content:
        content = self.files[entry.path]
        return b"1" * content.size if isinstance(content, Entry) else (content or "").encode()

    def digest(self, entry: Entry) -> bytes:
        content = self.content(entry)
        assert isinstance(content, bytes)
        return hashlib.sha256(content).digest()

    def learn(self, entry: Entry, digest: bytes) -> None:
        assert digest == self.digest(entry)

    def identity(self, entry: Entry) -> object | None:
        return self.identities.get(entry.path.decode())


def view_of(files: Mapping[str, str | None] | None = None) -> View:
    """A file system of one layer."""
    made, memory = View(), Memory(files or {})
    made.stack(0, [entry for path in sorted(memory.files) if path and (entry := memory.find(path))])
    return made


def resolved(
    op: CopyOp, listing: Memory, below: Mapping[str, str | None] | None = None, owner: tuple[int, int] = (0, 0)
) -> tuple[dict[str, Item], str]:
    """What a COPY makes of the listing, by path, and its key."""

    def unpack(content: Content) -> None:
        assert op.unpack, "a COPY is not asked whether it is an archive"

    copying = Copying(op, listing, view_of(below), owner, TIME, unpack)
    name = copying.resolve() + copying.contents()
    return {entry.path.decode(): (entry, content) for entry, content in copying.items()}, name


def copied(
    files: Mapping[str, str | Entry | None],
    sources: str,
    target: str,
    below: Mapping[str, str | None] | None = None,
    **given: object,
) -> dict[str, str]:
    """Path → what lies there: content, ``dir``, ``-> target``, ``= first name``."""
    op = CopyOp(FromContext(), tuple(sources.split()), target, **given)  # type: ignore[arg-type]
    return {path: told_of(*item) for path, item in resolved(op, Memory(files), below)[0].items()}


def told_of(entry: Entry, content: Content) -> str:
    """What lies there, in a word."""
    kinds: dict[Kind, str] = {"dir": "dir", "symlink": "-> ", "hardlink": "= "}
    if entry.kind == "file":
        assert isinstance(content, bytes)
        return content.decode()
    return kinds.get(entry.kind, entry.kind) + entry.link.decode()
