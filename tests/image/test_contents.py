"""Looking at an image: the same files whether they come from trees, from blobs, or from a plain directory."""

from __future__ import annotations

import gzip
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from tests.image import images
from tests.layer import tars
from tests.layer.tars import item

from scow.content.target import Reader
from scow.content.through import Through
from scow.errors import Integrity, Invalid, NotFound
from scow.image.contents import Contents, ImageContents, from_tree
from scow.image.directory import DirectoryContents
from scow.image.image import load
from scow.image.store import Store
from scow.layer.entry import Entry
from scow.layer.view import Found
from scow.testing.contract import Memory

LAYERS = [
    [item("etc", "dir"), item("etc/a", data=b"lower a"), item("etc/b", data=b"b"), item("gone", data=b"x")],
    [
        item("etc/b2x", data=b"two names"),
        item("etc/a", data=b"upper a"),
        item("gone", "whiteout"),
        item("etc/b2", "hardlink", link=b"etc/b2x"),
    ],
]
EXPECTED = {b"etc/a": b"upper a", b"etc/b": b"b", b"etc/b2": b"two names"}


def shown(contents: Contents) -> dict[bytes, bytes]:
    """Every file with its bytes, a file of two names under its first."""
    return {found.entry.path: images.read(contents, found) for found in contents.view.walk() if found.entry.size}


def every(contents: Contents) -> dict[bytes, bytes]:
    """The same by one pass."""
    found = [one for one in contents.view.walk() if one.entry.kind == "file"]
    return {one.entry.path: b"".join(iter(partial(reader.read, 3), b"")) for one, reader in contents.each(found)}


@pytest.fixture
def memory() -> Memory:
    return Memory()


def look(memory: Memory, store: Store, layers: list[bytes]) -> ImageContents:
    image = load(memory, images.add_image(memory, images.add_layers(memory, layers)))
    return ImageContents(image, store, memory)


def test_out_of_the_layers_bytes(memory: Memory, tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.layout.working():
        contents = look(memory, store, [tars.write(layer) for layer in LAYERS])
        assert shown(contents) == {**EXPECTED, b"etc/b2x": b"two names"}
        assert every(contents) == EXPECTED
    assert not list(store.layout.blobs())  # nothing of it came to stay


def test_out_of_trees(tmp_path: Path) -> None:
    store = Store(tmp_path)
    images.stored(store, LAYERS)
    contents = ImageContents(load(store.layout, store.layout.resolve("test:latest")), store, store.layout)
    assert all(store.layers.tree(layer.diff_id) for layer in contents.layers)
    assert every(contents) == EXPECTED


def test_through_the_store(memory: Memory, tmp_path: Path) -> None:
    store = Store(tmp_path)
    image = images.add_image(memory, images.add_layers(memory, [tars.write(layer) for layer in LAYERS]))
    with store.layout.working():
        source = Through(memory, store.layout)
        contents = ImageContents(load(source, image), store, source)
        assert every(contents) == EXPECTED
        assert len(list(store.layout.blobs())) == 4


def test_a_path_that_comes_twice_in_a_layer(memory: Memory, tmp_path: Path) -> None:
    layer = tars.file(b"a", b"first") + tars.file(b"b", b"b") + tars.file(b"a", b"second") + tars.END
    assert every(look(memory, Store(tmp_path), [layer])) == {b"a": b"second", b"b": b"b"}


def test_holes_are_zeros(memory: Memory, tmp_path: Path) -> None:
    name = tmp_path / "sparse"
    with name.open("wb") as file:
        file.truncate(3 << 20)
        file.seek(2 << 20)
        file.write(b"here")
    subprocess.run(["tar", "-C", tmp_path, "--sparse", "-cf", tmp_path / "t.tar", "sparse"], check=True)
    contents = look(memory, Store(tmp_path / "store"), [(tmp_path / "t.tar").read_bytes()])
    found = contents.view.find(b"sparse")
    assert found is not None
    assert found.entry.offset == -1
    assert images.read(contents, found) == name.read_bytes()


def test_links_and_limits(memory: Memory, tmp_path: Path) -> None:
    contents = look(memory, Store(tmp_path), [tars.file(b"a", b"12345") + tars.symlink(b"l", b"a") + tars.END])
    file, link = contents.view.find(b"a"), contents.view.find(b"l")
    assert file is not None
    assert link is not None
    assert images.read(contents, file) == b"12345"
    assert list(contents.each([link])) == []


def test_bytes_that_changed_since_the_index_was_made(memory: Memory, tmp_path: Path) -> None:
    store = Store(tmp_path)
    contents = look(memory, store, [tars.file(b"a", b"12345") + tars.END])
    found = contents.view.find(b"a")
    assert found is not None
    other = gzip.compress(tars.file(b"a", b"1234x") + tars.END, 1, mtime=0)
    memory.blobs[contents.layers[0].descriptor.digest] = other
    with pytest.raises(Integrity):
        images.read(contents, found)


def test_a_plain_directory(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/a").write_bytes(b"12345")
    (tmp_path / "etc/out").symlink_to("/etc/passwd")
    contents = DirectoryContents(tmp_path)
    assert [found.entry.path for found in contents.view.walk()] == [b"", b"etc", b"etc/a", b"etc/out"]
    assert every(contents) == {b"etc/a": b"12345"}
    with pytest.raises(NotFound):
        DirectoryContents(tmp_path / "etc/a")


def test_a_path_behind_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/f").write_bytes(b"secret")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/d").symlink_to(tmp_path / "outside")
    found = Found(Entry(b"d/f", "file", size=6), 0, b"d/f")
    with pytest.raises(Invalid, match="behind a link"):
        list(from_tree(tmp_path / "tree", [found]))
    (tmp_path / "way").symlink_to(tmp_path / "outside")  # a link to the tree itself is the user's own
    assert [reader.read() for _, reader in from_tree(tmp_path / "way", [Found(found.entry, 0, b"f")])] == [b"secret"]


def test_files_are_read_while_the_index_is_made(memory: Memory, tmp_path: Path) -> None:
    """One pass: whoever wants a file need not read to its end, and the index is none the worse for it."""
    layer = tars.file(b"a", b"first") + tars.file(b"b", b"b" * 9999) + tars.file(b"c", b"c") + tars.END
    contents, plain = (look(memory, Store(tmp_path / name), [layer]) for name in ("watched", "plain"))
    read: dict[bytes, bytes] = {}

    def watch(entry: Entry) -> Callable[[Reader], None] | None:
        return None if entry.path == b"c" else lambda reader: read.update({entry.path: reader.read(3)})

    assert contents.watch(0, watch)
    assert read == {b"a": b"fir", b"b": b"bbb"}
    assert list(contents.digested(0)) == list(plain.digested(0))
    assert not contents.watch(0, lambda entry: pytest.fail("there is an index now"))
