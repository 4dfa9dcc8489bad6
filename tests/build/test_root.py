"""The part of a file system that a COPY looks at is the same as in the whole."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from tests.image import images
from tests.layer import model
from tests.layer.tars import Item, item
from tests.layer.test_stack import is_doubtful
from tests.support.peers import need_root

from scow.build.root import Root
from scow.errors import Invalid
from scow.image.store import Store
from scow.layer.index import Index
from scow.layer.view import Found, View
from scow.oci.digest import chain_id

PATHS = st.sampled_from([b"", b"a", b"b", b"a/b", b"a/c", b"b/a", b"a/b/c", b"new/deep"])


def told(view: View, path: bytes) -> dict[bytes, tuple[str, int, int] | None]:
    """What a COPY to ``path`` asks: what is on the way, there, and below."""
    try:
        real = view.resolve(path)
    except Invalid:
        return {b"loop": None}
    way = [real[:at] for at in range(len(real) + 1) if at in (0, len(real)) or real[at : at + 1] == b"/"]
    found = [view.find(part) for part in way]
    below = list(view.walk(real))
    return {b"real:" + real: None, **{one.entry.path: looks(one) for one in (*found, *below) if one}}


def looks(found: Found) -> tuple[str, int, int]:
    return found.entry.kind, found.entry.mode, found.entry.uid


@given(model.crooked, PATHS)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@example([[item("a", "dir", mode=0o700), item("a/b")], [item("a/c")]], b"a")
@example([[item("b", "dir"), item("a", "symlink", link=b"b")], [item("b/c")]], b"a/b")
@example([[item("b", "dir"), item("a", "symlink", link=b"b")], [item("a/c")]], b"b")
@example([[item("b"), item("a", "dir"), item("a/c", "hardlink", link=b"b")]], b"a")
@example([[item("a", "dir"), item("a/b")], [item("", "opaque"), item("b")]], b"a")
@example([[item("a", "dir"), item("a/b")], [item("a", "whiteout")]], b"a/b")
def test_it_agrees_with_the_whole(layers: list[list[Item]], path: bytes) -> None:
    need_root()  # directories of mode 0 are made and looked into
    assume(not is_doubtful(layers))
    assume(model.whole(layers) is not None)
    top = Path(tempfile.mkdtemp(prefix="scow-root-"))
    try:
        store = Store(top)
        made = tuple(images.stored(store, layers))
        assert told(Root(store, made).around(path), path) == told(Root(store, made).view, path)
    finally:
        shutil.rmtree(top)


def test_many_steps_cost_each_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step looks at its own layer, not at all that came before."""
    store = Store(tmp_path)
    layers = list(images.stored(store, [[item(f"f{number}")] for number in range(40)]))
    root, opened = Root(store, ()), 0

    def counted(path: Path) -> Index:
        nonlocal opened
        opened += 1
        return Index(path)

    monkeypatch.setattr("scow.layer.store.Index", counted)
    for number, layer in enumerate(layers, 1):
        root.add(layer)
        assert root.around(b"f0").find(b"f0")
        assert root.chain == chain_id(one.diff_id for one in layers[:number])
    assert opened <= 3 * len(layers)
