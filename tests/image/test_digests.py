"""Digests of single files: a pull of a mountable layer leaves them out, whoever needs them finds them all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from tests.layer import tars
from tests.layer.tars import item

from scow.build.root import Root, ViewListing
from scow.image.check import index_problem
from scow.image.layer import Layer
from scow.image.store import Store
from scow.layer.compression import gzip_member
from scow.oci import media_types
from scow.oci.digest import DiffId
from scow.testing.contract import Memory

TAR = tars.write(
    [
        item("d", "dir", mode=0o755),
        item("d/large", data=os.urandom(2 << 20)),
        item("d/small", data=b"small"),
        item("d/empty"),
        item("d/link", "hardlink", link=b"d/small"),
    ]
)
DIFF_ID = DiffId.of(TAR)
WITH_DIGESTS = tars.no_tree(TAR)[0]
WITHOUT = [msgspec.structs.replace(entry, digest=b"") for entry in WITH_DIGESTS]
Pulled = Callable[..., tuple[Store, Layer]]


@pytest.fixture
def pulled(tmp_path: Path) -> Pulled:
    """A store that mounts its layers, or does not, and one layer that came to it."""

    def pull(*, mounts: bool = True) -> tuple[Store, Layer]:
        store, memory = Store(tmp_path / "store", lambda: mounts), Memory()
        store.layout.create()
        blob = memory.add(bytes(gzip_member(TAR)), media_types.OCI_LAYER_GZIP)
        store.unpacking.push(blob, memory)
        return store, Layer(blob, DIFF_ID)

    return pull


def test_a_pull_leaves_them_out_and_they_are_found_once(pulled: Pulled) -> None:
    store, layer = pulled()
    with store.unpacking.index(layer) as index:
        assert not index.header.digests
        assert list(index) == WITHOUT
    with store.unpacking.with_digests(layer) as index:
        assert list(index) == WITH_DIGESTS
    with store.unpacking.index(layer) as index:  # kept
        assert index.header.digests
        assert list(index) == WITH_DIGESTS
    assert os.listdir(store.layout.ingest) == []


def test_without_the_mountable_file_they_come_out_of_the_blob(pulled: Pulled) -> None:
    store, layer = pulled()
    tree = store.layers.tree(DIFF_ID)
    assert tree is not None
    (tree / "tar").unlink()
    (tree / "metadata").unlink()
    tree.rmdir()
    with store.unpacking.with_digests(layer) as index:
        assert list(index) == WITH_DIGESTS


def test_a_directory_is_written_with_them(pulled: Pulled) -> None:
    store, layer = pulled(mounts=False)
    with store.unpacking.index(layer) as index:
        assert index.header.digests
        assert list(index) == WITH_DIGESTS


@pytest.mark.parametrize("digested", [False, True])
def test_an_index_is_sound_with_and_without(digested: bool, pulled: Pulled) -> None:
    store, layer = pulled()
    if digested:
        store.unpacking.with_digests(layer).close()
    assert index_problem(store.layout, store.layers, layer) == ""
    path = store.layers.home(DIFF_ID) / "index"
    path.write_bytes(path.read_bytes().replace(b"d/small", b"d/smell", 1))
    assert "not what the blob holds" in index_problem(store.layout, store.layers, layer)


def test_a_source_of_copy_knows_them(pulled: Pulled) -> None:
    """Where a file lies says nothing of what is in it: another image may have another one there."""
    store, layer = pulled()
    root = Root(store, (layer,))
    assert root.view.find(b"d/small") is not None  # made before somebody asked for digests
    listing: ViewListing = root.listing()
    for entry in WITH_DIGESTS:
        if entry.kind == "file":
            found = listing.find(entry.path)
            assert found is not None
            assert listing.digest(found) == entry.digest
