"""Artifacts beside images: attached, listed and copied along, with and without the registry's help."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.engine.places import Made

from scow import Engine
from scow.errors import Conflict, NotFound, Unsupported
from scow.image.artifact import file_and_type
from scow.image.rewrite import Wish
from scow.oci import media_types
from scow.oci.descriptor import Descriptor
from scow.oci.manifest import Manifest, parse
from scow.testing.registry import Registry
from scow.testing.registry_handler import Exchange

SBOM, SIGNATURE = "application/spdx+json", "application/vnd.example.signature"


def without_referrers(exchange: Exchange) -> bool:
    """A registry of before OCI 1.1: no such endpoint, and not a word on subjects."""
    if "/referrers/" in exchange.path:
        exchange.refuse(404, "NOT_FOUND")
        return True
    told = exchange.send_header

    def silent(keyword: str, value: str) -> None:
        if keyword != "OCI-Subject":
            told(keyword, value)

    exchange.send_header = silent  # type: ignore[method-assign]
    return False


@pytest.fixture(params=["referrers API", "tag schema"])
def registry(request: pytest.FixtureRequest) -> Iterator[Registry]:
    with Registry(fault=None if request.param == "referrers API" else without_referrers) as server:
        yield server


@pytest.fixture
def name(engine: Engine, registry: Registry) -> str:
    return Made().at(engine, f"{registry.host}/team/app:1")


Attach = Callable[..., Descriptor]


@pytest.fixture
def attach(engine: Engine, tmp_path: Path) -> Attach:
    def make(to: str, kind: str, text: str = "content", platform: str | None = None) -> Descriptor:
        (tmp_path / "file.json").write_text(text)
        files = [(str(tmp_path / "file.json"), kind)]
        return engine.registries.attach(to, files, artifact_type=kind, annotations={"by": "test"}, platform=platform)

    return make


def test_attached_and_listed(engine: Engine, name: str, attach: Attach) -> None:
    assert engine.registries.referrers(name) == ()
    sbom, signature = attach(name, SBOM), attach(name, SIGNATURE)
    assert attach(name, SBOM).digest == sbom.digest
    listed = engine.registries.referrers(name)
    assert {one.digest for one in listed} == {sbom.digest, signature.digest}
    assert len(listed) == 2
    [found] = engine.registries.referrers(name, artifact_type=SBOM)
    assert (found.digest, found.artifact_type, found.annotations) == (sbom.digest, SBOM, {"by": "test"})
    one = attach(name, SBOM, platform="linux/arm64")
    by_digest = f"{name.removesuffix(':1')}@{engine.registries.digest(name, platform='linux/arm64').digest}"
    assert [found.digest for found in engine.registries.referrers(by_digest)] == [one.digest]


def test_the_artifact_is_what_the_specification_says(engine: Engine, name: str, attach: Attach, tmp_path: Path) -> None:
    made = attach(name, SBOM, "the content")
    where = f"{name.removesuffix(':1')}@{made.digest}"
    engine.registries.copy(f"docker://{where}", f"oci:{tmp_path / 'out'}:x")
    raw = (tmp_path / "out/blobs/sha256" / made.digest.hex).read_bytes()
    manifest = parse(raw)
    assert isinstance(manifest, Manifest)
    assert json.loads(raw)["config"]["mediaType"] == media_types.OCI_EMPTY
    assert manifest.artifact_type == SBOM
    assert manifest.subject == engine.registries.digest(name).plain
    [layer] = manifest.layers
    assert layer.annotations == {"org.opencontainers.image.title": "file.json"}
    assert (tmp_path / "out/blobs/sha256" / layer.digest.hex).read_text() == "the content"


def test_copied_along(engine: Engine, registry: Registry, name: str, attach: Attach, tmp_path: Path) -> None:
    sbom = attach(name, SBOM)
    of_one = attach(name, SIGNATURE, platform="linux/amd64")
    of_the_sbom = attach(f"{name.removesuffix(':1')}@{sbom.digest}", SIGNATURE)
    all_of_them = {sbom.digest, of_one.digest, of_the_sbom.digest}
    out = f"oci:{tmp_path / 'out'}:app"
    assert set(engine.registries.copy(f"docker://{name}", out, every=True, referrers=True).referrers) == all_of_them
    away = f"{registry.host}/away/app:1"
    assert set(engine.registries.copy(out, f"docker://{away}", every=True, referrers=True).referrers) == all_of_them
    assert [one.digest for one in engine.registries.referrers(away)] == [sbom.digest]
    assert [one.digest for one in engine.registries.referrers(f"{away}@{sbom.digest}")] == [of_the_sbom.digest]
    plain = engine.registries.copy(f"docker://{name}", f"docker://{registry.host}/bare/app:1", every=True)
    assert plain.referrers == ()
    assert engine.registries.referrers(f"{registry.host}/bare/app:1") == ()


def test_what_was_deleted_is_no_referrer(engine: Engine, name: str, attach: Attach) -> None:
    sbom, signature = attach(name, SBOM), attach(name, SIGNATURE)
    repository = name.removesuffix(":1")
    for gone, left in ((sbom, {signature.digest}), (signature, set())):
        engine.registries.delete(f"{repository}@{gone.digest}")
        assert {one.digest for one in engine.registries.referrers(name)} == left
    engine.registries.delete(f"{repository}@{engine.registries.digest(name).digest}")  # it refers to nothing
    with pytest.raises(NotFound):
        engine.registries.referrers(name)


def test_all_tags_are_synced_with_the_lists_of_referrers(
    engine: Engine, registry: Registry, name: str, attach: Attach
) -> None:
    attach(name, SBOM)
    legs = engine.registries.sync([f"docker://{name.removesuffix(':1')}"], f"docker://{registry.host}/away")
    assert [leg.error for leg in legs] == [None] * len(legs)
    lists = [leg for leg in legs if ":sha256-" in leg.source]
    for leg in lists:  # whole, though it is an index and nobody asked for all platforms
        assert leg.copied and leg.copied.digest == engine.registries.digest(leg.source.removeprefix("docker://")).digest
    assert len(lists) == (registry.fault is without_referrers)


def test_where_referrers_cannot_go(engine: Engine, name: str, tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="has no room"):
        engine.registries.copy(f"docker://{name}", "store:x", referrers=True)
    assert engine.images.list() == ()
    engine.registries.copy(f"docker://{name}", "store:y")
    with pytest.raises(Unsupported, match="nobody knows"):
        engine.registries.copy("store:y", f"oci:{tmp_path / 'out'}:x", referrers=True)
    with pytest.raises(Conflict, match="changes digests"):
        engine.registries.copy(f"docker://{name}", f"oci:{tmp_path / 'o'}:x", referrers=True, wish=Wish("zstd"))


def test_no_such_file(engine: Engine, name: str, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no such file"):
        engine.registries.attach(name, [(str(tmp_path / "nothing"), "")], artifact_type=SBOM)
    with pytest.raises(NotFound):
        engine.registries.attach(name + "nothing", [(__file__, "")], artifact_type=SBOM)


def test_a_file_and_its_type(tmp_path: Path) -> None:
    odd = tmp_path / "a:b"
    odd.mkdir()
    (odd / "c").write_text("")
    assert file_and_type("sbom.json:application/json") == ("sbom.json", "application/json")
    assert file_and_type("sbom.json") == ("sbom.json", "")
    assert file_and_type(str(odd / "c")) == (str(odd / "c"), "")
