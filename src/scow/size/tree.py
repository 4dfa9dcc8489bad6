"""Sizes by directory, and within it by layer: the final file system as a tree that leaves the small things together.

The children of a directory always add up to it: what is not told apart is one child without a name. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from scow.layer.view import Found

#: A child is told apart when it has this share of the whole, or is among the largest few of its directory.
_SHARE: Final = 1 / 500
_LARGEST: Final = 3
_WORTH: Final = 1 / 5000
_DEPTH: Final = 40


class Node(msgspec.Struct, frozen=True):
    """A directory or file. ``layers`` are (layer, size) pairs that add up to ``size``; ``rest``: several."""

    name: str
    size: int
    files: int
    layers: tuple[tuple[int, int], ...]
    children: tuple[Node, ...] = ()
    rest: bool = False


class _Directory:
    """A directory while it is added up."""

    __slots__ = ("children", "directories", "files", "layers")

    def __init__(self) -> None:
        self.directories: dict[bytes, _Directory] = {}
        self.children: list[Found] = []
        self.layers: dict[int, int] = {}
        self.files = 0

    @property
    def size(self) -> int:
        return sum(self.layers.values())


def tree(found: Sequence[Found]) -> Node:
    """The tree of the final file system's files; a file of several names counts under the first."""
    root = _Directory()
    known: dict[bytes, _Directory] = {b"": root}
    told = {_key(one): False for one in found if one.entry.path != one.source}  # those of several names
    for one in found:
        if told and (key := _key(one)) in told:
            if told[key]:
                continue
            told[key] = True
        parent = one.entry.parent
        directory = known.get(parent) or _made(known, parent)
        directory.children.append(one)
    _add_up(known)
    return _node(b"", root, root.size, 0)


def _key(one: Found) -> tuple[int, bytes]:
    return one.layer, one.source


def _name(one: Found) -> bytes:
    return one.entry.path.rpartition(b"/")[2]


def _made(known: dict[bytes, _Directory], path: bytes) -> _Directory:
    missing: list[bytes] = []
    while path not in known:
        missing.append(path)
        path = path.rpartition(b"/")[0]
    at = known[path]
    for made in reversed(missing):
        known[made] = at.directories[made.rpartition(b"/")[2]] = _Directory()
        at = known[made]
    return at


def _add_up(known: Mapping[bytes, _Directory]) -> None:
    """Every directory's own files, then those of the directories in it: the deepest first."""
    for path, directory in sorted(known.items(), key=lambda one: -one[0].count(b"/")):
        for one in directory.children:
            directory.layers[one.layer] = directory.layers.get(one.layer, 0) + one.entry.size
        directory.files += len(directory.children)
        if path:
            _into(known[path.rpartition(b"/")[0]], directory)


def _into(parent: _Directory, child: _Directory) -> None:
    parent.files += child.files
    for layer, size in child.layers.items():
        parent.layers[layer] = parent.layers.get(layer, 0) + size


def _node(name: bytes, directory: _Directory, whole: int, depth: int) -> Node:
    told: list[Node] = []
    layers, files = dict(directory.layers), directory.files
    for size, child, where in _largest(directory, whole, depth):
        node = (
            _node(child, where, whole, depth + 1)
            if isinstance(where, _Directory)
            else Node(text(child), size, 1, ((where, size),))
        )
        told.append(node)
        files -= node.files
        for layer, part in node.layers:
            layers[layer] -= part
    left = _pairs(layers)
    if told and files:
        told.append(Node("", sum(size for _, size in left), files, left, rest=True))
    return Node(text(name), directory.size, directory.files, _pairs(directory.layers), tuple(told))


def _largest(directory: _Directory, whole: int, depth: int) -> list[tuple[int, bytes, _Directory | int]]:
    """The children that are told apart, the largest first."""
    if depth >= _DEPTH:
        return []
    every: list[tuple[int, bytes, _Directory | int]] = [
        *((child.size, name, child) for name, child in directory.directories.items()),
        *((one.entry.size, _name(one), one.layer) for one in directory.children if one.entry.size > whole * _WORTH),
    ]
    every = [one for one in every if one[0] > whole * _WORTH]
    every.sort(key=lambda one: (-one[0], one[1]))
    return [one for at, one in enumerate(every) if at < _LARGEST or one[0] >= whole * _SHARE]


def _pairs(layers: Mapping[int, int]) -> tuple[tuple[int, int], ...]:
    return tuple(sorted((layer, size) for layer, size in layers.items() if size))


def text(name: bytes) -> str:
    """A name for people; what is no UTF-8 is told as ``\\xff``."""
    return name.decode(errors="backslashreplace")
