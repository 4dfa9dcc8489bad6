"""Directories that no source names: those above what is copied, the target itself, those that an archive leaves out.

And WORKDIR's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from scow.errors import Invalid
from scow.layer.entry import Entry
from scow.layer.view import View

if TYPE_CHECKING:
    from scow.layer.pack import Item

_SETGID = 0o2000


class Parents:
    """``placed`` is what lies where, over ``view``. ``owner`` is whose new directories are; when nobody is ``named``,
    their group is that of a setgid directory they are made in."""

    def __init__(
        self, placed: dict[bytes, Item], view: View, owner: tuple[int, int], time: int, *, named: bool
    ) -> None:
        self._placed, self._view, self._owner, self._time, self._named = placed, view, owner, time, named
        self._made: list[tuple[Entry, bool]] = []

    def make(self, path: bytes) -> None:
        """Place a directory as the kernel makes one."""
        self._make(Entry(path, "dir", 0o755, *self._owner, mtime=self._time), grouped=not self._named)

    def make_roots(self, path: bytes) -> None:
        """Place one of root's, whoever is named."""
        self._make(Entry(path, "dir", 0o755, mtime=self._time), grouped=False)

    def _make(self, entry: Entry, *, grouped: bool) -> None:
        self._placed[entry.path] = (entry, b"")
        self._made.append((entry, grouped))

    def add(self) -> None:
        """Name every directory above what is placed: existing ones as they are, new ones as :meth:`make` has them.

        Raises :class:`Invalid` where a file is in the way.
        """
        for path in list(self._placed):
            parent = path.rpartition(b"/")[0]
            while parent and parent not in self._placed:
                found = self._view.find(parent)
                if found is None or found.entry.kind == "symlink":
                    self.make(parent)
                elif found.entry.kind != "dir":
                    raise Invalid(f"not a directory: {found.entry.text}")
                else:
                    self._placed[parent] = (found.entry, b"")
                parent = parent.rpartition(b"/")[0]
        self._inherit()

    def _inherit(self) -> None:
        """In a setgid directory new ones are setgid too."""
        for entry, grouped in sorted(self._made, key=lambda made: made[0].path):
            above = self._placed.get(entry.parent)
            lies = self._placed.get(entry.path)
            if above and above[0].mode & _SETGID and lies and lies[0] is entry:
                gid = above[0].gid if grouped else entry.gid
                self._placed[entry.path] = (replace(entry, mode=entry.mode | _SETGID, gid=gid), b"")


def directory(path: bytes, view: View, owner: tuple[int, int], time: int, *, named: bool) -> list[Item]:
    """``path`` (links in it are followed) and its missing parents; nothing when it is there. See :class:`Parents`.

    Raises :class:`Invalid` where a file is in the way.
    """
    real = view.resolve(path)
    if found := view.find(real):
        if found.entry.kind != "dir":
            raise Invalid(f"not a directory: {found.entry.text}")
        return []
    placed: dict[bytes, Item] = {}
    parents = Parents(placed, view, owner, time, named=named)
    parents.make(real)
    parents.add()
    return [placed[path] for path in sorted(placed)]
