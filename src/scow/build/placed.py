"""What comes to lie where: entries with their contents by path, over the file system that is written to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from scow.layer.entry import Entry
from scow.layer.view import View

if TYPE_CHECKING:
    from scow.layer.pack import Content, Item


class Placed:
    """``items`` is what was put at each path, over ``view``."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.items: dict[bytes, Item] = {}
        self._names: dict[bytes, list[bytes]] = {}  # of a path → links to it

    def lies(self, path: bytes) -> Entry | None:
        """What lies at ``path`` by now: each source finds what those before it brought."""
        if path in self.items:
            return self.items[path][0]
        found = self.view.find(path)
        return found.entry if found else None

    def put(self, entry: Entry, content: Content) -> None:
        """Put ``entry`` where it says. Other names of the file that lay there go on being that file."""
        path = entry.path
        if path in self._names:
            self._hand_on(path, self._names.pop(path))
        if entry.kind == "hardlink":
            if entry.link in self.items and self.items[entry.link][0].kind == "hardlink":
                entry = replace(entry, link=self.items[entry.link][0].link)
            self._names.setdefault(entry.link, []).append(path)
        self.items[path] = (entry, content)

    def clear(self, path: bytes) -> None:
        """What was put into the directory at ``path`` goes away."""
        for below in [one for one in self.items if one.startswith(path + b"/")]:
            del self.items[below]

    def put_files_before_links(self) -> dict[bytes, bytes]:
        """Of each file with several names the first in order is the file: a layer's links follow what they name.

        Returns where files that lay elsewhere lie now.
        """
        moved: dict[bytes, bytes] = {}
        for path, names in self._names.items():
            links = {name for name in names if self._is_link(name, path)}
            first = min(links, default=path)
            if first < path and path in self.items:
                moved[path] = first
                entry, content = self.items[path]
                self.items[first] = (replace(entry, path=first), content)
                for name in {path, *links} - {first}:
                    self.items[name] = (replace(entry, path=name, kind="hardlink", size=0, link=first), b"")
        return moved

    def _hand_on(self, path: bytes, names: list[bytes]) -> None:
        """The file at ``path`` goes on under the first of its other names."""
        others = [name for name in names if self._is_link(name, path)]
        if others:
            self.put(replace(self.items[path][0], path=others[0]), self.items[path][1])
            for name in others[1:]:
                self.put(replace(self.items[name][0], link=others[0]), b"")

    def _is_link(self, path: bytes, to: bytes) -> bool:
        entry = self.items[path][0] if path in self.items else None
        return entry is not None and entry.kind == "hardlink" and entry.link == to
