"""``save``'s archives read without scow: each image's config, and the tree that its layers add up to."""

from __future__ import annotations

import json
import os
import tarfile
from dataclasses import dataclass, replace
from typing import Any

from tests.support.trees import Record, _tar_record, tar_name

_OPAQUE = b".wh..wh..opq"


@dataclass(frozen=True)
class Loaded:
    """One image of an archive."""

    config: dict[str, Any]
    tree: dict[bytes, Record]


def read_saved(archive: tarfile.TarFile) -> dict[str, Loaded]:
    """Every name of a ``docker save`` archive."""
    found: dict[str, Loaded] = {}
    trees: dict[tuple[str, ...], dict[bytes, Record]] = {(): {}}
    for image in _json(archive, "manifest.json"):
        config = _json(archive, image["Config"])
        diff_ids = tuple(config["rootfs"].get("diff_ids") or ())
        for count, member in enumerate(image["Layers"] or (), 1):
            if diff_ids[:count] not in trees:
                trees[diff_ids[:count]] = _applied(archive, member, trees[diff_ids[: count - 1]])
        found |= {name: Loaded(config, _linked(trees[diff_ids])) for name in image["RepoTags"] or ()}
    return found


def _json(archive: tarfile.TarFile, member: str) -> Any:
    stream = archive.extractfile(member)
    assert stream is not None
    return json.load(stream)


def _applied(archive: tarfile.TarFile, member: str, below: dict[bytes, Record]) -> dict[bytes, Record]:
    """``below`` with a layer on top; names of one file share an object in ``links`` (see :func:`_linked`)."""
    tree, brought = dict(below), set[bytes]()
    with tarfile.open(fileobj=archive.extractfile(member)) as layer:
        for entry in layer:
            name = tar_name(entry.name)
            parent, _, last = name.rpartition(b"/")
            if last == _OPAQUE:
                _drop(tree, parent, brought, itself=False)
            elif last.startswith(b".wh."):
                gone = last.removeprefix(b".wh.")
                _drop(tree, parent + b"/" + gone if parent else gone, brought)
            elif name != b".":
                record = tree[tar_name(entry.linkname)] if entry.islnk() else _tar_record(layer, entry)
                if not entry.islnk():
                    record = replace(record, links=(b"%d" % id(entry), os.urandom(8)))
                if record.kind != "directory":
                    _drop(tree, name, brought)
                tree[name] = record
                brought.add(name)
    return tree


def _drop(tree: dict[bytes, Record], top: bytes, brought: set[bytes], *, itself: bool = True) -> None:
    below = [path for path in tree if path.startswith(top + b"/")]
    for path in [top, *below] if itself else below:
        if path not in brought:
            tree.pop(path, None)


def _linked(tree: dict[bytes, Record]) -> dict[bytes, Record]:
    """The tree with real names in ``links``."""
    groups: dict[tuple[bytes, ...], list[bytes]] = {}
    for path, record in tree.items():
        if record.kind != "directory":
            groups.setdefault(record.links, []).append(path)
    names = {key: tuple(sorted(paths)) if len(paths) > 1 else () for key, paths in groups.items()}
    return {path: replace(record, links=names.get(record.links, ())) for path, record in tree.items()}
