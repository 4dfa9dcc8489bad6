"""``compression``, ``compression-level`` and ``force-compression``: which layers change, and what stays the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.build.conftest import Kitchen

from scow.engine.builds import compressing
from scow.engine.builds.caching import CacheFrom, CacheTo
from scow.engine.builds.compressing import Compression
from scow.errors import Invalid
from scow.image.image import Image, load
from scow.layer.compression import detected, inflated
from scow.oci.descriptor import Descriptor
from scow.oci.digest import Digest
from scow.oci.media_types import LAYERS

TEXT = "FROM busybox AS one\nCOPY f /f\nFROM one\nCOPY f /g\n"


def build(kitchen: Kitchen, **given: Any) -> Image:
    """The image that this build made: its id alone says nothing of how it is compressed."""
    made: list[Descriptor] = []
    kitchen.build(TEXT, built=made.append, **given)
    return load(kitchen.engine.workplace.store.layout, made[0])


def kinds(image: Image) -> list[str]:
    """How each layer is compressed."""
    return [LAYERS[layer.media_type] for layer in image.manifest.layers]


@pytest.fixture(autouse=True)
def _file(kitchen: Kitchen) -> None:
    kitchen.file("f", "text " * 10_000)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (Compression("zstd"), ["gzip", "zstd", "zstd"]),
        (Compression("none"), ["gzip", "none", "none"]),
        (Compression("zstd", 19, force=True), ["zstd", "zstd", "zstd"]),
        (Compression("gzip", force=True), ["gzip", "gzip", "gzip"]),
    ],
)
def test_new_layers_and_those_of_the_base(kitchen: Kitchen, asked: Compression, found: list[str]) -> None:
    """The base's only by force; the image is the same one."""
    plain = build(kitchen, use_cache=False)
    image = build(kitchen, compression=asked)
    assert kinds(image) == found
    assert (image.id, kinds(plain)) == (plain.id, ["gzip", "gzip", "gzip"])
    assert (image.descriptor == plain.descriptor) is (asked.kind == "gzip")
    layout = kitchen.engine.workplace.store.layout
    for layer in image.layers:
        with layout.open(layer.descriptor) as reader:
            assert str(Digest.of(b"".join(iter(inflated(*detected(reader)).read, b"")))) == str(layer.diff_id)


def test_a_level_is_for_what_is_new(kitchen: Kitchen) -> None:
    """A base of that kind stays, even by force, as with BuildKit."""
    sizes = []
    for level in (0, 1, 9):
        image = build(kitchen, compression=Compression("gzip", level, force=True))
        assert image.manifest.layers[0] == kitchen.engine.images.find("busybox").image.manifest.layers[0]
        sizes.append(image.manifest.layers[1].size)
    assert sizes[0] > 50_000 > sizes[1] > sizes[2]


def test_a_layer_is_compressed_once(kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch) -> None:
    kitchen.file("f", "of this test alone")
    asked, store = Compression("zstd", 2), kitchen.engine.workplace.store
    gzip = build(kitchen).manifest.layers[1].digest
    first = build(kitchen, compression=asked)
    with monkeypatch.context() as patched:
        patched.delattr(compressing, "squeezed")
        assert build(kitchen, compression=asked).descriptor == first.descriptor
    (piece,) = [one for one in kitchen.engine.system.cache() if one.id == first.diff_ids[1].hex]
    assert piece.size == sum(map(store.room, {gzip, first.manifest.layers[1].digest, first.diff_ids[1]}))


def test_a_level_that_there_is_not(kitchen: Kitchen, tmp_path: Path) -> None:
    """Refused before the first step."""
    for given in (
        {"compression": Compression("zstd", 23)},
        {"cache_to": [CacheTo("local", str(tmp_path / "c"), compression=Compression("gzip", 13))]},
    ):
        with pytest.raises(Invalid, match=r"compression-level (23|13): (zstd|gzip) has levels from 0 to"):
            kitchen.build("RUN false\n", **given)


def test_a_cache(kitchen: Kitchen, tmp_path: Path) -> None:
    """A build that takes it has its layers as they are in it."""
    where = str(tmp_path / "c")
    image = build(kitchen, cache_to=[CacheTo("local", where, compression=Compression("zstd"))])
    assert kinds(image) == ["gzip", "gzip", "gzip"]
    kitchen.engine.images.remove(image.id)
    kitchen.engine.system.prune_cache(every=True)
    taken = build(kitchen, cache_from=[CacheFrom("local", where)])
    assert (kitchen.ran, kinds(taken), taken.id) == ([], ["gzip", "zstd", "zstd"], image.id)
    assert kinds(build(kitchen, compression=Compression("gzip", 6))) == ["gzip", "gzip", "gzip"]
