"""Manifests, indexes and configs: both dialects read, hostile ones refused, unknown fields kept."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scow.errors import Invalid, Limit, ScowError, Unsupported
from scow.oci import config, media_types
from scow.oci.descriptor import Descriptor
from scow.oci.digest import ChainId, DiffId, Digest, chain_id
from scow.oci.documents import DOCUMENT_LIMIT, check_bounds, encode
from scow.oci.manifest import Index, Manifest, parse, parse_manifest
from scow.oci.platform import Platform

D = "sha256:" + "a" * 64
CONFIG = {"mediaType": media_types.OCI_CONFIG, "digest": D, "size": 2}
LAYER = {"mediaType": media_types.OCI_LAYER_GZIP, "digest": D, "size": 3}
MANIFEST = {"schemaVersion": 2, "mediaType": media_types.OCI_MANIFEST, "config": CONFIG, "layers": [LAYER]}
ENTRY = {
    "mediaType": media_types.OCI_MANIFEST,
    "digest": D,
    "size": 4,
    "platform": {"os": "linux", "architecture": "arm"},
}
INDEX = {"schemaVersion": 2, "mediaType": media_types.OCI_INDEX, "manifests": [ENTRY]}


def raw(document: object) -> bytes:
    return json.dumps(document).encode()


def less(document: dict[str, Any], *names: str, **more: object) -> dict[str, Any]:
    return {**{key: value for key, value in document.items() if key not in names}, **more}


# -- digests ----------------------------------------------------------------------------------------------------------


def test_digests() -> None:
    digest = Digest.of(b"x")
    assert digest == "sha256:" + hashlib.sha256(b"x").hexdigest()
    assert (digest.algorithm, digest.hex, digest.short) == ("sha256", digest[7:], digest[7:19])
    assert Digest("sha512:" + "0" * 128).algorithm == "sha512"
    assert isinstance(digest, str)


@pytest.mark.parametrize(
    "text",
    ["", "sha256", "sha256:", "sha256:abc", "sha256:" + "A" * 64, "sha256:" + "a" * 63, "sha256:" + "a" * 65,
     "sha256:" + "g" * 64, "sha256:" + "a" * 64 + "\n", " " + D, "md5:" + "a" * 32, "sha512:" + "a" * 64, "a" * 64,
     "sha256:../../" + "a" * 58, "SHA256:" + "a" * 64, "sha256:" + "１" * 64, "sha256:" + "a" * 64 + "/.."],
)  # fmt: skip
def test_what_is_no_digest(text: str) -> None:
    with pytest.raises(Invalid):
        Digest(text)


def test_chain_ids() -> None:
    one, two = DiffId.of(b"1"), DiffId.of(b"2")
    assert chain_id([]) is None
    assert str(chain_id([one])) == str(one)
    assert isinstance(chain_id([one]), ChainId)
    assert chain_id([one, two]) == "sha256:" + hashlib.sha256(f"{one} {two}".encode()).hexdigest()
    assert chain_id([one, two]) != chain_id([two, one])


# -- manifests --------------------------------------------------------------------------------------------------------


def test_a_manifest() -> None:
    found = parse(raw(MANIFEST))
    assert isinstance(found, Manifest)
    assert found.config == Descriptor(media_types.OCI_CONFIG, Digest(D), 2)
    assert [layer.size for layer in found.layers] == [3]
    assert found.children == (found.config, *found.layers)
    assert parse_manifest(raw(MANIFEST)) == found


def test_an_index() -> None:
    found = parse(raw(INDEX))
    assert isinstance(found, Index)
    assert found.manifests[0].platform == Platform("arm", "linux")
    with pytest.raises(Invalid, match="index"):
        parse_manifest(raw(INDEX))


def test_what_is_written_is_read() -> None:
    for document in (MANIFEST, INDEX):
        found = parse(raw(document))
        assert json.loads(encode(found)) == document
        assert parse(encode(found)) == found
        assert encode(parse(encode(found))) == encode(found)


DOCKER = [
    (media_types.DOCKER_MANIFEST, less(MANIFEST, mediaType=media_types.DOCKER_MANIFEST), Manifest),
    (media_types.DOCKER_INDEX, less(INDEX, mediaType=media_types.DOCKER_INDEX), Index),
    ("", less(MANIFEST, "mediaType"), Manifest),
    (media_types.OCI_MANIFEST, less(MANIFEST, "mediaType"), Manifest),
    ("application/json", MANIFEST, Manifest),
    (media_types.OCI_MANIFEST, less(MANIFEST, manifests=None), Manifest),
    (media_types.OCI_INDEX, less(INDEX, layers=None, config=None), Index),
    ("", less(MANIFEST, new={"a": [1]}, annotations={"a": "b"}), Manifest),
    ("", less(MANIFEST, layers=[less(LAYER, urls=["https://x"], new=1)]), Manifest),
]  # fmt: skip


@pytest.mark.parametrize(("media_type", "document", "kind"), DOCKER)
def test_dialects(media_type: str, document: dict[str, Any], kind: type) -> None:
    assert isinstance(parse(raw(document), media_type), kind)


REFUSED = {
    "both kinds at once": less(MANIFEST, manifests=[ENTRY]),
    "an index with layers": less(INDEX, layers=[]),
    "an index with a config": less(INDEX, config=CONFIG),
    "a manifest that says it is an index": less(MANIFEST, mediaType=media_types.OCI_INDEX),
    "an index that says it is a manifest": less(INDEX, mediaType=media_types.DOCKER_MANIFEST),
    "no schema version": less(MANIFEST, "schemaVersion"),
    "schema version 3": less(MANIFEST, schemaVersion=3),
    "schema version in text": less(MANIFEST, schemaVersion="2"),
    "no config": less(MANIFEST, "config"),
    "no layers": less(MANIFEST, "layers"),
    "layers is a map": less(MANIFEST, layers={}),
    "a negative size": less(MANIFEST, layers=[less(LAYER, size=-1)]),
    "a negative config size": less(MANIFEST, config=less(CONFIG, size=-1)),
    "a size in text": less(MANIFEST, layers=[less(LAYER, size="3")]),
    "a size that is no integer": less(MANIFEST, layers=[less(LAYER, size=3.5)]),
    "no digest": less(MANIFEST, layers=[less(LAYER, "digest")]),
    "a bad digest": less(MANIFEST, layers=[less(LAYER, digest="sha256:../../etc/passwd")]),
    "a digest of another kind": less(MANIFEST, layers=[less(LAYER, digest=7)]),
    "too many layers": less(MANIFEST, layers=[LAYER] * 5000),
    "not an object": [MANIFEST],
    "nothing": None,
    "text": "x",
}


@pytest.mark.parametrize("document", REFUSED.values(), ids=REFUSED.keys())
def test_refused(document: object) -> None:
    with pytest.raises(Invalid):
        parse(raw(document))


@pytest.mark.parametrize("media_type", [media_types.OCI_INDEX, media_types.DOCKER_INDEX])
def test_a_registry_that_calls_it_something_else(media_type: str) -> None:
    with pytest.raises(Invalid):
        parse(raw(less(MANIFEST, "mediaType")), media_type)


@pytest.mark.parametrize(
    "data", [b"", b"{", b"\xff", b"{}x", raw(MANIFEST) + b"{}", b"\xef\xbb\xbf{}", b"NaN", b"null"]
)
def test_what_is_no_document(data: bytes) -> None:
    with pytest.raises(Invalid):
        parse(data)


def test_schema_1_gets_a_clear_refusal() -> None:
    old = {"schemaVersion": 1, "name": "x", "fsLayers": [{"blobSum": D}], "history": [], "signatures": []}
    for document, media_type in (
        (old, ""), (less(old, schemaVersion=2), ""), (MANIFEST, sorted(media_types.SCHEMA1)[0]),
    ):  # fmt: skip
        with pytest.raises(Unsupported, match="schema 1") as caught:
            parse(raw(document), media_type)
        assert "push it again" in caught.value.hint


def test_bounds() -> None:
    with pytest.raises(Limit):
        parse(b" " * (DOCUMENT_LIMIT + 1))
    for opening in (b"[", b'{"a":'):
        with pytest.raises(Limit):
            parse(opening * 100_000)
    check_bounds(b"[" * 100 + b"]" * 100, "x")
    with pytest.raises(Limit):
        check_bounds(b"[" * 101 + b"]" * 101, "x")


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for read in (parse, config.parse, config.document):
        try:
            read(data)
        except ScowError:
            continue


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(MANIFEST)), json_values)
def test_any_value_in_any_place_is_read_or_refused(key: str, value: object) -> None:
    try:
        parse(raw({**MANIFEST, key: value}))
    except ScowError:
        return


def test_the_subject_is_named() -> None:
    with pytest.raises(Invalid, match=r"index of docker\.io/x"):
        parse(b"{", "", "index of docker.io/x")


# -- configs ----------------------------------------------------------------------------------------------------------

WHOLE = {
    "architecture": "arm64", "os": "linux", "variant": "v8", "created": "2024-01-01T00:00:00Z", "author": "me",
    "config": {
        "User": "app", "Env": ["A=b"], "Entrypoint": ["/x"], "Cmd": ["y"], "WorkingDir": "/w", "Labels": {"a": "b"},
        "ExposedPorts": {"80/tcp": {}}, "Volumes": {"/v": {}}, "StopSignal": "SIGINT", "OnBuild": ["RUN x"],
        "Shell": ["/bin/bash", "-c"], "ArgsEscaped": True, "Hostname": "", "Image": "x",
        "Healthcheck": {"Test": ["CMD", "x"], "Interval": 5, "StartPeriod": 7, "Retries": 2},
    },
    "rootfs": {"type": "layers", "diff_ids": [D]},
    "history": [{"created": "2024-01-01T00:00:00Z", "created_by": "x", "empty_layer": True}, {}],
    "docker_version": "1.0", "container_config": {"Cmd": []}, "moby.buildkit.buildinfo.v1": "x",
}  # fmt: skip


def test_a_config() -> None:
    found = config.parse(raw(WHOLE))
    assert found.platform == Platform("arm64", "linux")
    assert found.diff_ids == (DiffId(D),)
    assert isinstance(found.diff_ids[0], DiffId)
    assert found.process.entrypoint == ("/x",)
    assert found.process.healthcheck is not None
    assert (found.process.healthcheck.start_period, found.process.healthcheck.retries) == (7, 2)
    assert found.history is not None
    assert [step.empty_layer for step in found.history] == [True, False]
    assert config.document(raw(WHOLE)) == WHOLE


def test_a_config_with_nothing_in_it() -> None:
    for document in ({}, {"config": None, "rootfs": {"type": "layers", "diff_ids": None}, "history": None}):
        found = config.parse(raw(document))
        assert found.diff_ids == ()
        assert found.process.env is None
    assert config.parse(b'{"config":{"Env":null,"Cmd":null,"Labels":null}}').process.cmd is None


@pytest.mark.parametrize(
    "document",
    [[], {"rootfs": {"diff_ids": ["nope"]}}, {"config": {"Env": "A=b"}}, {"history": {}}, {"config": {"Cmd": [1]}},
     {"rootfs": []}],
)  # fmt: skip
def test_a_config_that_is_refused(document: object) -> None:
    with pytest.raises(Invalid):
        config.parse(raw(document))
    if not isinstance(document, dict):
        with pytest.raises(Invalid):
            config.document(raw(document))


def test_text_of_another_encoding_is_refused() -> None:
    with pytest.raises(Invalid, match="not UTF-8"):
        encode({"created_by": "COPY caf\udce9 /"})
