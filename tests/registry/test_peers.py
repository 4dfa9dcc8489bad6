"""The distribution registry as Debian packages it: what it takes, we must be able to send."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.registry.conftest import Bytes, MakeClient, noise, read
from tests.support.registries import PASSWORD, USERNAME, serve

from scow.content.verify import read_document
from scow.errors import Denied, Integrity, NotFound, Unsupported
from scow.oci import media_types
from scow.oci.digest import Digest
from scow.registry.credentials import Credential

pytestmark = pytest.mark.peers


@pytest.fixture(scope="module")
def open_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serve(tmp_path_factory.mktemp("open")) as registry:
        yield registry.host


@pytest.fixture(scope="module")
def closed_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serve(tmp_path_factory.mktemp("closed"), password=True) as registry:
        yield registry.host


def test_a_round_trip(open_host: str, connect: MakeClient, source: Bytes) -> None:
    client = connect(open_host)
    repository = client.repository("team/app")
    manifest, children = source.image(noise(5_000_000), noise(100, 1), b"")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda child: repository.push(child, source), children))
    repository.push(manifest, source)
    repository.tag(manifest, "v1")
    other = client.repository("team/app", push=False)
    assert other.resolve("v1") == manifest
    assert other.resolve(manifest.digest) == manifest
    assert read_document(other, manifest) == source.held[manifest.digest]
    for child in children:
        assert other.exists(child)
        assert read(other, child) == source.held[child.digest]
    big = children[1]
    assert read(other, big, 4_000_000) == source.held[big.digest][4_000_000:]
    assert list(other.tags()) == ["v1"]
    assert other.referrers(manifest.digest) == ()
    assert client.waits == []


def test_an_index_and_docker_types(open_host: str, connect: MakeClient, source: Bytes) -> None:
    repository = connect(open_host).repository("team/index")
    manifest, children = source.image(b"layer", mediaType=media_types.OCI_MANIFEST)
    for child in (*children, manifest):
        repository.push(child, source)
    entry = {"mediaType": manifest.media_type, "digest": str(manifest.digest), "size": manifest.size}
    platform = {"platform": {"os": "linux", "architecture": "amd64"}}
    document = {"schemaVersion": 2, "mediaType": media_types.DOCKER_INDEX, "manifests": [{**entry, **platform}]}
    index = source.add(json.dumps(document).encode(), media_types.DOCKER_INDEX)
    repository.push(index, source)
    repository.tag(index, "multi")
    assert connect(open_host).repository("team/index").resolve("multi") == index


def test_mount_delete_and_unknown_names(open_host: str, connect: MakeClient, source: Bytes) -> None:
    client = connect(open_host)
    blob = source.add(noise(50_000, 7))
    client.repository("from/here").push(blob, source)
    source.opened.clear()
    target = client.repository("to/there", mount_from=("not/here", "from/here"))
    target.push(blob, source)
    assert source.opened == []
    assert target.exists(blob)
    manifest, children = source.image(b"short lived")
    for child in (*children, manifest):
        target.push(child, source)
    target.tag(manifest, "gone")
    with pytest.raises(Unsupported, match="deletes by digest only") as refused:
        target.delete("gone")
    assert refused.value.hint == f"all tags of the manifest would go: scow delete {target.name}@{manifest.digest}"
    target.delete(manifest.digest)
    with pytest.raises(NotFound) as caught:
        client.repository("to/there").resolve("gone")
    assert str(caught.value) == f"manifest for {open_host}/to/there:gone not found: manifest unknown"
    with pytest.raises(NotFound, match="not found"):
        list(client.repository("never/was").tags())


def test_wrong_bytes_are_refused(open_host: str, connect: MakeClient, source: Bytes) -> None:
    blob = source.add(b"right")
    source.held[blob.digest] = b"wrong"
    with pytest.raises(Integrity, match=blob.digest):
        connect(open_host).repository().push(blob, source)


def test_a_manifest_without_its_blobs_is_refused(open_host: str, connect: MakeClient, source: Bytes) -> None:
    manifest, _ = source.image(b"never sent at all")
    with pytest.raises(NotFound, match="manifest blob unknown"):
        connect(open_host).repository("incomplete").push(manifest, source)


def test_a_password(closed_host: str, connect: MakeClient, source: Bytes) -> None:
    registry = connect(closed_host).registry
    assert registry.login(closed_host, Credential(USERNAME, PASSWORD)) == Credential(USERNAME, PASSWORD)
    with pytest.raises(Denied, match="unauthorized: incorrect username or password"):
        registry.login(closed_host, Credential(USERNAME, "nope"))
    blob = source.add(noise(1_000_000))
    repository = connect(closed_host, USERNAME, PASSWORD).repository()
    repository.push(blob, source)
    assert read(repository, blob) == source.held[blob.digest]
    with pytest.raises(Denied, match="unauthorized: authentication required") as caught:
        connect(closed_host).repository().resolve("v1")
    assert caught.value.hint == f"scow login {closed_host}"
    with pytest.raises(Denied, match="unauthorized: authentication required"):
        connect(closed_host, USERNAME, "nope").repository().push(source.add(b"x"), source)
    assert Digest.of(source.held[blob.digest]) == blob.digest
