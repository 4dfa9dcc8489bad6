"""What is attested of a build, where it lies, and that it is the same tomorrow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.build.conftest import Kitchen

from scow import Engine
from scow.cli.builds.flags import attesting
from scow.engine.builds.attesting import Attesting
from scow.errors import Invalid
from scow.oci.manifest import Index, parse, parse_manifest
from scow.testing.registry import Registry

TEXT = "FROM busybox AS one\nRUN echo 1 > /f\nFROM scratch\nARG SECRETIVE\nCOPY --from=one /f /f\n"


def index_of(engine: Engine, name: str) -> Index:
    layout = engine.workplace.store.layout
    read = parse(layout.read(layout.resolve(name)))
    assert isinstance(read, Index)
    return read


def statements(kitchen: Kitchen, name: str) -> dict[str, Any]:
    layout = kitchen.engine.workplace.store.layout
    image, attestation = index_of(kitchen.engine, name).manifests
    assert attestation.platform is not None and not attestation.platform.known
    assert (attestation.annotations or {})["vnd.docker.reference.digest"] == image.digest
    manifest = parse_manifest(layout.read(attestation.plain))
    read = [json.loads(layout.read(layer.plain)) for layer in manifest.layers]
    for statement, layer in zip(read, manifest.layers, strict=True):
        assert (layer.annotations or {})["in-toto.io/predicate-type"] == statement["predicateType"]
        assert statement["subject"][0]["digest"] == {"sha256": image.digest.hex}
    return {statement["predicateType"]: statement["predicate"] for statement in read}


def test_none_unless_asked(kitchen: Kitchen) -> None:
    kitchen.build(TEXT, tags=["plain:1"], attest=Attesting())
    layout = kitchen.engine.workplace.store.layout
    assert not isinstance(parse(layout.read(layout.resolve("plain:1"))), Index)


def test_what_went_in(kitchen: Kitchen) -> None:
    given = {"attest": Attesting("min"), "build_args": {"SECRETIVE": "hush"}}
    image = kitchen.build(TEXT, tags=["min:1"], **given)
    (predicate,) = statements(kitchen, "min:1").values()
    definition = predicate["buildDefinition"]
    busybox = kitchen.engine.images.find("busybox").image
    (material,) = definition["resolvedDependencies"]
    assert material["uri"].startswith("pkg:docker/busybox?platform=linux%2F")
    assert material["digest"] == {"sha256": busybox.descriptor.digest.hex}
    assert "hush" not in json.dumps(predicate)
    assert kitchen.engine.images.find("min:1").image.id == image.id
    first = kitchen.engine.workplace.store.layout.resolve("min:1").digest
    kitchen.build(TEXT, tags=["min:1"], use_cache=False, **given)
    assert kitchen.engine.workplace.store.layout.resolve("min:1").digest == first
    kitchen.build(TEXT, tags=["max:1"], attest=Attesting("max"), build_args={"SECRETIVE": "hush"})
    (predicate,) = statements(kitchen, "max:1").values()
    assert predicate["buildDefinition"]["externalParameters"]["request"]["args"] == {"build-arg:SECRETIVE": "hush"}
    assert predicate["buildDefinition"]["internalParameters"]["buildConfig"]["dockerfile"] == TEXT


def test_what_is_inside(kitchen: Kitchen) -> None:
    kitchen.build("FROM busybox\nRUN mkdir -p /lib/apk/db\n", tags=["in:1"], attest=Attesting("min", sbom=True))
    found = statements(kitchen, "in:1")
    assert set(found) == {"https://slsa.dev/provenance/v1", "https://spdx.dev/Document"}
    assert found["https://spdx.dev/Document"]["spdxVersion"] == "SPDX-2.3"


def test_it_goes_along(kitchen: Kitchen, tmp_path: Path) -> None:
    with Registry() as registry:
        name = f"{registry.host}/team/attested:1"
        kitchen.build(TEXT, tags=[name], attest=Attesting("min"))
        kitchen.engine.images.push(name)
        asked = [one.path for one in registry.seen if one.method == "PUT" and "/manifests/" in one.path]
        assert len(asked) == 3  # the image, what is attested, and the index by its name
        other = Engine(tmp_path / "other")
        other.images.pull(name)
        assert other.images.find(name).image.id == kitchen.engine.images.find(name).image.id


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ((None, None, ()), Attesting()),
        (("true", None, ()), Attesting("min")),
        (("mode=max", "true", ()), Attesting("max", sbom=True)),
        (("min", "false", ()), Attesting("min")),
        (("false", None, ("type=sbom",)), Attesting(sbom=True)),
        ((None, None, ("type=provenance,mode=max",)), Attesting("max")),
        (("true", None, ("type=provenance,disabled=true",)), Attesting()),
    ],
)
def test_what_flags_mean(given: tuple[str | None, str | None, tuple[str, ...]], meant: Attesting) -> None:
    assert attesting(*given) == meant


@pytest.mark.parametrize("given", [("perhaps", None, ()), (None, "x", ()), (None, None, ("type=magic",))])
def test_flags_that_mean_nothing(given: tuple[str | None, str | None, tuple[str, ...]]) -> None:
    with pytest.raises(Invalid):
        attesting(*given)
