"""A repository as source and sink, against the in-process registry."""

from __future__ import annotations

import json

import pytest
from tests.registry.conftest import Bytes, MakeClient, first, noise, read

from scow.content.verify import read_document
from scow.errors import Denied, Integrity, Invalid, NotFound, Unavailable, Unsupported
from scow.oci import media_types
from scow.oci.descriptor import Descriptor
from scow.oci.digest import Digest
from scow.oci.manifest import parse_manifest
from scow.registry.repository import Repository
from scow.testing.registry import Registry as Server
from scow.testing.registry_handler import Exchange


def _push(repository: Repository, source: Bytes, *layers: bytes, tag: str = "v1", **more: object) -> Descriptor:
    manifest, children = source.image(*layers, **more)
    for child in (*children, manifest):
        if not repository.exists(child):
            repository.push(child, source)
    repository.tag(manifest, tag)
    return manifest


def test_what_is_pushed_is_there_under_its_tag_and_digest(server: Server, connect: MakeClient, source: Bytes) -> None:
    manifest = _push(connect(server.host).repository(), source, noise(3_000_000), b"small", b"")
    repository = connect(server.host).repository(push=False)
    assert repository.resolve("v1") == manifest
    assert repository.resolve(manifest.digest) == manifest
    document = parse_manifest(read_document(repository, manifest))
    for child in document.children:
        assert repository.exists(child)
        assert read(repository, child) == source.held[child.digest]
    assert list(repository.tags()) == ["v1"]


def test_plain_http_on_loopback_is_found_out_once(server: Server, connect: MakeClient) -> None:
    client = connect(server.host)
    client.repository()
    client.repository("other")
    assert [seen.path for seen in server.seen] == ["/v2/"]


def test_tagging_sends_the_same_bytes_without_fetching(server: Server, connect: MakeClient, source: Bytes) -> None:
    repository = connect(server.host).repository()
    manifest = _push(repository, source, b"x")
    server.forget()
    repository.tag(manifest, "v2")
    assert [(seen.method, seen.path) for seen in server.seen] == [("PUT", "/v2/team/app/manifests/v2")]
    server.forget()
    connect(server.host).repository().tag(manifest, "v3")
    assert [seen.method for seen in server.seen if "manifests" in seen.path] == ["GET", "PUT"]
    assert sorted(repository.tags()) == ["v1", "v2", "v3"]


def test_a_blob_is_read_from_an_offset(server: Server, connect: MakeClient, source: Bytes) -> None:
    data = noise(1_000_000)
    blob = source.add(data)
    repository = connect(server.host).repository()
    repository.push(blob, source)
    assert read(repository, blob, 400_000) == data[400_000:]
    assert read(repository, blob, len(data)) == b""
    assert read(repository, blob, size=1000) == data
    assert server.seen[-1].headers.get("range") is None


def test_a_manifest_is_read_from_an_offset(server: Server, connect: MakeClient, source: Bytes) -> None:
    repository = connect(server.host).repository()
    manifest = _push(repository, source, b"x")
    assert read(repository, manifest, 10) == source.held[manifest.digest][10:]


def test_unknown_names_are_told_as_docker_tells_them(server: Server, connect: MakeClient, source: Bytes) -> None:
    repository = connect(server.host).repository()
    _push(repository, source, b"x")
    with pytest.raises(NotFound) as caught:
        repository.resolve("v9")
    assert str(caught.value) == f"manifest for {server.host}/team/app:v9 not found: manifest unknown"
    missing = Descriptor(media_types.OCI_LAYER, Digest.of(b"no"), 2)
    assert not repository.exists(missing)
    with pytest.raises(NotFound, match=f"blob {missing.digest} not found in {server.host}/team/app: blob unknown"):
        read(repository, missing)
    with pytest.raises(NotFound, match=r"repository .*/none not found: name unknown"):
        list(connect(server.host).repository("none").tags())


def test_a_manifest_whose_blobs_are_missing_is_refused_aloud(
    server: Server, connect: MakeClient, source: Bytes
) -> None:
    manifest, _ = source.image(b"never sent")
    with pytest.raises(NotFound, match=r"pushing to .*/team/app failed: manifest blob unknown"):
        connect(server.host).repository().push(manifest, source)


def test_a_blob_is_mounted_from_where_it_is(server: Server, connect: MakeClient, source: Bytes) -> None:
    blob = source.add(noise(100_000))
    connect(server.host).repository("base/image").push(blob, source)
    source.opened.clear()
    repository = connect(server.host).repository(mount_from=("wrong/one", "base/image"))
    repository.push(blob, source)
    assert source.opened == []
    assert repository.exists(blob)


def test_a_refused_mount_ends_in_an_upload(server: Server, connect: MakeClient, source: Bytes) -> None:
    blob = source.add(noise(100_000))
    repository = connect(server.host).repository(mount_from=("a", "b", "c"))
    repository.push(blob, source)
    assert source.opened == [blob.digest]
    assert repository.exists(blob)


def test_foreign_layers_are_not_pushed_and_come_from_their_urls(
    server: Server, connect: MakeClient, source: Bytes
) -> None:
    elsewhere = source.add(b"windows")
    connect(server.host).repository("elsewhere").push(elsewhere, source)
    url = f"http://{server.host}/v2/elsewhere/blobs/{elsewhere.digest}"
    kind = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
    foreign = elsewhere.annotated(media_type=kind, urls=("ftp://x/", url))
    repository = connect(server.host, "u", "p").repository()
    server.forget()
    repository.push(foreign, source)
    assert [seen.method for seen in server.seen if seen.path != "/v2/"] == []
    assert read(repository, foreign) == b"windows"
    with pytest.raises(NotFound):
        read(repository, foreign.annotated(urls=None))
    with pytest.raises(Invalid):
        read(repository, foreign.annotated(urls=("file:///etc/passwd", "http://[")))


def test_wrong_bytes_are_not_stored(server: Server, connect: MakeClient, source: Bytes) -> None:
    blob = source.add(b"right")
    source.held[blob.digest] = b"wrong"
    repository = connect(server.host).repository()
    with pytest.raises(Integrity) as caught:
        repository.push(blob, source)
    assert blob.digest in str(caught.value)
    assert not repository.exists(blob)


@pytest.mark.parametrize("held", [b"shor", b"longer"])
def test_a_source_with_another_size_is_refused(server: Server, connect: MakeClient, source: Bytes, held: bytes) -> None:
    blob = source.add(b"right")
    source.held[blob.digest] = held
    repository = connect(server.host).repository()
    with pytest.raises(Integrity, match="size"):
        repository.push(blob, source)
    assert not repository.exists(blob)


def test_tags_come_page_by_page(connect: MakeClient, source: Bytes) -> None:
    with Server(page_size=3) as server:
        repository = connect(server.host).repository()
        manifest = _push(repository, source, b"x", tag="t00")
        for number in range(1, 10):
            repository.tag(manifest, f"t{number:02}")
        server.forget()
        assert list(repository.tags()) == [f"t{number:02}" for number in range(10)]
        assert len([seen for seen in server.seen if seen.path.endswith("/tags/list")]) == 4


def test_a_list_of_tags_that_never_ends_is_left(server: Server, connect: MakeClient) -> None:
    def endless(exchange: Exchange) -> bool:
        if exchange.url_path.endswith("/tags/list"):
            exchange.answer(200, {"Link": '</v2/team/app/tags/list?last=x>; rel="next"'}, b'{"tags":["x"]}')
            return True
        return False

    server.fault = endless
    with pytest.raises(Invalid, match="back to itself"):
        list(connect(server.host).repository().tags())


def test_referrers_by_the_api_and_by_tag(server: Server, connect: MakeClient, source: Bytes) -> None:
    repository = connect(server.host).repository()
    subject = _push(repository, source, b"x")
    told = {"mediaType": subject.media_type, "digest": str(subject.digest), "size": subject.size}
    referrer = _push(repository, source, b"sbom", tag="sbom", subject=told, artifactType="application/sbom")
    assert [one.digest for one in repository.referrers(subject.digest)] == [referrer.digest]
    assert [one.artifact_type for one in repository.referrers(subject.digest, "application/sbom")] == [
        "application/sbom"
    ]
    assert repository.referrers(subject.digest, "application/other") == ()
    assert repository.referrers(referrer.digest) == ()
    entry = {"mediaType": referrer.media_type, "digest": str(referrer.digest), "size": referrer.size}
    index = source.add(json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode(), media_types.OCI_INDEX)
    repository.push(index, source)
    repository.tag(index, subject.digest.replace(":", "-"))

    def without_the_api(exchange: Exchange) -> bool:
        if "/referrers/" in exchange.path:
            exchange.refuse(404, "NAME_UNKNOWN")
            return True
        return False

    server.fault = without_the_api
    assert [one.digest for one in repository.referrers(subject.digest)] == [referrer.digest]
    assert repository.referrers(referrer.digest) == ()


def test_referrers_come_page_by_page(connect: MakeClient, source: Bytes) -> None:
    with Server(page_size=2) as server:
        repository = connect(server.host).repository()
        subject = _push(repository, source, b"x")
        told = {"mediaType": subject.media_type, "digest": str(subject.digest), "size": subject.size}
        pushed = {
            _push(repository, source, b"%d" % n, tag=f"r{n}", subject=told, artifactType="a/b").digest for n in range(5)
        }
        for artifact_type in (None, "a/b"):
            server.forget()
            assert {one.digest for one in repository.referrers(subject.digest, artifact_type)} == pushed
            assert len([seen for seen in server.seen if "/referrers/" in seen.path]) == 3


def test_deleting_by_tag_and_by_digest(server: Server, connect: MakeClient, source: Bytes) -> None:
    repository = connect(server.host).repository()
    manifest = _push(repository, source, b"x")
    repository.tag(manifest, "v2")
    repository.delete("v2")
    assert list(repository.tags()) == ["v1"]
    repository.delete(manifest.digest)
    assert list(repository.tags()) == []
    with pytest.raises(NotFound):
        repository.delete(manifest.digest)
    server.fault = first(9, lambda exchange: exchange.refuse(405, "UNSUPPORTED"), method="DELETE", path="")
    with pytest.raises(Unsupported, match="does not delete"):
        repository.delete("v1")


def test_a_head_that_is_refused_is_asked_again_with_get(server: Server, connect: MakeClient, source: Bytes) -> None:
    manifest = _push(connect(server.host).repository(), source, b"x")
    server.fault = first(9, lambda exchange: exchange.refuse(405, "UNSUPPORTED"), method="HEAD", path="")
    repository = connect(server.host).repository(push=False)
    assert repository.resolve("v1") == manifest
    server.forget()
    assert read(repository, manifest) == source.held[manifest.digest]
    assert server.seen == []  # it was kept


def test_a_tampered_manifest_is_seen(server: Server, connect: MakeClient, source: Bytes) -> None:
    manifest = _push(connect(server.host).repository(), source, b"x")
    evil = source.held[manifest.digest] + b" "

    def tamper(exchange: Exchange) -> bool:
        if "/manifests/" not in exchange.path:
            return False
        claimed = {"Content-Type": manifest.media_type, "Docker-Content-Digest": str(Digest.of(evil))}
        exchange.answer(200, claimed, evil)
        return True

    server.fault = tamper
    repository = connect(server.host).repository(push=False)
    with pytest.raises(Integrity):
        repository.resolve(manifest.digest)
    with pytest.raises(Integrity):
        read_document(repository, manifest)


def test_a_host_that_is_not_there(connect: MakeClient) -> None:
    with Server() as gone:
        host = gone.host
    with pytest.raises(Unavailable, match=f"cannot reach {host}: connection refused"):
        connect(host).repository()


def test_a_host_without_a_name(connect: MakeClient) -> None:
    repository = connect("registry.invalid").repository()
    with pytest.raises(Unavailable, match=r"^cannot reach registry\.invalid: name not known$"):
        repository.resolve("x")


def test_denied_names_the_way_in(connect: MakeClient, source: Bytes) -> None:
    with Server(username="u", password="p") as server:
        repository = connect(server.host).repository(push=False)
        with pytest.raises(Denied) as caught:
            repository.resolve("v1")
        assert str(caught.value) == (
            f"pull access denied for {server.host}/team/app, repository does not exist or may require 'scow login': "
            "unauthorized: authentication required"
        )
        assert caught.value.hint == f"scow login {server.host}"
        with pytest.raises(Denied, match=r"push access to .* denied: unauthorized: authentication required"):
            repository.push(source.add(b"x"), source)


def test_an_address_of_ipv6(connect: MakeClient, source: Bytes) -> None:
    try:
        server = Server(host="::1")
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with server:
        assert server.host.startswith("[::1]:")
        repository = connect(server.host).repository()
        manifest = _push(repository, source, b"six")
        assert repository.resolve("v1") == manifest


def test_connections_are_used_again(server: Server, connect: MakeClient, source: Bytes) -> None:
    ports = set()

    def note(exchange: Exchange) -> bool:
        ports.add(exchange.client_address[1])
        return False

    repository = connect(server.host).repository()
    server.fault = note
    manifest = _push(repository, source, noise(2_000_000), b"small")
    for child in (*source.image(noise(2_000_000), b"small")[1], manifest):
        read(repository, child)
        repository.exists(child)
    assert len(ports) == 1
