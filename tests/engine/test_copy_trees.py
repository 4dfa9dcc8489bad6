"""Whatever a copy does to an image on its way, its files stay what they are: judged by umoci, on an image that has all
that a layer can have (xattrs, capabilities, hard links, sparse files, devices, odd names, whiteouts)."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.e2e.tricky import write_image
from tests.support.peers import need, need_root, path_of
from tests.support.processes import CLEAN_ENVIRONMENT
from tests.support.registries import Registry
from tests.support.trees import Record, difference, snapshot_tree, umoci_unpack

from scow import Engine
from scow.image.rewrite import Wish

pytestmark = [pytest.mark.peers, pytest.mark.slow]
TAG = "tricky"


def unpacked(layout: Path, tag: str, bundle: Path) -> Mapping[bytes, Record]:
    """What umoci makes of an image, but for directories whose time no layer says."""
    began = time.time_ns() - 10**9
    tree = snapshot_tree(umoci_unpack(layout, tag, bundle))
    return {path: found for path, found in tree.items() if not began <= found.mtime_ns < 4_000_000_000 * 10**9}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory, busybox_tar: Path) -> tuple[Path, Mapping[bytes, Record]]:
    """The image's layout, and its files."""
    need("umoci", "skopeo")
    need_root()
    directory = tmp_path_factory.mktemp("original")
    write_image(directory / "layout", busybox_tar, TAG)
    return directory / "layout", unpacked(directory / "layout", TAG, directory / "bundle")


def skopeo_copy(source: str, target: str, *flags: str) -> None:
    argv = [path_of("skopeo"), "--insecure-policy", "copy", *flags, source, target]
    done = subprocess.run(argv, env=CLEAN_ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def same(layout: Path, tag: str, original: Mapping[bytes, Record], bundle: Path) -> None:
    found = unpacked(layout, tag, bundle)
    both = found.keys() & original.keys()
    assert len(both) > 300
    assert difference({path: found[path] for path in both}, {path: original[path] for path in both}) == []
    assert set(snapshot_tree(bundle)) >= set(original)


@pytest.mark.parametrize(
    ("compression", "family"),
    [("gzip", "oci"), ("gzip", "docker"), ("none", "oci"), ("none", "docker"), ("zstd", "oci")],
)
def test_out_of_scow(
    compression: str,
    family: str,
    original: tuple[Path, Mapping[bytes, Record]],
    open_registry: Registry,
    tmp_path: Path,
) -> None:
    layout, tree = original
    engine = Engine(tmp_path / "store")
    remote = f"docker://{open_registry.host}/trees/{compression}-{family}:1"
    wish = Wish(compression, family="docker" if family == "docker" else "oci")
    engine.registries.copy(f"oci:{layout}:{TAG}", remote, wish=wish)
    if compression == "zstd":  # which umoci does not read: scow brings it back
        engine.registries.copy(remote, f"oci:{tmp_path / 'out'}:x", wish=Wish("gzip"))
    else:
        skopeo_copy(remote, f"oci:{tmp_path / 'out'}:x", "--src-tls-verify=false")
    same(tmp_path / "out", "x", tree, tmp_path / "bundle")


@pytest.mark.parametrize("family", ["oci", "v2s2"])
def test_into_scow_and_out_again(
    family: str, original: tuple[Path, Mapping[bytes, Record]], open_registry: Registry, tmp_path: Path
) -> None:
    layout, tree = original
    engine = Engine(tmp_path / "store")
    remote = f"docker://{open_registry.host}/trees/skopeo-{family}:1"
    skopeo_copy(f"oci:{layout}:{TAG}", remote, "--dest-tls-verify=false", "--format", family)
    engine.registries.copy(remote, "store:tricky")
    engine.registries.copy("store:tricky", f"docker-archive:{tmp_path / 'image.tar'}:tricky:1")
    engine.registries.copy(
        f"docker-archive:{tmp_path / 'image.tar'}", f"oci:{tmp_path / 'out'}:x", wish=Wish(family="oci")
    )
    same(tmp_path / "out", "x", tree, tmp_path / "bundle")
    assert engine.system.check().sound
