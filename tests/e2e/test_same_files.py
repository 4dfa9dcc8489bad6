"""What a container sees is, path by path, what umoci unpacks from the same image."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.e2e.actors import Actor
from tests.e2e.tricky import ALL, TIME, Layer, as_archive, write_image
from tests.support.peers import need_root
from tests.support.trees import Record, difference, snapshot_tar, snapshot_tree, umoci_unpack

pytestmark = [pytest.mark.peers, pytest.mark.slow]

#: what a runtime mounts over the image's files, or makes so that it can
MOUNTED = (b"proc", b"sys", b"dev", b"etc/resolv.conf", b"etc/hosts", b"etc/hostname")


@dataclass(frozen=True)
class Unpacked:
    """An image as a tar that ``load`` takes, and what umoci makes of it."""

    archive: Path
    tree: Mapping[bytes, Record]
    began: int

    @property
    def timeless(self) -> set[bytes]:
        """Directories that umoci left with the time of its work: no layer says theirs, or a whiteout touched them."""
        late = 4_000_000_000 * 10**9
        directories = {path: found for path, found in self.tree.items() if found.kind == "directory"}
        return {path for path, found in directories.items() if self.began <= found.mtime_ns < late}


def unpacked(directory: Path, base: Path, fills: tuple[Callable[[Layer], None], ...] = ALL) -> Unpacked:
    """The image of ``base`` and the tricky layers."""
    need_root()
    write_image(directory / "layout", base, "tricky:latest", fills)
    began = time.time_ns() - 10**9
    tree = snapshot_tree(umoci_unpack(directory / "layout", "tricky:latest", directory / "bundle"))
    return Unpacked(as_archive(directory / "layout"), tree, began)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, busybox_tar: Path) -> Unpacked:
    """Tricky layers over busybox."""
    return unpacked(tmp_path_factory.mktemp("small"), busybox_tar)


@pytest.fixture(scope="module")
def debian(tmp_path_factory: pytest.TempPathFactory, debian_tar: Path) -> Unpacked:
    """Tricky layers over Debian."""
    return unpacked(tmp_path_factory.mktemp("debian"), debian_tar)


def container_of(actor: Actor, image: Unpacked, *command: str) -> bytes:
    """Load the image and run a command in the container ``looker``; what it writes to standard output."""
    archive = actor.copy(image.archive, "image.tar")
    actor("load", "-i", str(archive)).ok()
    return actor("run", "--name", "looker", "tricky:latest", *command).ok().output


def without(tree: Mapping[bytes, Record], *paths: bytes) -> dict[bytes, Record]:
    """The tree without ``paths`` and what is beneath them; the root's own time is nobody's."""
    tops = {path for path in tree for top in (*paths, b".") if path == top or path.startswith(top + b"/")}
    return {path: record for path, record in tree.items() if path not in tops}


def exported(actor: Actor) -> dict[bytes, Record]:
    """The container's files, from ``scow export``."""
    path = actor.file("exported/files.tar")
    actor("export", "-o", str(path), "looker").ok()
    return snapshot_tar(path)


def check_same(found: Mapping[bytes, Record], image: Unpacked) -> None:
    """Every path, every field; what runtimes mount over apart, and the times that umoci could not know."""
    times = {path: image.tree[path].mtime_ns for path in image.timeless if path in found}
    found = {**found, **{path: dataclasses.replace(found[path], mtime_ns=time) for path, time in times.items()}}
    lines = difference(without(found, *MOUNTED), without(image.tree, *MOUNTED))
    assert not lines, "\n".join(lines[:50])


def test_the_image_is_as_tricky_as_it_should_be(small: Unpacked) -> None:
    """The oracle itself: if umoci lost something, the other tests would show nothing."""
    tree = small.tree
    assert tree[b"t/setuid"].content != tree[b"t/empty"].content
    assert tree[b"t/linked"].links == (b"t/linked", b"t/linked-below", b"t/linked-three", b"t/linked-too")
    assert dict(tree[b"t/capable"].xattrs).keys() == {"security.capability"}
    assert tree[b"t/exact"].mtime_ns == 1_600_000_000_123_456_789
    assert sorted(path for path in tree if path.startswith(b"t/opaque/")) == [b"t/opaque/third"]
    assert sorted(path for path in tree if path.startswith(b"t/opaque-late/")) == [b"t/opaque-late/new"]
    assert sorted(path for path in tree if path.startswith(b"t/gone")) == [
        b"t/gone", b"t/gone-once-more", b"t/gone/other",
    ]  # fmt: skip
    assert os.fsencode("t/latin-\udce9\udcff") in tree
    assert len(small.timeless) <= 6
    assert {record.kind for record in tree.values()} == {"file", "directory", "symlink", "character", "block", "fifo"}


def test_export_is_what_umoci_unpacks(actor: Actor, small: Unpacked) -> None:
    """As an ordinary user too, whose file system cannot hold the owners, the devices and the capabilities."""
    container_of(actor, small, "true")
    found = exported(actor)
    check_same(found, small)
    assert found[b"t"].mtime_ns == int(TIME * 10**9)  # the layer's word, not the moment a whiteout was applied


def test_export_of_debian_is_what_umoci_unpacks(caller: Actor, debian: Unpacked) -> None:
    container_of(caller, debian, "true")
    left = exported(caller)
    assert len(left) > 8_000
    check_same(left, debian)


def test_inside_the_container_is_what_umoci_unpacks(caller: Actor, debian: Unpacked) -> None:
    """GNU tar, run in the container, reads the mounted file system."""
    tar = (
        "tar", "-c", "-f", "-", "-C", "/", "--format=posix", "--xattrs", "--xattrs-include=*", "--one-file-system",
        "--pax-option=delete=atime,delete=ctime", "--exclude=./.dockerenv", "--exclude=./etc/mtab", ".",
    )  # fmt: skip
    archive = caller.directory / "inside.tar"
    archive.write_bytes(container_of(caller, debian, *tar))
    left = snapshot_tar(archive)
    assert len(left) > 8_000
    check_same(left, debian)


def test_the_store_keeps_the_layers_as_they_came(actor: Actor, small: Unpacked) -> None:
    """save gives back the same layers: no owner, device or attribute went through the file system."""
    archive = actor.copy(small.archive, "image.tar")
    actor("load", "-i", str(archive)).ok()
    again = actor.on("second")
    again("load", stdin=actor("save", "tricky:latest").ok().output).ok()
    shown = "{{.Id}} {{.RootFS.Layers}}"
    told = again("inspect", "-f", shown, "tricky:latest").ok().stdout
    assert told == actor("inspect", "-f", shown, "tricky:latest").ok().stdout
    assert len(told.split()) == 5
