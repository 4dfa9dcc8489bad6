"""Indexes made by hand, of images here and elsewhere."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from tests.cli.conftest import Console
from tests.engine.places import Made

from scow import Engine
from scow.errors import AlreadyExists, Invalid, NotFound
from scow.oci.digest import Digest
from scow.oci.manifest import Index, parse
from scow.testing.registry import Registry

AMD, ARM = "linux/amd64", "linux/arm64"


@pytest.fixture
def host(engine: Engine, registry: Registry) -> str:
    """A registry with ``parts:amd`` and ``parts:arm``, and a store with ``local``, which is for amd64."""
    whole = Made().at(engine, f"{registry.host}/whole:1")
    for platform, tag in ((AMD, "amd"), (ARM, "arm")):
        target = f"docker://{registry.host}/parts:{tag}"
        engine.registries.copy(f"docker://{whole}", target, platforms=[platform])
    engine.registries.copy(f"docker://{whole}", "store:local", platforms=[AMD])
    return registry.host


def platforms(engine: Engine, name: str) -> list[str]:
    descriptor, raw = engine.manifests.inspect(name)
    index = parse(raw, descriptor.media_type)
    assert isinstance(index, Index)
    return [str(entry.platform) for entry in index.manifests]


def test_images_that_stay_at_their_registry(engine: Engine, registry: Registry, host: str) -> None:
    name = f"{host}/made:1"
    before = {str(digest) for digest, _ in engine.workplace.store.layout.blobs()}
    made = engine.manifests.create(name, [f"{host}/parts:amd", f"{host}/parts:arm"])
    assert platforms(engine, name) == [AMD, ARM]
    assert {str(digest) for digest, _ in engine.workplace.store.layout.blobs()} - before == {str(made)}
    checked = engine.system.check()
    assert checked.sound
    assert [fault.kind for fault in checked.faults] == ["partial"]
    engine.system.prune_images(every=False)
    registry.forget()
    assert engine.manifests.push(name).digest == made
    assert [one for one in registry.seen if one.method == "POST" and "mount=" in one.query]
    assert not [one for one in registry.seen if one.method == "PUT" and "/uploads/" in one.path]
    for platform in (AMD, ARM):
        engine.registries.copy(f"docker://{name}", "store:back", platforms=[platform])


def test_images_of_the_store_and_of_another_registry(engine: Engine, host: str) -> None:
    with Registry() as other:
        name = f"{other.host}/deep/made:1"
        engine.manifests.create(name, ["local", f"{host}/parts:arm"])
        engine.manifests.push(name, purge=True)
        assert engine.registries.digest(name, platform=ARM)
        engine.registries.copy(f"docker://{name}", "store:back", platforms=[ARM])
        engine.registries.copy(f"docker://{name}", "store:back", platforms=[AMD])
        with pytest.raises(NotFound, match="No such manifest"):
            engine.manifests.push(name)
    assert engine.system.check().sound


def test_amend_and_annotate(engine: Engine, host: str) -> None:
    engine.manifests.create("made:1", [f"{host}/parts:amd"])
    with pytest.raises(NotFound, match="not in the index"):
        engine.manifests.annotate("made:1", f"{host}/parts:arm", architecture="arm")
    with pytest.raises(AlreadyExists, match="--amend"):
        engine.manifests.create("made:1", [f"{host}/parts:arm"])
    engine.manifests.create("made:1", [f"{host}/parts:arm"], amend=True)
    engine.manifests.create("made:1", [f"{host}/parts:arm"], amend=True)
    assert platforms(engine, "made:1") == [AMD, ARM]
    engine.manifests.annotate("made:1", f"{host}/parts:arm", architecture="arm", variant="v6")
    assert platforms(engine, "made:1") == [AMD, "linux/arm/v6"]
    assert len(engine.workplace.catalogue().entries) == 2  # the earlier indexes are forgotten


def test_an_index_gives_all_its_images(engine: Engine, host: str) -> None:
    engine.manifests.create("made:1", [f"{host}/whole:1"])
    assert platforms(engine, "made:1") == [AMD, ARM, "unknown/unknown"]


def test_what_is_no_index(engine: Engine, host: str) -> None:
    with pytest.raises(AlreadyExists, match="is an image"):
        engine.manifests.create("local", [f"{host}/parts:arm"])
    with pytest.raises(NotFound, match="No such manifest"):
        engine.manifests.remove(["local"])
    with pytest.raises(Invalid):
        engine.manifests.create(f"x@{'sha256:' + '0' * 64}", ["local"])
    with pytest.raises(NotFound):
        engine.manifests.create("made:1", [f"{host}/nothing:1"])
    assert [one.names for one in engine.images.list()] == [("local:latest",)]


def test_the_verbs(engine: Engine, host: str, tmp_path: Path) -> None:
    console = Console(engine.root, tmp_path)
    name = f"{host}/verbs:1"
    created = console("manifest", "create", name, "local", f"{host}/parts:arm").ok()
    assert created.stdout == f"Created manifest list {name}\n"
    console("manifest", "annotate", "--variant", "v9", "--os-features", "a,b", name, f"{host}/parts:arm").ok()
    shown = json.loads(console("manifest", "inspect", name).ok().stdout)
    assert [one["platform"].get("variant") for one in shown["manifests"]] == [None, "v9"]
    assert shown["manifests"][1]["platform"]["os.features"] == ["a", "b"]
    digest = console("manifest", "push", "-q", name).ok().stdout.strip()
    assert engine.registries.digest(name).digest == digest
    verbose = json.loads(console("manifest", "inspect", "-v", name).ok().stdout)
    assert [one["Descriptor"] for one in verbose] == [json.loads(json.dumps(one)) for one in shown["manifests"]]
    assert [one["Ref"] for one in verbose] == [f"{name}@{one['digest']}" for one in shown["manifests"]]
    for one in verbose:
        raw = base64.b64decode(one["Raw"])
        assert Digest.of(raw) == one["Descriptor"]["digest"]
        assert json.loads(raw) == one["OCIManifest"]
    single = json.loads(console("manifest", "inspect", "-v", f"{host}/parts:arm").ok().stdout)
    assert (single["Ref"], single["Descriptor"]["platform"]["architecture"]) == (f"{host}/parts:arm", "arm64")
    removed = console("manifest", "rm", "nothing", name)
    assert (removed.code, removed.stdout) == (1, f"Deleted manifest list: {name}\n")
    assert "No such manifest: docker.io/library/nothing:latest" in removed.stderr
    raw = console("manifest", "inspect", "--raw", name).ok().output
    assert json.loads(raw) == shown  # from the registry now
    assert console("manifest", "inspect", f"{host}/nothing").code == 1
