"""Images as values: found in indexes by platform, and edited without losing what scow does not know."""

from __future__ import annotations

import json

import pytest
from tests.image import images

from scow.errors import Integrity, Invalid, Limit, NotFound
from scow.image import mutate
from scow.image.image import load, select
from scow.image.layer import Layer
from scow.image.mutate import Step
from scow.oci import media_types
from scow.oci.descriptor import Descriptor
from scow.oci.digest import DiffId
from scow.oci.documents import encode
from scow.oci.manifest import parse_manifest
from scow.oci.platform import Platform
from scow.testing.contract import Memory

AMD64, ARM64, ARM = Platform("amd64", "linux"), Platform("arm64", "linux"), Platform("arm", "linux", "v7")


def an_image(memory: Memory, platform: Platform | None, *, said: bool = True) -> Descriptor:
    """An image for a platform; ``said`` tells whether the index says which."""
    config = {"architecture": platform.architecture, "os": platform.os, "variant": platform.variant} if platform else {}
    descriptor = images.add_image(memory, [], **config)
    return descriptor.annotated(platform=platform) if platform and said else descriptor


def attestation(memory: Memory) -> Descriptor:
    """What BuildKit puts beside its images."""
    statement = memory.add(b'{"_type":"https://in-toto.io/Statement/v0.1"}', "application/vnd.in-toto+json")
    config = memory.add(b'{"architecture":"unknown","os":"unknown"}', media_types.OCI_CONFIG)
    document = {
        "schemaVersion": 2, "mediaType": media_types.OCI_MANIFEST, "config": config, "layers": [statement],
    }  # fmt: skip
    return memory.add(encode(document), media_types.OCI_MANIFEST).annotated(
        platform=Platform("unknown", "unknown"), annotations={"vnd.docker.reference.type": "attestation-manifest"}
    )


def test_the_platforms_own_image_is_picked() -> None:
    memory = Memory()
    arm, amd = an_image(memory, ARM64), an_image(memory, AMD64)
    index = memory.index([attestation(memory), arm, amd])
    assert load(memory, index, AMD64).descriptor.digest == amd.digest
    assert load(memory, index, Platform.parse("linux/x86_64")).descriptor.digest == amd.digest
    assert load(memory, index, Platform.parse("linux/arm64/v8")).config.platform == ARM64
    assert load(memory, index).descriptor.digest == arm.digest


def test_docker_lists_and_nested_indexes() -> None:
    memory = Memory()
    amd = an_image(memory, AMD64)
    inner = memory.index([attestation(memory), an_image(memory, ARM64), amd])
    outer = memory.index([inner])
    assert load(memory, outer, AMD64).descriptor.digest == amd.digest
    docker = memory.add(
        encode({"schemaVersion": 2, "mediaType": media_types.DOCKER_INDEX, "manifests": [amd]}),
        media_types.DOCKER_INDEX,
    )
    assert load(memory, docker, AMD64).descriptor.digest == amd.digest


def test_variants() -> None:
    memory = Memory()
    made = {v: an_image(memory, Platform("arm", "linux", v)) for v in ("v5", "v6", "v7")}
    index = memory.index(made.values())
    for wanted, found in {"v5": "v5", "v6": "v6", "v7": "v7", "v8": "v7"}.items():
        assert select(memory, index, Platform("arm", "linux", wanted)).digest == made[found].digest
    older = memory.index([made["v5"], made["v6"]])
    assert select(memory, older, ARM).digest == made["v6"].digest
    with pytest.raises(NotFound):
        select(memory, memory.index([made["v7"]]), Platform("arm", "linux", "v6"))


def test_what_is_there_is_said_when_nothing_fits() -> None:
    memory = Memory()
    index = memory.index([an_image(memory, ARM64), an_image(memory, ARM)])
    with pytest.raises(NotFound, match="linux/amd64") as caught:
        select(memory, index, AMD64)
    assert "linux/arm64" in caught.value.hint
    assert "linux/arm/v7" in caught.value.hint


def test_an_index_of_attestations_alone_holds_no_image() -> None:
    memory = Memory()
    with pytest.raises(NotFound, match="no images"):
        select(memory, memory.index([attestation(memory)]), None)
    with pytest.raises(NotFound):
        select(memory, memory.index([]), AMD64)


def test_an_entry_that_says_no_platform_may_be_it() -> None:
    memory = Memory()
    unsaid = an_image(memory, AMD64, said=False)
    index = memory.index([an_image(memory, ARM64), unsaid])
    assert select(memory, index, AMD64).digest == unsaid.digest


def test_indexes_nest_only_so_deep() -> None:
    memory = Memory()
    node = an_image(memory, AMD64)
    for _ in range(12):
        node = memory.index([node])
    with pytest.raises((Invalid, Limit), match="deep"):
        select(memory, node, AMD64)


def test_what_is_no_image_is_refused() -> None:
    memory = Memory()
    artifact = memory.add(
        encode({"schemaVersion": 2, "config": memory.add(b"{}", media_types.OCI_EMPTY), "layers": []}),
        media_types.OCI_MANIFEST,
    )
    with pytest.raises(Invalid, match="not a container image"):
        load(memory, artifact)
    layers = images.add_layers(memory, [bytes(1024)])
    odd = memory.image([layers[0].descriptor], b'{"rootfs":{"type":"layers","diff_ids":[]}}')
    with pytest.raises(Invalid, match="1 layers but the config 0"):
        load(memory, odd)


def test_a_config_that_is_not_its_digest_is_refused() -> None:
    memory = Memory()
    image = an_image(memory, AMD64)
    config = parse_manifest(memory.blobs[image.digest]).config
    memory.blobs[config.digest] = memory.blobs[config.digest].replace(b"amd64", b"amd65")
    with pytest.raises(Integrity):
        load(memory, image)


# -- mutate -----------------------------------------------------------------------------------------------------------

LAYER = Layer(Descriptor(media_types.DOCKER_LAYER + ".gzip", Descriptor.of("", b"l").digest, 1), DiffId.of(b"tar"))


def test_scratch() -> None:
    assert mutate.scratch(ARM) == {
        "architecture": "arm", "os": "linux", "variant": "v7", "config": {},
        "rootfs": {"type": "layers", "diff_ids": []}, "history": [],
    }  # fmt: skip


def test_steps_go_on_top() -> None:
    first = mutate.edited(
        mutate.scratch(AMD64), [Step("ADD x", "2024-01-01T00:00:00Z", LAYER)], created=None, Env=["A=b"]
    )
    second = mutate.edited(first, [Step("CMD y", comment="c", author="me")], created="2025-01-01T00:00:00Z", Cmd=["y"])
    assert second["rootfs"]["diff_ids"] == [LAYER.diff_id]
    assert second["config"] == {"Env": ["A=b"], "Cmd": ["y"]}
    assert second["created"] == "2025-01-01T00:00:00Z"
    assert second["history"] == [
        {"created": "2024-01-01T00:00:00Z", "created_by": "ADD x"},
        {"created_by": "CMD y", "author": "me", "comment": "c", "empty_layer": True},
    ]
    assert "created" not in first
    assert first["config"] == {"Env": ["A=b"]}


def test_a_field_of_none_goes_away_and_unknown_ones_stay() -> None:
    config = {"config": {"Cmd": ["x"], "NewThing": {"a": 1}}, "moby.buildkit.x": "y", "rootfs": None, "history": None}
    made = mutate.edited(config, [], created=None, Cmd=None)
    assert made["config"] == {"NewThing": {"a": 1}}
    assert made["moby.buildkit.x"] == "y"
    assert made["rootfs"] == {"type": "layers", "diff_ids": []}
    assert config["config"] == {"Cmd": ["x"], "NewThing": {"a": 1}}


def test_a_manifest_speaks_oci() -> None:
    foreign = Descriptor("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", LAYER.descriptor.digest, 1,
                         urls=("https://example.org/x",))  # fmt: skip
    raw = mutate.manifest(b"{}", [LAYER.descriptor, foreign], {"a": "b"})
    document = json.loads(raw)
    assert document["mediaType"] == media_types.OCI_MANIFEST
    assert document["config"]["mediaType"] == media_types.OCI_CONFIG
    assert [layer["mediaType"] for layer in document["layers"]] == [media_types.OCI_LAYER_GZIP, foreign.media_type]
    assert document["layers"][1]["urls"] == ["https://example.org/x"]
    assert document["annotations"] == {"a": "b"}
    assert parse_manifest(raw).layers[0].digest == LAYER.descriptor.digest
