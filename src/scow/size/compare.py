"""Two images side by side: what grew, what came, what went, what changed and in what respect. Pure.

A *semantic* comparison asks whether the two do the same: times, and how the files are spread over layers and in which
order, do not count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from scow.layer.entry import Entry
from scow.layer.view import View

_EXPLAINS: Final = 0.95
_GROWTHS: Final = 40


class Change(msgspec.Struct, frozen=True, gc=False):
    """A path that differs. ``what`` is ``added``, ``removed``, or what of it changed; sizes are bytes of content."""

    path: bytes
    what: tuple[str, ...]
    before: int
    after: int


class Growth(msgspec.Struct, frozen=True):
    """By how many bytes a directory grew (or shrank), all that is in it taken together."""

    path: bytes
    size: int


class Comparison(msgspec.Struct, frozen=True):
    """Image ``b`` against ``a``: ``before`` and ``after`` are bytes that a container sees, ``shared`` how many layers
    they have in common from the lowest up."""

    a: str
    b: str
    semantic: bool
    before: int
    after: int
    shared: int
    layers: tuple[int, int]
    growth: tuple[Growth, ...]
    changes: tuple[Change, ...]

    @property
    def same(self) -> bool:
        """Whether nothing differs that was asked about."""
        return not self.changes and (self.semantic or self.layers == (self.shared, self.shared))

    def largest(self, count: int) -> list[Change]:
        """The ``count`` changes of most bytes, the largest first."""
        return sorted(self.changes, key=lambda one: (-abs(one.after - one.before), one.path))[:count]


_ASPECTS: Final[tuple[tuple[str, Callable[[Entry], object]], ...]] = (
    ("type", lambda one: one.kind),
    ("content", lambda one: (one.size, one.digest)),
    ("link", lambda one: one.link),
    ("mode", lambda one: one.mode),
    ("owner", lambda one: (one.uid, one.gid)),
    ("device", lambda one: (one.major, one.minor)),
    ("xattrs", lambda one: sorted(one.xattrs)),
    ("time", lambda one: one.mtime),
)


class Side(msgspec.Struct, frozen=True):
    """One of the two: its name, diff_ids (lowest first) and final file system."""

    name: str
    diff_ids: Sequence[str]
    view: View


def compare(a: Side, b: Side, *, semantic: bool = False) -> Comparison:
    """What is different in ``b``."""
    before, after = _weighed(a.view), _weighed(b.view)
    changes = tuple(_changes(before, after, _ASPECTS[:-1] if semantic else _ASPECTS))
    shared = 0
    for one, other in zip(a.diff_ids, b.diff_ids, strict=False):
        if one != other:
            break
        shared += 1
    return Comparison(
        a.name,
        b.name,
        semantic,
        sum(size for _, size in before.values()),
        sum(size for _, size in after.values()),
        shared,
        (len(a.diff_ids), len(b.diff_ids)),
        tuple(_growth(changes)),
        changes,
    )


_Weighed = dict[bytes, tuple[Entry, int]]


def _weighed(view: View) -> _Weighed:
    """Every path with what it adds: a file of several names adds its size once."""
    known: _Weighed = {}
    seen: set[tuple[int, bytes]] = set()
    for found in view.walk():
        key = (found.layer, found.source)
        if found.entry.path:
            known[found.entry.path] = (found.entry, 0 if key in seen else found.entry.size)
        seen.add(key)
    return known


def _changes(
    before: _Weighed, after: _Weighed, aspects: Sequence[tuple[str, Callable[[Entry], object]]]
) -> Iterator[Change]:
    for path in sorted({*before, *after}):
        old, new = before.get(path), after.get(path)
        if old is None or new is None:
            what: tuple[str, ...] = ("removed",) if new is None else ("added",)
        else:
            what = tuple(name for name, of in aspects if of(old[0]) != of(new[0]))
        if what:
            yield Change(path, what, old[1] if old else 0, new[1] if new else 0)


def _growth(changes: Sequence[Change]) -> Iterator[Growth]:
    """The directories that grew or shrank most; not those of which one child tells nearly all."""
    grown: dict[bytes, int] = {}
    for change in changes:
        path = change.path
        while path:
            path = path.rpartition(b"/")[0]
            grown[path] = grown.get(path, 0) + change.after - change.before
    explained = _explained(grown)
    told = [(path, size) for path, size in grown.items() if size and path not in explained]
    told.sort(key=lambda one: (-abs(one[1]), one[0]))
    for path, size in told[:_GROWTHS]:
        yield Growth(path, size)


def _explained(grown: Mapping[bytes, int]) -> set[bytes]:
    return {
        path.rpartition(b"/")[0]
        for path, size in grown.items()
        if path and size and size * grown[path.rpartition(b"/")[0]] > 0
        and abs(size) >= _EXPLAINS * abs(grown[path.rpartition(b"/")[0]])
    }  # fmt: skip
