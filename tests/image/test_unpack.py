"""Layers on their way in: blob, index and tree together, or nothing at all."""

from __future__ import annotations

import errno
import gzip
import os
import tempfile
from pathlib import Path

import pytest
from tests.image import images
from tests.layer import tars
from tests.layer.tars import item
from tests.layer.test_compression import COMPRESS
from tests.layer.test_hostile import PLAIN, pointed
from tests.support.peers import need_root
from tests.support.trees import Record, difference, snapshot_tree

from scow.errors import Integrity, Invalid, ScowError, Unavailable
from scow.image.check import tree_problem
from scow.image.image import load
from scow.image.layer import Layer
from scow.image.shedding import shed
from scow.image.store import Store
from scow.image.unpack import Unpacking
from scow.layer.compression import gzip_member
from scow.layer.index import Index
from scow.layer.removal import remove
from scow.oci import media_types
from scow.oci.descriptor import Descriptor
from scow.oci.digest import DiffId
from scow.testing.contract import Memory

LAYER = [
    item("", "dir", mode=0o755, mtime=10**9),
    item("d", "dir", mode=0o1777, mtime=10**9),
    item("d/f", data=os.urandom(3 << 20), mode=0o640, mtime=5 * 10**9),
    item("d/l", "symlink", link=b"/etc/passwd", mode=0o777),
    item("d/h", "hardlink", link=b"d/f"),
    item("gone", "whiteout"),
]
TAR = tars.write(LAYER)
DIFF_ID = DiffId.of(TAR)
FORMS = {
    media_types.OCI_LAYER: "none",
    media_types.OCI_LAYER_GZIP: "gzip",
    media_types.OCI_LAYER_ZSTD: "zstd",
    media_types.DOCKER_LAYER: "none",
    media_types.DOCKER_LAYER + ".gzip": "gzip",
    media_types.DOCKER_LAYER + ".zstd": "zstd",
}


@pytest.fixture
def store(deep_path: Path) -> Store:
    made = Store(deep_path / "store")
    made.layout.create()
    return made


def contents(store: Store) -> dict[str, list[str]]:
    """What the store holds, room by room."""
    return {
        "blobs": [str(digest) for digest, _ in store.layout.blobs()],
        "layers": [str(diff_id) for diff_id in store.layers],
        "ingest": os.listdir(store.layout.ingest),
    }


def without_marks(tree: Path) -> dict[bytes, Record]:
    """The tree but for overlayfs' whiteouts, whose times mean nothing."""
    return {path: found for path, found in snapshot_tree(tree).items() if found.kind != "character"}


@pytest.mark.parametrize("media_type", FORMS)
def test_blob_index_and_tree_come_together(media_type: str, store: Store) -> None:
    memory = Memory()
    blob = memory.add(COMPRESS[FORMS[media_type]](TAR), media_type)
    store.unpacking.push(blob, memory)
    assert contents(store) == {"blobs": [blob.digest], "layers": [DIFF_ID], "ingest": []}
    assert memory.read[blob.digest] == blob.size
    index = store.layers.index(DIFF_ID)
    assert index is not None
    with index:
        assert list(index) == tars.no_tree(TAR)[0]
        assert index.header.size == len(TAR)
        assert index.header.content == 3 << 20
        assert index.header.root == LAYER[0].entry
    tree = store.layers.tree(DIFF_ID)
    assert tree is not None
    tars.overlay_tree(tree.parent / "again", TAR)
    assert difference(*(without_marks(path) for path in (tree, tree.parent / "again"))) == []


@pytest.mark.parametrize("media_type", FORMS)
@pytest.mark.parametrize("form", ["none", "gzip", "zstd", "xz", "bzip2"])
def test_content_decides_how_a_layer_is_compressed(media_type: str, form: str, store: Store) -> None:
    memory = Memory()
    store.unpacking.push(memory.add(COMPRESS[form](TAR), media_type), memory)
    assert list(store.layers) == [DIFF_ID]


def test_what_follows_the_tar_belongs_to_the_diff_id(store: Store) -> None:
    memory = Memory()
    tar = TAR + os.urandom(3 << 20)
    store.unpacking.push(memory.add(bytes(gzip_member(tar) + gzip_member(b"more")), media_types.OCI_LAYER_GZIP), memory)
    assert list(store.layers) == [DiffId.of(tar + b"more")]


def test_what_is_no_layer_is_only_kept(store: Store) -> None:
    memory = Memory()
    blob = memory.add(b"{}", media_types.OCI_CONFIG)
    store.unpacking.push(blob, memory)
    assert contents(store) == {"blobs": [blob.digest], "layers": [], "ingest": []}


def test_a_download_that_is_cut_goes_on_and_is_unpacked_whole(store: Store) -> None:
    memory = Memory()
    blob = memory.add(gzip.compress(TAR, 1), media_types.OCI_LAYER_GZIP)
    memory.breaks[blob.digest] = blob.size // 2
    with pytest.raises(Unavailable):
        store.unpacking.push(blob, memory)
    assert contents(store)["layers"] == []
    assert [name for name in contents(store)["ingest"] if not name.endswith(".part")] == []
    store.unpacking.push(blob, memory)
    assert contents(store) == {"blobs": [blob.digest], "layers": [DIFF_ID], "ingest": []}
    assert memory.read[blob.digest] == blob.size


BAD = {
    "not a tar": gzip.compress(b"this is no tar" * 100),
    "not compressed, not a tar": b"this is nothing at all" * 100,
    "gzip cut short": gzip.compress(TAR)[:-100],
    "tar cut short": gzip.compress(TAR[:-5000]),
    "bad checksum in gzip": gzip.compress(TAR)[:-8] + bytes(8),
    "dotdot": gzip.compress(tars.file(b"../x") + tars.END),
    "dotdot at the end of much": gzip.compress(TAR[:-1024] + tars.file(b"../x") + tars.END),
    "hard link to nothing within": gzip.compress(tars.hardlink(b"a", b"a") + tars.END),
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD.keys())
def test_a_damaged_layer_leaves_nothing(data: bytes, store: Store) -> None:
    memory = Memory()
    blob = memory.add(data, media_types.OCI_LAYER_GZIP)
    with pytest.raises(Invalid):
        store.unpacking.push(blob, memory)
    assert contents(store) == {"blobs": [], "layers": [], "ingest": []}


def test_no_hostile_layer_leaves_a_rest_when_it_is_refused(store: Store, tmp_path: Path) -> None:
    need_root()  # who else unpacks here may not write to what is another's
    refused = 0
    for name, archive in PLAIN.items():
        memory = Memory()
        blob = memory.add(pointed(archive, os.fsencode(tmp_path / "outside")) + tars.END, media_types.OCI_LAYER)
        before = contents(store)
        try:
            store.unpacking.push(blob, memory)
        except ScowError:
            refused += 1
            assert contents(store) == before, name
        assert contents(store)["ingest"] == [], name
    assert refused > 20
    assert not (tmp_path / "outside").exists()


def test_wrong_bytes_leave_nothing(store: Store) -> None:
    memory = Memory()
    blob = memory.add(gzip.compress(TAR), media_types.OCI_LAYER_GZIP)
    memory.blobs[blob.digest] = gzip.compress(TAR + b"x")[: blob.size]
    with pytest.raises((Integrity, Invalid)):
        store.unpacking.push(blob, memory)
    assert contents(store) == {"blobs": [], "layers": [], "ingest": []}


def test_a_diff_id_that_is_not_the_layers_is_refused(store: Store) -> None:
    memory = Memory()
    blob = memory.add(gzip.compress(TAR), media_types.OCI_LAYER_GZIP)
    store.unpacking.push(blob, memory)
    wrong = DiffId.of(b"another layer")
    for ask in (store.unpacking.tree, store.unpacking.index):
        with pytest.raises(Integrity) as caught:
            ask(Layer(blob, wrong))
        assert (caught.value.expected, caught.value.actual) == (wrong, DIFF_ID)
    assert list(store.layers) == [DIFF_ID]


def test_what_is_missing_is_made_up_for_from_the_blob(store: Store) -> None:
    memory = Memory()
    blob = memory.add(gzip.compress(TAR), media_types.OCI_LAYER_GZIP)
    indexes_only = Unpacking(store.layout, store.layers, trees=False)
    indexes_only.push(blob, memory)
    assert store.layers.tree(DIFF_ID) is None
    assert store.layers.header(DIFF_ID) is not None
    tree = store.unpacking.tree(Layer(blob, DIFF_ID))
    assert (tree / "d" / "f").stat().st_size == 3 << 20
    remove(store.layers.home(DIFF_ID))
    assert list(store.layers) == []
    with store.unpacking.index(Layer(blob, DIFF_ID)) as index:
        assert index.header.entries == len(LAYER)
    assert store.layers.tree(DIFF_ID) is None


def test_a_damaged_index_is_made_again(store: Store) -> None:
    memory = Memory()
    blob = memory.add(gzip.compress(TAR), media_types.OCI_LAYER_GZIP)
    store.unpacking.push(blob, memory)
    (store.layers.home(DIFF_ID) / "index").write_bytes(bytes(10_000))
    with store.unpacking.index(Layer(blob, DIFF_ID)) as index:
        assert len(list(index)) == len(LAYER)


def test_after_a_reboot_a_whole_tree_is_kept_and_a_damaged_one_made_again(store: Store) -> None:
    memory = Memory()
    blob = memory.add(gzip.compress(TAR), media_types.OCI_LAYER_GZIP)
    store.unpacking.push(blob, memory)
    tree = store.unpacking.tree(Layer(blob, DIFF_ID))
    marker = tree.with_suffix(".boot")
    inode = tree.stat().st_ino
    marker.write_text("another boot")
    assert store.unpacking.tree(Layer(blob, DIFF_ID)).stat().st_ino == inode
    assert marker.read_text() != "another boot"
    marker.write_text("another boot")
    (tree / "d" / "f").write_bytes(b"")
    again = store.unpacking.tree(Layer(blob, DIFF_ID))
    assert (again / "d" / "f").stat().st_size == 3 << 20
    assert os.listdir(store.layout.ingest) == []


def test_an_image_is_loaded_from_the_store(store: Store) -> None:
    made = images.stored(store, [LAYER, [item("e")]], "me/app:1")
    image = load(store.layout, store.layout.resolve("me/app:1"))
    assert list(image.layers) == made
    assert image.id == image.manifest.config.digest
    assert isinstance(image.descriptor, Descriptor)


def mountable(store: Path) -> Store:
    images.need_mountable(Path(tempfile.gettempdir()))
    made = Store(store, lambda: True)
    made.layout.create()
    return made


@pytest.mark.parametrize("form", ["none", "gzip"])
@pytest.mark.parametrize("way", ["while it comes", "later"])
def test_a_plain_blob_is_the_tar_of_its_mountable_tree(way: str, form: str, tmp_path: Path) -> None:
    """Written once: the blob and the tree's tar are one file, which is there while either is."""
    store, memory = mountable(tmp_path / "store"), Memory()
    media_type = next(media_type for media_type, one in FORMS.items() if one == form)
    blob = memory.add(COMPRESS[form](TAR), media_type)
    (store.layout if way == "later" else store.unpacking).push(blob, memory)
    tree = store.unpacking.tree(Layer(blob, DIFF_ID))
    assert (tree / "tar").read_bytes() == TAR
    assert (tree / "tar").samefile(store.layout.path(blob.digest)) is (form == "none")
    store.layout.path(blob.digest).unlink()
    assert store.layers.tree(DIFF_ID) == tree
    with Index(store.layers.home(DIFF_ID) / "index") as index:
        assert tree_problem(tree, DIFF_ID, index) == ""


def test_where_a_blob_cannot_have_another_name_it_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    store, memory = mountable(tmp_path / "store"), Memory()
    blob = memory.add(TAR, media_types.OCI_LAYER)
    store.unpacking.push(blob, memory)
    tree = store.layers.tree(DIFF_ID)
    assert tree is not None
    assert (tree / "tar").read_bytes() == TAR
    assert not (tree / "tar").samefile(store.layout.path(blob.digest))


def test_a_damaged_plain_blob_does_not_become_a_tree(tmp_path: Path) -> None:
    store, memory = mountable(tmp_path / "store"), Memory()
    blob = memory.add(TAR, media_types.OCI_LAYER)
    store.layout.push(blob, memory)
    path = store.layout.path(blob.digest)
    path.chmod(0o600)
    path.write_bytes(TAR[:5000] + bytes([TAR[5000] ^ 1]) + TAR[5001:])
    with pytest.raises(Integrity):
        store.unpacking.tree(Layer(blob, DIFF_ID))
    assert store.layers.tree(DIFF_ID) is None


def test_a_plain_tar_that_says_it_is_gzip_is_the_tree_too(tmp_path: Path) -> None:
    """Content decides, also of what a media type calls uncompressed."""
    store, memory = mountable(tmp_path / "store"), Memory()
    wrong = memory.add(TAR, media_types.OCI_LAYER_GZIP)
    store.unpacking.push(wrong, memory)
    other = memory.add(bytes(gzip_member(TAR)), media_types.OCI_LAYER)
    store.unpacking.push(other, memory)
    tree = store.unpacking.tree(Layer(wrong, DIFF_ID))
    assert (tree / "tar").samefile(store.layout.path(wrong.digest))


def test_a_blob_that_is_part_of_its_tree_is_not_shed(tmp_path: Path) -> None:
    """It would give nothing back."""
    store = mountable(tmp_path / "store")
    layers = images.stored(store, [[item("gzip")], [item("plain")]])
    shed(store, load(store.layout, store.layout.resolve("test:latest")), "localhost/test")
    assert [store.layout.path(layer.descriptor.digest).exists() for layer in layers] == [False, True]
