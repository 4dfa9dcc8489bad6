"""``pull --keep``: what stays of each layer, and that everything works whatever stays."""

from __future__ import annotations

import io
import os
import tarfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.engine.places import Made

from scow import Engine
from scow.engine.values import Keep
from scow.errors import Invalid, NotFound, Unavailable, Unsupported
from scow.image.image import Image
from scow.layer.rights import MOUNTABLE
from scow.testing.registry import Registry

AMD = "linux/amd64"


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry() as made:
        yield made


@pytest.fixture
def name(registry: Registry, tmp_path: Path) -> str:
    """Two layers, and an index over two platforms that share the first."""
    return Made().at(Engine(tmp_path / "maker"), f"{registry.host}/team/app:1")


def pulled(engine: Engine, name: str, keep: Keep, platform: str = AMD) -> Image:
    engine.images.pull(name, platform=platform, keep=keep)
    return engine.images.find(name, platform).image


def kept(engine: Engine, image: Image) -> list[tuple[bool, bool]]:
    """Of each layer, whether its blob and its tree are there."""
    store = engine.workplace.store
    return [
        (store.layout.path(layer.descriptor.digest).exists(), store.layers.tree(layer.diff_id) is not None)
        for layer in image.layers
    ]


def blobs_asked_for(registry: Registry) -> int:
    return sum(one.method == "GET" and "/blobs/" in one.path for one in registry.seen)


WHAT_STAYS: dict[Keep, tuple[bool, bool]] = {
    "both": (True, True),
    "compressed": (True, False),
    "unpacked": (False, True),
}


@pytest.mark.parametrize("keep", WHAT_STAYS)
def test_what_stays(engine: Engine, name: str, keep: Keep) -> None:
    image = pulled(engine, name, keep)
    assert kept(engine, image) == [WHAT_STAYS[keep]] * 2
    checked = engine.system.check()
    assert checked.sound
    assert checked.faults == ()


def test_a_check_of_layers_without_trees_closes_their_indexes(engine: Engine, name: str) -> None:
    image, layers = pulled(engine, name, "compressed"), engine.workplace.store.layers
    assert all((layers.home(layer.diff_id) / "index").exists() for layer in image.layers)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", ResourceWarning)
        assert engine.system.check().sound
    assert [str(one.message) for one in told] == []


def test_a_tree_that_is_a_directory_is_enough(
    engine: Engine, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine.workplace.store.layers, "mounts", lambda: False)
    image = pulled(engine, name, "unpacked")
    assert kept(engine, image) == [(False, True)] * 2
    engine.images.checkout(name, tmp_path / "files")
    assert (tmp_path / "files/platform").read_bytes() == AMD.encode() * 500


@pytest.mark.parametrize("first", WHAT_STAYS)
@pytest.mark.parametrize("second", WHAT_STAYS)
def test_another_pull_brings_what_the_first_did_not_keep(engine: Engine, name: str, first: Keep, second: Keep) -> None:
    """Nothing but what is asked for: a tree that is there stays, and a blob goes only when that is asked for."""
    pulled(engine, name, first)
    image = pulled(engine, name, second)
    blob, tree = WHAT_STAYS[second]
    assert kept(engine, image) == [(blob, tree or WHAT_STAYS[first][1])] * 2
    assert engine.system.check().sound


@pytest.mark.parametrize("keep", WHAT_STAYS)
def test_every_verb_works_on_it(engine: Engine, registry: Registry, name: str, tmp_path: Path, keep: Keep) -> None:
    pulled(engine, name, keep)
    assert len(engine.images.history(name)) == 2
    engine.images.checkout(name, tmp_path / "files")
    assert (tmp_path / "files/platform").read_bytes() == AMD.encode() * 500
    target = f"{registry.host}/other/app:2"
    engine.images.tag(name, target)
    engine.images.push(target)
    saved = io.BytesIO()
    engine.images.save([name], saved)
    saved.seek(0)
    again = Engine(tmp_path / "again")
    again.images.load(saved)
    assert again.images.find(name).image.id == engine.images.find(name).image.id
    assert engine.system.check().sound


def test_what_is_unpacked_needs_no_registry_to_be_looked_at(
    engine: Engine, registry: Registry, name: str, tmp_path: Path
) -> None:
    pulled(engine, name, "unpacked")
    registry.forget()
    engine.images.history(name)
    engine.images.checkout(name, tmp_path / "files")
    out = io.BytesIO()
    engine.images.export(name, out)
    out.seek(0)
    with tarfile.open(fileobj=out) as tar:
        assert {one.name for one in tar} == {"shared", "platform"}
    assert engine.system.check(repair=True).faults == ()
    assert pulled(engine, name, "unpacked").layers
    assert blobs_asked_for(registry) == 0


def test_a_blob_that_was_let_go_of_is_fetched_when_it_is_read(
    engine: Engine, registry: Registry, name: str, tmp_path: Path
) -> None:
    image = pulled(engine, name, "unpacked")
    registry.forget()
    engine.registries.copy(f"store:{name}", f"oci:{tmp_path / 'layout'}:app")
    assert blobs_asked_for(registry) == 2
    assert kept(engine, image) == [(True, True)] * 2


def test_a_push_to_where_it_came_from_fetches_nothing(engine: Engine, registry: Registry, name: str) -> None:
    image = pulled(engine, name, "unpacked")
    registry.forget()
    engine.images.push(name)
    assert blobs_asked_for(registry) == 0
    assert kept(engine, image) == [(False, True)] * 2


def test_a_registry_that_is_away_is_said_with_what_it_is_needed_for(engine: Engine, name: str, tmp_path: Path) -> None:
    with Registry() as other:
        gone = Made().at(Engine(tmp_path / "maker2"), f"{other.host}/team/app:1")
        pulled(engine, gone, "unpacked")
    with pytest.raises(Unavailable) as caught:
        engine.images.save([gone], io.BytesIO())
    assert caught.value.hint.endswith(f"its blob has to come from {other.host}/team/app again")
    assert engine.system.check().sound


def test_a_registry_that_no_longer_has_it(engine: Engine, registry: Registry, name: str) -> None:
    image = pulled(engine, name, "unpacked")
    for layer in image.layers:
        for path in registry.directory.rglob(layer.descriptor.digest.hex):
            path.unlink()
    with pytest.raises(NotFound) as caught:
        engine.images.save([name], io.BytesIO())
    assert "kept unpacked only" in caught.value.hint


def test_a_broken_tree_is_unpacked_from_the_registry(engine: Engine, name: str, tmp_path: Path) -> None:
    image = pulled(engine, name, "unpacked")
    tree = engine.workplace.store.layers.tree(image.diff_ids[1])
    assert tree is not None
    tree.rename(tmp_path / "away")
    engine.images.checkout(name, tmp_path / "files")
    assert (tmp_path / "files/platform").read_bytes() == AMD.encode() * 500


def test_a_repair_drops_a_damaged_tree_only(engine: Engine, name: str, tmp_path: Path) -> None:
    image = pulled(engine, name, "unpacked")
    tree = engine.workplace.store.layers.tree(image.diff_ids[1])
    assert tree is not None
    damaged = tree / ("tar" if tree.name == MOUNTABLE else "platform")
    damaged.write_bytes(damaged.read_bytes().replace(AMD.encode(), b"X" * len(AMD)))
    repaired = engine.system.check(repair=True)
    assert [(one.kind, one.outcome) for one in repaired.faults] == [("layer", "dropped")]
    assert repaired.sound
    engine.images.checkout(name, tmp_path / "files")
    assert (tmp_path / "files/platform").read_bytes() == AMD.encode() * 500


def test_what_another_image_needs_stays(engine: Engine, name: str) -> None:
    """The images of the two platforms share their first layer."""
    engine.images.pull(name, platform="linux/arm64")
    engine.images.tag(name, "other:1")
    assert kept(engine, pulled(engine, name, "unpacked")) == [(True, True), (False, True)]


def test_what_a_running_command_holds_stays(engine: Engine, name: str) -> None:
    with engine.workplace.store.layout.working():
        other = Engine(engine.root)
        image = pulled(other, name, "both")
        engine.workplace.store.layout.exists(image.layers[0].descriptor)
        assert kept(other, pulled(other, name, "unpacked")) == [(True, True), (False, True)]


def test_nothing_is_left_of_it_when_it_is_removed(engine: Engine, name: str) -> None:
    pulled(engine, name, "unpacked")
    engine.images.remove(name)
    assert list(engine.root.glob("blobs/*/*")) == []
    assert list(engine.root.glob("shed/*")) == []
    assert list(engine.root.glob("layers/*/*")) == []


def test_a_kill_while_blobs_are_let_go_of(engine: Engine, registry: Registry, name: str) -> None:
    """A note on a blob that is still there says nothing; the next collection drops it, and half a note."""
    image = pulled(engine, name, "both")
    blob = image.layers[0].descriptor
    shed = engine.workplace.store.layout.shed
    shed.note(blob.digest, f"{registry.host}/wrong")
    half = engine.root / f"shed/.sha256-{blob.digest.hex}.0123"
    half.write_bytes(b"127.0")
    os.utime(half, (1, 1))
    assert kept(engine, image) == [(True, True)] * 2
    engine.images.save([name], io.BytesIO())
    assert engine.system.check().faults == ()
    engine.system.prune()
    assert list((engine.root / "shed").iterdir()) == []
    assert kept(engine, image) == [(True, True)] * 2


def test_a_build_on_it_fetches_nothing(engine: Engine, registry: Registry, name: str, tmp_path: Path) -> None:
    pulled(engine, name, "unpacked")
    (tmp_path / "context").mkdir()
    (tmp_path / "context/Dockerfile").write_text(f"FROM {name}\nCOPY Dockerfile /\n")
    registry.forget()
    engine.images.build(tmp_path / "context", platform=AMD, tags=["built:1"])
    assert blobs_asked_for(registry) == 0
    saved = io.BytesIO()
    engine.images.save(["built:1"], saved)
    assert blobs_asked_for(registry) == 2


def test_an_archive_cannot_be_kept_unpacked_only(engine: Engine) -> None:
    with pytest.raises(Unsupported, match="no registry is known to have its blobs"):
        engine.images.load(io.BytesIO(), keep="unpacked")


def test_of_an_archive_only_the_blobs(engine: Engine, name: str, tmp_path: Path) -> None:
    pulled(engine, name, "both")
    saved = io.BytesIO()
    engine.images.save([name], saved)
    saved.seek(0)
    again = Engine(tmp_path / "again")
    again.images.load(saved, keep="compressed", platform=AMD)
    assert kept(again, again.images.find(name, AMD).image) == [(True, False)] * 2


def test_no_such_choice(engine: Engine, name: str) -> None:
    with pytest.raises(Invalid, match="cannot keep 'everything'"):
        engine.images.pull(name, keep="everything")  # type: ignore[arg-type]
