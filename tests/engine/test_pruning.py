"""What a prune or collection may never take."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from tests.layer import tars
from tests.layer.tars import item

from scow import Engine
from scow.content.lock import Lease
from scow.image import rootfs
from scow.image.rewrite import Wish
from scow.oci.descriptor import Descriptor
from scow.oci.digest import chain_id

ROOTFS = tars.write([item("file", data=b"x" * 10_000)])


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    made = Engine(tmp_path / "store")
    made.images.import_(io.BytesIO(ROOTFS), "tiny:1")
    return made


def test_a_manifest_that_a_command_holds_keeps_all_below_it(engine: Engine) -> None:
    """A command holds an image part by part; a collection that comes when it has only the manifest takes no part of an
    image that has a name."""
    manifest = engine.images.find("tiny:1").image.descriptor.digest
    lease = Lease(engine.root / "leases")
    try:
        lease.hold(manifest)
        engine.system.prune()
    finally:
        lease.close()
    assert engine.system.check().sound
    assert engine.images.find("tiny:1").image.config is not None


def test_a_name_survives_the_dangling_image_of_the_same_id(engine: Engine) -> None:
    """The same config under two manifests: the older one is nameless, and goes alone."""
    before = engine.images.find("tiny:1").image
    engine.registries.copy("store:tiny:1", "store:tiny:1", wish=Wish("zstd"))
    after = engine.images.find("tiny:1").image
    assert (before.id, before.descriptor.digest == after.descriptor.digest) == (after.id, False)
    assert {one.dangling for one in engine.images.list()} == {True, False}
    engine.system.prune()
    assert [one.names for one in engine.images.list()] == [("tiny:1",)]
    assert engine.images.find("tiny:1").image.descriptor == after.descriptor


def test_a_name_given_meanwhile_stays(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between looking for dangling images and letting them go, somebody names one."""
    digest = engine.images.find("tiny:1").image.id
    engine.images.import_(io.BytesIO(tars.write([item("other")])), "tiny:1")
    rename = engine.workplace.store.layout.rename

    def late(change: object) -> None:
        monkeypatch.undo()
        engine.images.tag(digest, "saved:1")
        rename(change)  # type: ignore[arg-type]

    monkeypatch.setattr(engine.workplace.store.layout, "rename", late)
    engine.system.prune()
    assert engine.images.find("saved:1").image.id == digest


def test_the_snapshots_of_an_image_go_with_it(engine: Engine, tmp_path: Path) -> None:
    """Those of each height of its layers: a container may have any of them mounted."""
    engine.images.build(tmp_path, dockerfile=b"FROM tiny:1\nCOPY <<E /f\nE\n", tags=["tiny:1"])
    engine.system.prune()
    store, image = engine.workplace.store, engine.images.find("tiny:1").image
    heights = [chain for count in (1, 2) if (chain := chain_id(image.diff_ids[:count]))]
    for chain in heights:
        store.snapshots.tree(chain, "fix", lambda path: None)
    blobs = {image.descriptor.digest, image.manifest.config.digest}  # the layers are in the build cache, too
    size = sum(store.layout.path(blob).stat().st_size for blob in blobs)
    engine.system.prune()
    assert set(store.snapshots) == set(heights)
    engine.images.remove("tiny:1", prune=False)
    collected = engine.workplace.collect()
    assert set(store.snapshots) == set()
    assert blobs | {str(heights[1])} <= set(collected.names)
    assert collected.bytes >= size


def test_what_a_build_stacks_stays_while_it_works(engine: Engine) -> None:
    """It is no image's yet."""
    store, (layer,) = engine.workplace.store, engine.images.find("tiny:1").image.layers
    with store.layout.working():
        places, *_ = rootfs.with_mount_points((), [layer, layer], store, "step")
        engine.workplace.collect()
        assert (places / "proc").is_dir()
    engine.workplace.collect()
    assert not places.exists()


def test_what_was_built_not_to_stay_goes_even_when_it_could_not_leave(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    layout, made = engine.workplace.store.layout, list[Descriptor]()
    with pytest.raises(BrokenPipeError), engine.images.held():
        engine.images.build(tmp_path, stays=False, built=made.append)
        assert layout.exists(made[0])
        raise BrokenPipeError
    assert not layout.exists(made[0])
