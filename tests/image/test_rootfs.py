"""The root file system of a stack: mounted, flat and as a view it is what a simple model of the rules says."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from tests.image import images
from tests.image.images import Mounter
from tests.layer import model
from tests.layer.tars import Item, item
from tests.layer.test_stack import is_doubtful
from tests.support.trees import snapshot_tree

from scow.errors import Invalid
from scow.image import rootfs
from scow.image.layer import Layer
from scow.image.store import Store


@pytest.fixture(scope="module")
def mount() -> Iterator[Mounter]:
    top = Path(tempfile.mkdtemp(prefix="scow-mount-"))
    try:
        with images.mounter(top / "at") as found:
            yield found
    finally:
        shutil.rmtree(top)


def agree(layers: list[list[Item]], mount: Mounter, mounts: bool) -> None:
    assume(not is_doubtful(layers))
    states = model.whole(layers)
    top = Path(tempfile.mkdtemp(prefix="scow-rootfs-"))
    store = Store(top / "store", lambda: mounts)
    try:
        if states is None:
            with pytest.raises(Invalid):
                rootfs.flat(images.stored(store, layers), store)
            return
        made = images.stored(store, layers)
        shown(made, store, mount, model.of_state(states[-1]))
    finally:
        shutil.rmtree(top)


def shown(made: list[Layer], store: Store, mount: Mounter, expected: model.Seen) -> None:
    """The three ways to see the stack."""
    trees = rootfs.stack(made, store)
    assert model.differing(expected, model.of_view(rootfs.view(made, store))) == []
    overlay = model.of_disk(mount.shows(trees))
    assert model.differing(expected, overlay) == [], trees
    flat = model.of_disk(snapshot_tree(rootfs.flat(made, store)))
    assert model.differing(expected, flat) == []


d: dict[str, Any] = {"mode": 0o1777, "uid": 7, "mtime": 10**9}
quick = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@given(model.straight)
@quick
@example([[item("a", "dir", **d), item("a/b")], [item("a/c")]])
@example([[item("a", "dir", **d), item("a/b")], [item("b", "hardlink", link=b"a/b")]])
@example([[item("a", "dir", **d), item("a/b")], [item("a", "whiteout"), item("a/c")]])
@example([[item("a", "dir", **d), item("a/b")], [item("a", "opaque")]])
@example([[item("a", "dir", **d), item("a/b")], [item("", "opaque")], [item("b")]])
@example([[item("a/b", "whiteout"), item("a", "opaque")], [item("b", "whiteout")]])
@example([[item("a", "dir", **d), item("a/b")], [item("a"), item("a", "dir", **d)]])
@example([[item("a", "dir", **d), item("a/b")], [item("a/b", "whiteout")], [item("a/b", "whiteout"), item("c")]])
def test_layers_without_symlinks(mount: Mounter, mounts: bool, layers: list[list[Item]]) -> None:
    agree(layers, mount, mounts)


@given(model.crooked)
@quick
@example(
    [[item("b", "dir", **d), item("b/a"), item("a", "symlink", link=b"b")], [item("a/c")], [item("a/a", "whiteout")]]
)
def test_layers_with_symlinks(mount: Mounter, mounts: bool, layers: list[list[Item]]) -> None:
    agree(layers, mount, mounts)
