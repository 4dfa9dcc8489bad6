"""What real registries do differently (docs/registries.md), done by the in-process one."""

from __future__ import annotations

import pytest
from tests.registry.conftest import Bytes, Client, MakeClient, first, noise, read

from scow.errors import Denied, Invalid, NotFound, ScowError, Unsupported
from scow.oci.descriptor import Descriptor
from scow.registry.credentials import Credential
from scow.testing.registry import Registry as Server
from scow.testing.registry_handler import Exchange


def put(client: Client, source: Bytes, path: str = "team/app", size: int = 50_000) -> Descriptor:
    manifest, children = source.image(noise(size))
    repository = client.repository(path)
    for child in (*children, manifest):
        repository.push(child, source)
    repository.tag(manifest, "v1")
    return manifest


def test_the_hub_counts_no_look_ups(server: Server, connect: MakeClient, source: Bytes) -> None:
    manifest = put(connect(server.host), source)
    server.forget()
    assert connect(server.host).repository().resolve("v1").digest == manifest.digest
    assert [seen.method for seen in server.seen if "/manifests/" in seen.path] == ["HEAD"]


def test_ghcr_wants_an_anonymous_token(connect: MakeClient, source: Bytes) -> None:
    with Server(username="u", password="p", auth="bearer", anonymous_pull=True) as server:
        manifest = put(connect(server.host, "u", "p"), source)
        assert connect(server.host).repository(push=False).resolve("v1").digest == manifest.digest


def test_ecr_makes_no_repositories(connect: MakeClient, source: Bytes) -> None:
    words = "The repository with name 'team/app' does not exist in the registry"

    def unknown(exchange: Exchange) -> bool:
        exchange.refuse(404, "NAME_UNKNOWN", words)
        return True

    with Server(username="AWS", password="x" * 2000) as server:
        server.fault = first(1, unknown, method="POST")
        with pytest.raises(NotFound, match=words):
            put(connect(server.host, "AWS", "x" * 2000), source)


@pytest.mark.parametrize("kind", ["basic", "bearer"])
def test_storage_hosts_refuse_any_authorization(kind: str, connect: MakeClient, source: Bytes) -> None:
    """Azure's and Google's: a request with our header is an error there."""

    def picky(exchange: Exchange) -> bool:
        if exchange.headers.get("Authorization"):
            exchange.refuse(400, "InvalidAuthenticationInfo")
            return True
        return False

    auth = "bearer" if kind == "bearer" else "basic"
    with Server(username="u", password="p", auth=auth) as server, Server() as storage:  # type: ignore[arg-type]
        client = connect(server.host, "u", "p")
        manifest = put(client, source)
        put(connect(storage.host), source, "blobs")
        storage.fault = picky

        def away(exchange: Exchange) -> bool:
            if not exchange.headers.get("Authorization"):
                return False  # the challenge comes first
            exchange.answer(307, {"Location": f"http://{storage.host}{exchange.path.replace('team/app', 'blobs')}"})
            return True

        server.fault = first(99, away, method="GET")
        [layer] = [blob for blob in source.held if len(source.held[blob]) == 50_000]
        blob = Descriptor("application/octet-stream", type(manifest.digest)(layer), 50_000)
        assert read(client.repository(), blob, 123) == source.held[layer][123:]


def test_acr_takes_identity_tokens(connect: MakeClient, source: Bytes) -> None:
    with Server(username="u", password="p", auth="bearer") as server:
        token = connect(server.host).registry.login(server.host, Credential("u", "p"))
        manifest = put(connect(server.host, credential=token), source)
        assert connect(server.host, credential=token).repository().resolve("v1").digest == manifest.digest


def test_quay_and_others_tell_little(server: Server, connect: MakeClient, source: Bytes) -> None:
    manifest = put(connect(server.host), source)

    def terse(exchange: Exchange) -> bool:
        told = exchange.send_header

        def quiet(keyword: str, value: str) -> None:
            if keyword == "Content-Type":
                value += "; charset=utf-8"
            if keyword not in ("Docker-Content-Digest", "Docker-Distribution-Api-Version"):
                told(keyword, value)

        exchange.send_header = quiet  # type: ignore[method-assign]
        return False

    server.fault = terse
    repository = connect(server.host).repository()
    assert repository.resolve("v1") == manifest
    assert read(repository, manifest) == source.held[manifest.digest]


@pytest.mark.parametrize(
    ("status", "code", "words", "kind"),
    [
        (412, "PRECONDITION", "current image with 3 vulnerabilities cannot be pulled", Invalid),
        (403, "DENIED", "project team not found", Denied),
        (405, "UNSUPPORTED", "The operation is unsupported.", Unsupported),
    ],
)
def test_refusals_in_their_own_words(
    status: int, code: str, words: str, kind: type[ScowError], server: Server, connect: MakeClient
) -> None:
    server.fault = first(9, lambda exchange: exchange.refuse(status, code, words), path="/manifests/")
    with pytest.raises(kind, match=words):
        connect(server.host).repository().resolve("v1")


def test_harbors_robots(connect: MakeClient, source: Bytes) -> None:
    with Server(username="robot$team+ci", password="s3cret:with:colons") as server:
        assert put(connect(server.host, "robot$team+ci", "s3cret:with:colons"), source)


def test_gitlabs_tokens_end_in_the_middle(connect: MakeClient, source: Bytes) -> None:
    with Server(username="u", password="p", auth="bearer", token_lifetime=0.2) as server:
        client = connect(server.host, "u", "p")
        manifest = put(client, source, size=5_000_000)
        assert client.repository().resolve("v1").digest == manifest.digest


def test_dockers_registry_may_not_delete(server: Server, connect: MakeClient, source: Bytes) -> None:
    put(connect(server.host), source)
    server.fault = first(1, lambda exchange: exchange.refuse(405, "UNSUPPORTED"), method="DELETE", path="/manifests/")
    with pytest.raises(Unsupported, match="does not delete"):
        connect(server.host).repository().delete("v1")
