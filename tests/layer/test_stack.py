"""Stacks of layers at random: a checkout, the merged view and a simple model of the rules say the same."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from tests.layer import model, tars
from tests.layer.tars import Item, item
from tests.support.peers import need_root
from tests.support.trees import snapshot_tree

from scow.errors import Invalid
from scow.layer.checkout import checkout
from scow.layer.view import View


@contextmanager
def a_directory() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="scow-stack-"))
    try:
        yield path
    finally:
        shutil.rmtree(path)


def stacked(layers: list[list[Item]], root: Path) -> View:
    """Unpack the layers apart from each other, and write their view to ``root/whole``."""
    view, asked, trees = View(), View(), []
    for number, layer in enumerate(layers):
        stream = tars.write(layer)
        trees.append(root / str(number))
        entries = tars.overlay_tree(trees[-1], stream)[0]
        asked.children(b"")  # from then on it knows what lies in each directory; the other finds out at its end
        for one in (view, asked):
            one.stack(number, entries)
    assert [*view.walk()] == [*asked.walk()]
    (root / "whole").mkdir()
    checkout(view.walk(), trees, root / "whole")
    return view


def contradicts_itself(layer: list[Item]) -> bool:
    """Whether a marker stands in what is no directory in the same layer: refused or not, by the order they come in."""
    solid = {item.entry.path for item in layer if item.entry.kind not in ("dir", "whiteout", "opaque")}
    markers = [item.entry for item in layer if item.entry.kind in ("whiteout", "opaque")]
    inside = [entry.path + b"/" if entry.kind == "opaque" else entry.parent + b"/" for entry in markers]
    return any(path.startswith(file + b"/") for path in inside for file in solid)


def rewrites_a_link_target(layer: list[Item]) -> bool:
    """Whether a file that another name was linked to comes a second time: views know a file by its first name."""
    links: set[bytes] = set()
    for each in layer:
        if each.entry.kind == "dir" and each.entry.path in links:
            return True
        if each.entry.kind not in ("whiteout", "opaque", "dir"):
            if any((target + b"/").startswith(each.entry.path + b"/") for target in links):
                return True
            if each.entry.kind == "hardlink":
                links.add(each.entry.link)
    return False


def links_above_a_symlink(layers: list[list[Item]]) -> bool:
    """Whether a hard link stands above a symlink, which might lead it elsewhere."""
    first = next((n for n, layer in enumerate(layers) if any(each.entry.kind == "symlink" for each in layer)), None)
    later = layers[first + 1 :] if first is not None else []
    return any(each.entry.kind == "hardlink" for layer in later for each in layer)


def is_doubtful(layers: list[list[Item]]) -> bool:
    """Whether the layers come to what nobody says, or are judged otherwise than one by one: each is unpacked apart from
    those below (ADR 0002)."""
    if any(contradicts_itself(layer) or rewrites_a_link_target(layer) for layer in layers):
        return True
    if links_above_a_symlink(layers):
        return True
    return model.whole(layers) is None and all(model.whole([layer]) for layer in layers)


def agree(layers: list[list[Item]]) -> None:
    need_root()
    assume(not is_doubtful(layers))
    states = model.whole(layers)
    with a_directory() as root:
        if states is None:
            with pytest.raises(Invalid):
                stacked(layers, root)
            return
        expected = model.of_state(states[-1])
        view = stacked(layers, root)
        assert model.differing(expected, model.of_view(view)) == []
        assert (
            model.differing(without_times(expected), without_times(model.of_disk(snapshot_tree(root / "whole")))) == []
        )


def without_times(seen: model.Seen) -> model.Seen:
    """Directories lose their times: writing into one changes it, and only a whole unpacking puts it back."""
    return {path: (*found[:3], None, *found[4:]) if found[0] == "dir" else found for path, found in seen.items()}


d: dict[str, Any] = {"mode": 0o1777, "uid": 7, "mtime": 10**9}


@given(model.straight)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@example([[item("a", "dir", **d), item("a/b")], [item("a", "whiteout"), item("a/c")]])
@example([[item("a", "dir", **d), item("a/b")], [item("a/c"), item("a", "whiteout")]])
@example([[item("a/b")], [item("a/b/c"), item("a"), item("a", "dir", **d), item("a/b/c")]])
@example([[item("a/b/c"), item("a"), item("a/b/c")]])
@example([[item("a/b/c"), item("a", "symlink", link=b"/b"), item("a/b/c")]])
def test_layers_without_symlinks(layers: list[list[Item]]) -> None:
    agree(layers)


@given(model.crooked)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@example([[item("b", "dir", **d), item("b/a"), item("a", "symlink", link=b"b")], [item("a/a", "whiteout")]])
@example([[item("b", "dir", **d), item("b/a"), item("a", "symlink", link=b"b")], [item("a", "opaque"), item("a/c")]])
@example([[item("b", "dir", **d), item("a", "symlink", link=b"b")], [item("a", "whiteout"), item("a/c")]])
@example([[item("b/b"), item("b", "hardlink", link=b"b/b")]])
@example([[item("b/a"), item("a", "symlink", link=b"b")], [item("a", "dir", **d), item("a", "opaque"), item("a/c")]])
def test_layers_with_symlinks(layers: list[list[Item]]) -> None:
    agree(layers)
