"""Several layers as one: the same file system, as little as possible in the layer, the same bytes each time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.image import images
from tests.layer.tars import Item, item

from scow.errors import Invalid
from scow.image import merge, rootfs
from scow.image.add import add_layer
from scow.image.layer import Layer
from scow.image.store import Store
from scow.layer.entry import Entry
from scow.layer.view import View
from scow.size.compare import Side, compare

BASE = [
    item("etc", "dir"),
    item("etc/a", data=b"a"),
    item("etc/b", data=b"b"),
    item("opt", "dir"),
    item("opt/deep", "dir"),
    item("opt/deep/x", data=b"x"),
    item("usr", "dir", mode=0o711),
    item("usr/one", data=b"one"),
    item("usr/two", "hardlink", link=b"usr/one"),
    item("swap", data=b"file"),
]
UPPER: list[list[Item]] = [
    [
        item("etc/a", data=b"changed"),
        item("etc/c", data=b"new"),
        item("opt", "whiteout"),
        item("tmp/x", data=b"temporary"),
    ],
    [
        item("tmp", "whiteout"),
        item("etc/b", data=b"b"),  # as it was
        item("usr/three", "hardlink", link=b"usr/one"),
        item("usr/four", "hardlink", link=b"usr/two"),
        item("swap", "dir"),
        item("swap/in", data=b"in"),
        item("new", data=b"two names"),
        item("new2", "hardlink", link=b"new"),
        item("sym", "symlink", link=b"/etc"),
    ],
]


def merged(store: Store, layers: Sequence[Layer], kept: int) -> tuple[Layer, list[Entry]]:
    """The layers above the boundary as one, and what is in it."""
    whole, below = rootfs.view(layers, store), rootfs.view(layers[:kept], store)
    planned = merge.above(whole, below)
    layer = add_layer(store.layout, store.layers, merge.items(planned, layers, store))
    with store.unpacking.index(layer) as index:
        return layer, list(index)


def view(store: Store, layers: Sequence[Layer]) -> View:
    return rootfs.view(layers, store)


def test_the_files_stay_what_they_are(tmp_path: Path) -> None:
    store = Store(tmp_path)
    layers = images.stored(store, [BASE, *UPPER])
    with store.layout.working():
        layer, entries = merged(store, layers, 1)
        before, after = (Side("", (), view(store, several)) for several in (layers, [layers[0], layer]))
        assert compare(before, after).changes == ()
        kinds = {entry.path: entry.kind for entry in entries}
        assert kinds == {
            b"etc": "dir", b"etc/a": "file", b"etc/c": "file", b"opt": "whiteout", b"usr": "dir",
            b"usr/three": "hardlink", b"usr/four": "hardlink", b"swap": "dir", b"swap/in": "file", b"new": "file",
            b"new2": "hardlink", b"sym": "symlink",
        }  # fmt: skip
        assert next(entry.mode for entry in entries if entry.path == b"usr") == 0o711
        assert merged(store, layers, 1)[0] == layer


def test_everything_into_one(tmp_path: Path) -> None:
    store = Store(tmp_path)
    layers = images.stored(store, [BASE, *UPPER])
    with store.layout.working():
        layer, entries = merged(store, layers, 0)
        assert not [entry for entry in entries if entry.kind in ("whiteout", "opaque")]
        assert compare(Side("", (), view(store, layers)), Side("", (), view(store, [layer]))).changes == ()
        assert store.unpacking.header(layer).plain


NAMES = st.sampled_from(["a", "b", "d", "d/a", "d/b", "d/e", "d/e/a"])
ITEMS = st.one_of(
    st.builds(lambda name, data: item(name, data=data), NAMES, st.sampled_from([b"", b"1", b"22"])),
    st.builds(lambda name, mode: item(name, "dir", mode=mode), NAMES, st.sampled_from([0o755, 0o700])),
    st.builds(lambda name: item(name, "whiteout"), NAMES),
    st.builds(lambda name: item(name, "opaque"), st.sampled_from(["d", "d/e"])),
    st.builds(lambda name: item(name, "symlink", link=b"/d"), st.sampled_from(["a", "s"])),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(st.lists(st.lists(ITEMS, max_size=5), min_size=1, max_size=4), st.integers(0, 3))
def test_any_layers(tmp_path_factory: pytest.TempPathFactory, stack: list[list[Item]], kept: int) -> None:
    store = Store(tmp_path_factory.mktemp("store"))
    try:
        layers = images.stored(store, stack)
    except Invalid:
        return  # nonsense that no store takes
    with store.layout.working():
        boundary = min(kept, len(layers) - 1)
        layer, _ = merged(store, layers, boundary)
        after = Side("", (), view(store, [*layers[:boundary], layer]))
        assert compare(Side("", (), view(store, layers)), after).changes == ()
