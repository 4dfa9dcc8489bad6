"""The same image, unpacked by scow and by umoci, path by path."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.image import images
from tests.image.images import Mounter
from tests.layer.tars import Item, item
from tests.support.peers import need, need_root, path_of
from tests.support.trees import Record, difference, snapshot_tree, umoci_unpack

from scow.image import rootfs
from scow.image.store import Store
from scow.layer.rights import MOUNTABLE

pytestmark = pytest.mark.peers

T = 1_600_000_000 * 10**9


@pytest.fixture(scope="module")
def mount() -> Iterator[Mounter]:
    need("umoci")
    need_root()
    top = Path(tempfile.mkdtemp(prefix="scow-peers-"))
    try:
        with images.mounter(top / "at") as found:
            yield found
    finally:
        shutil.rmtree(top)


def directory(path: str, mode: int = 0o755, **fields: Any) -> Item:
    return item(path, "dir", mode=mode, mtime=T, **fields)


def file(path: str, data: bytes = b"data", mode: int = 0o644, **fields: Any) -> Item:
    return item(path, data=data, mode=mode, **{"mtime": T + 123, **fields})


def link(path: str, target: bytes) -> Item:
    return item(path, "symlink", link=target, mode=0o777, mtime=T + 5)


def hard(path: str, target: bytes) -> Item:
    return item(path, "hardlink", link=target, mode=0o644, mtime=T)


def base() -> list[Item]:
    """A small system: busybox, users, /tmp with its sticky bit, /lib as a symlink."""
    busybox = Path(path_of("busybox")).read_bytes()
    return [
        directory(""), directory("bin"), file("bin/busybox", busybox, 0o755), hard("bin/sh", b"bin/busybox"),
        link("bin/ls", b"busybox"), directory("etc"), file("etc/passwd", b"root:x:0:0::/root:/bin/sh\n"),
        directory("tmp", 0o1777), directory("usr"), directory("usr/lib"), file("usr/lib/libc.so", b"libc" * 1000),
        link("lib", b"usr/lib"), directory("var"), directory("var/cache", 0o2775, uid=33, gid=33),
        file("var/cache/one", uid=33, gid=33), file("var/cache/two"), directory("var/old"), file("var/old/x"),
        directory("home", 0o711), directory("home/app", 0o700, uid=1000, gid=1000),
        file("home/app/.profile", mode=0o600, uid=1000, gid=1000, mtime=-5 * 10**9),
        file("bin/ping", b"ping", 0o755, xattrs=((b"security.capability", bytes.fromhex(
            "0000000200200000000000000000000000000000")),)),
        file("bin/su", b"su", 0o4755), directory("dev"),
        item("dev/null", "char", mode=0o666, major=1, minor=3, mtime=T),
        item("dev/pipe", "fifo", mode=0o600, mtime=T), directory("opt"), directory("opt/app"), file("opt/app/v1"),
        file("opt/app/keep"), directory("srv"), file("srv/was-file"), directory("srv/was-dir"), file("srv/was-dir/x"),
        link("srv/was-link", b"/etc"), file("etc/motd", b"hello"), directory("usr/share"),
        directory("usr/share/doc", xattrs=((b"user.lang", b"en"),)), file("usr/share/doc/" + "long" * 50),
    ]  # fmt: skip


LAYERS: dict[str, list[list[Item]]] = {
    "one layer": [],
    "whiteouts": [[directory("var"), item("var/old", "whiteout"), directory("etc"), item("etc/motd", "whiteout")]],
    "whiteout and again": [
        [directory("var"), item("var/old", "whiteout")],
        [directory("var"), directory("var/old", 0o700), file("var/old/y")],
    ],
    "whiteout beside what replaces it": [
        [directory("var"), item("var/old", "whiteout"), directory("var/old", 0o700), file("var/old/y")],
    ],
    "opaque": [[directory("var"), directory("var/cache", 0o755), item("var/cache", "opaque"), file("var/cache/three")]],
    "implicit parents": [[file("tmp/x"), file("home/app/y", uid=1000), file("var/cache/z")]],
    "implicit parents, twice": [[file("tmp/x")], [file("tmp/y"), item("tmp/x", "whiteout")]],
    "implicit whiteouts": [[item("var/cache/one", "whiteout"), item("home/app/.profile", "whiteout")]],
    "hard links across layers": [[hard("opt/sh", b"bin/busybox"), hard("bin/su2", b"bin/su")]],
    "hard link across, then the target goes": [[hard("opt/motd", b"etc/motd")], [item("etc/motd", "whiteout")]],
    "hard link across, then the target changes": [
        [hard("opt/motd", b"etc/motd")], [directory("etc"), file("etc/motd", b"changed")],
    ],
    "through a lower symlink": [[file("lib/libnew.so")], [item("lib/libc.so", "whiteout")]],
    "kinds that change": [
        [directory("srv"), directory("srv/was-file"), file("srv/was-file/x"), file("srv/was-dir"),
         directory("srv/was-link"), file("srv/was-link/x")],
        [directory("srv"), link("srv/was-file", b"../etc"), directory("srv/was-dir"), file("srv/was-link")],
    ],
    "a directory that a symlink stands for": [[directory("lib"), file("lib/real")]],
    "attributes change": [
        [directory("tmp", 0o700, uid=5), directory("usr/share/doc"), file("bin/su", b"su", 0o755),
         directory("", 0o711)],
    ],
    "new deep paths": [[directory("a"), directory("a/b", 0o750), file("a/b/" + "n" * 200), link("a/l", b"b/" * 100)]],
    "many names, long ones, old times": [
        [directory("many"), *(file(f"many/{number}") for number in range(1500)), file("many/" + "x" * 255),
         item("many/old", mtime=-(10**15) - 1), item("many/-", "dir", mode=0o700), item("many/...", data=b"3")],
    ],
    "the same layer twice": [[directory("opt"), file("opt/twice")], [directory("opt"), file("opt/twice")]],
}  # fmt: skip


@pytest.mark.parametrize("name", LAYERS)
def test_it_is_what_umoci_unpacks(name: str, mount: Mounter, mounts: bool, tmp_path: Path) -> None:
    store = Store(tmp_path / "store", lambda: mounts)
    layers = [base(), *LAYERS[name]]
    made = images.stored(store, layers, "latest")
    expected = without_root(umoci(store, tmp_path))
    trees = [store.layers.tree(layer.diff_id) for layer in made]
    assert all(tree and (tree.name == MOUNTABLE) is mounts for tree in trees)
    overlay = mount.shows(rootfs.stack(made, store))
    assert difference(expected, without_root(overlay)) == []
    flat = snapshot_tree(rootfs.flat(made, store))
    assert difference(expected, without_root(flat)) == []


def umoci(store: Store, directory: Path) -> dict[bytes, Record]:
    return snapshot_tree(umoci_unpack(store.root, "latest", directory / "bundle"))


def without_root(tree: dict[bytes, Record]) -> dict[bytes, Record]:
    """The tree but for its root, which a container's upper directory shows."""
    return {path: found for path, found in tree.items() if path != b"."}


def test_the_root_directory_too(mount: Mounter, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    made = images.stored(store, [base(), [directory("", 0o711, uid=7)], [file("x")]], "latest")
    expected = umoci(store, tmp_path)[b"."]
    said = rootfs.root_entry(made, store)
    assert (said.mode, said.uid, said.gid, said.mtime) == (expected.mode, expected.uid, expected.gid, expected.mtime_ns)
    flat = snapshot_tree(rootfs.flat(made, store))[b"."]
    assert flat == expected
