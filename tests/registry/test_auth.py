"""Passwords, tokens and logins, against a registry that wants them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.registry.conftest import Bytes, MakeClient, Pocket, first, noise, read
from tests.registry.test_faults import status

from scow.errors import Denied, NotFound, ScowError, Unsupported
from scow.registry.auth import Authorizer
from scow.registry.challenge import Challenge
from scow.registry.credentials import Credential
from scow.registry.hosts import HostSettings
from scow.registry.transport import Call, Transport
from scow.testing.registry import Registry as Server
from scow.testing.registry_handler import Exchange


@pytest.fixture
def basic() -> Iterator[Server]:
    with Server(username="ann", password="p:ß") as server:
        yield server


@pytest.fixture
def bearer() -> Iterator[Server]:
    with Server(username="ann", password="pw", auth="bearer") as server:
        yield server


def _tokens(server: Server) -> list[str]:
    return [seen.query for seen in server.seen if seen.path == "/token"]


def test_a_password_is_sent_only_after_it_was_asked_for(basic: Server, connect: MakeClient, source: Bytes) -> None:
    repository = connect(basic.host, "ann", "p:ß").repository()
    blob = source.add(noise(5000))
    repository.push(blob, source)
    assert read(repository, blob) == source.held[blob.digest]
    sent = ["authorization" in seen.headers for seen in basic.seen]
    assert sent[:2] == [False, False]  # the probe for TLS, the first request
    assert all(sent[2:])


def test_a_token_is_asked_for_once_by_many_threads(bearer: Server, connect: MakeClient, source: Bytes) -> None:
    repository = connect(bearer.host, "ann", "pw").repository()
    blobs = [source.add(noise(5000, seed)) for seed in range(16)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda blob: repository.push(blob, source), blobs))
        assert list(pool.map(repository.exists, blobs)) == [True] * 16
    assert len(_tokens(bearer)) == 1
    assert "scope=repository%3Ateam%2Fapp%3Apull%2Cpush" in _tokens(bearer)[0]
    assert "service=scow-test" in _tokens(bearer)[0]


def test_reading_asks_for_no_more_than_reading(bearer: Server, connect: MakeClient, source: Bytes) -> None:
    repository = connect(bearer.host, "ann", "pw").repository(push=False)
    assert not repository.exists(source.add(b"x"))
    assert "pull%2Cpush" not in _tokens(bearer)[0]
    repository.push(source.add(b"y"), source)  # and gets more when it needs more
    assert "pull%2Cpush" in _tokens(bearer)[1]


def test_a_token_that_is_revoked_in_mid_transfer_is_renewed(bearer: Server, connect: MakeClient, source: Bytes) -> None:
    repository = connect(bearer.host, "ann", "pw").repository()
    blob = source.add(noise(2_000_000))
    revoked: list[bool] = []

    def revoke(exchange: Exchange) -> bool:
        if exchange.method == "PUT" and not revoked:
            bearer.gate.revoke()
            revoked.append(True)
        return False

    bearer.fault = revoke
    repository.push(blob, source)
    assert source.opened == [blob.digest] * 2
    assert repository.exists(blob)

    def cut(exchange: Exchange) -> bool:
        if exchange.method == "GET" and not exchange.headers.get("Range"):
            exchange.cut = 1_000_000
        return False

    bearer.fault = cut
    with repository.open(blob) as reader:
        head = reader.read(1000)
        bearer.gate.revoke()
        rest = b"".join(iter(lambda: reader.read(1 << 20), b""))
    assert head + rest == source.held[blob.digest]
    assert bearer.seen[-1].headers["range"] == "bytes=1000000-"


def test_a_token_is_renewed_before_it_expires(connect: MakeClient, source: Bytes) -> None:
    with Server(username="ann", password="pw", auth="bearer", token_lifetime=40.0) as server:
        clock = [0.0]
        transport = Transport()
        authorizer = Authorizer(
            server.host, "a", transport, Pocket({server.host: Credential("ann", "pw")}), lambda: clock[0]
        )
        header = f'Bearer realm="http://{server.host}/token",service="s"'
        assert authorizer.header(("x",)) is None
        assert authorizer.challenged(header, ("x",), None)
        token = authorizer.header(("x",))
        clock[0] = 29.0
        assert authorizer.header(("x",)) == token
        clock[0] = 31.0
        assert authorizer.header(("x",)) != token
        transport.close()


def test_anonymous_tokens(connect: MakeClient, source: Bytes) -> None:
    with Server(username="ann", password="pw", auth="bearer", anonymous_pull=True) as server:
        blob = source.add(b"public")
        connect(server.host, "ann", "pw").repository().push(blob, source)
        repository = connect(server.host).repository(push=False)
        assert read(repository, blob) == b"public"
        with pytest.raises(Denied):
            repository.push(source.add(b"mine"), source)


def test_a_mount_asks_for_both_repositories(bearer: Server, connect: MakeClient, source: Bytes) -> None:
    blob = source.add(b"shared")
    client = connect(bearer.host, "ann", "pw")
    client.repository("base").push(blob, source)
    client.repository(mount_from=("base",)).push(blob, source)
    assert source.opened == [blob.digest]
    assert "scope=repository%3Abase%3Apull&" in _tokens(bearer)[-1]


def test_a_wrong_password_is_told(basic: Server, bearer: Server, connect: MakeClient, source: Bytes) -> None:
    with pytest.raises(Denied) as caught:
        connect(bearer.host, "ann", "nope").repository().exists(source.add(b"x"))
    assert str(caught.value) == f"{bearer.host}: unauthorized: incorrect username or password"
    with pytest.raises(Denied, match="unauthorized"):
        connect(basic.host, "ann", "nope").repository().resolve("x")
    assert "nope" not in str(caught.value) + repr(caught.value)


@pytest.mark.parametrize("kind", ["basic", "bearer"])
@pytest.mark.parametrize("before", [None, Credential("ann", "of yesterday")])
def test_a_refused_password_is_looked_up_anew(
    kind: str, before: Credential | None, basic: Server, bearer: Server, connect: MakeClient, source: Bytes
) -> None:
    """A helper has another one each twelve hours, and somebody may log in meanwhile."""
    server, password = (basic, "p:ß") if kind == "basic" else (bearer, "pw")
    held = {server.host: before} if before else {}
    client = connect(server.host)
    client.registry._credentials = Pocket(held)
    repository = client.repository()
    with pytest.raises(Denied):
        repository.exists(source.add(b"x"))
    client.registry._credentials._held[server.host] = Credential("ann", password)
    assert not repository.exists(source.add(b"x"))


@pytest.mark.parametrize("kind", ["basic", "bearer"])
def test_login(kind: str, basic: Server, bearer: Server, connect: MakeClient) -> None:
    server, password = (basic, "p:ß") if kind == "basic" else (bearer, "pw")
    registry = connect(server.host).registry
    kept = registry.login(server.host, Credential("ann", password))
    if kind == "basic":
        assert kept == Credential("ann", password)
    else:
        assert kept.identity_token
        assert not kept.password
    for wrong in (Credential("ann", "nope"), Credential("bob", password)):
        with pytest.raises(Denied, match="unauthorized: incorrect username or password"):
            registry.login(server.host, wrong)


def test_an_identity_token_opens_the_door(bearer: Server, connect: MakeClient, source: Bytes) -> None:
    kept = connect(bearer.host).registry.login(bearer.host, Credential("ann", "pw"))
    repository = connect(bearer.host, credential=kept).repository()
    repository.push(source.add(b"x"), source)
    assert [seen.method for seen in bearer.seen if seen.path == "/token"] == ["GET", "POST"]
    forged = connect(bearer.host, credential=Credential(identity_token="forged")).repository()
    with pytest.raises(Denied):
        forged.exists(source.add(b"x"))


def test_an_identity_token_follows_no_redirect(bearer: Server, connect: MakeClient, source: Bytes) -> None:
    """It is in the request's body, which is no header to be left out (CVE-2024-45336 and its kind)."""
    with Server() as thief:
        bearer.fault = first(9, status(307, Location=f"http://{thief.host}/token"), method="POST", path="/token")
        repository = connect(bearer.host, credential=Credential(identity_token="mine")).repository()
        with pytest.raises(Denied, match=f"redirects a login to {thief.host}"):
            repository.exists(source.add(b"x"))
        assert not thief.seen


def test_a_token_server_that_knows_nobody(bearer: Server, connect: MakeClient, source: Bytes) -> None:
    with pytest.raises(Denied, match="unauthorized") as caught:
        connect(bearer.host).repository().exists(source.add(b"x"))
    assert caught.value.hint == f"scow login {bearer.host}"


def test_a_token_server_on_a_bad_day(bearer: Server, connect: MakeClient, source: Bytes) -> None:
    client = connect(bearer.host, "ann", "pw")
    bearer.fault = first(3, lambda exchange: exchange.answer(503), path="/token")
    assert not client.repository().exists(source.add(b"x"))
    assert len(client.waits) == 3


def test_login_where_no_door_is_or_no_registry(server: Server, connect: MakeClient) -> None:
    registry = connect(server.host).registry
    assert registry.login(server.host, Credential("any", "one")) == Credential("any", "one")
    server.fault = first(9, lambda exchange: exchange.answer(404), path="/v2/")
    with pytest.raises(NotFound, match="no registry"):
        registry.login(server.host, Credential("any", "one"))


def test_a_registry_token_goes_as_it_is(bearer: Server, connect: MakeClient, source: Bytes) -> None:
    repository = connect(bearer.host, credential=Credential(registry_token="ready")).repository()
    with pytest.raises(Denied):
        repository.exists(source.add(b"x"))
    assert bearer.seen[-1].headers["authorization"] == "Bearer ready"
    assert len(bearer.seen) < 6


def test_credentials_do_not_go_to_a_realm_over_plain_http() -> None:
    transport = Transport()
    authorizer = Authorizer("reg.example", "a", transport, Pocket())
    realm = Challenge("bearer", {"realm": "http://auth.example/token"})
    with pytest.raises(Denied, match="plain http"):
        authorizer.login(realm, Credential("ann", "pw"))
    with pytest.raises(Denied, match="plain http"):
        transport.send(Call("GET", "http://reg.example/v2/", {"Authorization": "Basic x"}))


def test_a_broken_helper_matters_only_when_access_is_denied(connect: MakeClient, source: Bytes) -> None:
    class Broken(Pocket):
        def lookup(self, host: str, path: str = "") -> Credential | None:
            raise Unsupported("credential helper cannot be started", subject="docker-credential-x")

    with Server(username="ann", password="pw", auth="bearer", anonymous_pull=True) as server:
        client = connect(server.host)
        client.registry._credentials = Broken()
        repository = client.repository(push=False)
        assert not repository.exists(source.add(b"x"))
        with pytest.raises(Denied) as caught:
            repository.push(source.add(b"x"), source)
        assert "docker-credential-x" in caught.value.hint


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b'{"token":5}', b'{"token":"a\\nb"}', b"[" * 3000, b"x" * (1 << 20)]
)
def test_a_strange_token_server_is_an_error(bearer: Server, connect: MakeClient, source: Bytes, body: bytes) -> None:
    bearer.fault = first(9, lambda exchange: exchange.answer(200, {}, body), path="/token")
    with pytest.raises(ScowError):
        connect(bearer.host, "ann", "pw").repository().exists(source.add(b"x"))


def test_a_registry_that_is_never_content(bearer: Server, connect: MakeClient, source: Bytes) -> None:
    def never(exchange: Exchange) -> bool:
        if exchange.url_path in ("/token", "/v2/"):
            return False
        exchange.refuse(401, "UNAUTHORIZED", headers={"WWW-Authenticate": f'Bearer realm="http://{bearer.host}/token"'})
        return True

    bearer.fault = never
    began = time.monotonic()
    with pytest.raises(Denied):
        connect(bearer.host, "ann", "pw").repository().exists(source.add(b"x"))
    assert len(bearer.seen) < 10
    assert time.monotonic() - began < 5


def test_a_host_declared_insecure_is_spoken_to_in_the_clear(basic: Server, connect: MakeClient, source: Bytes) -> None:
    client = connect(basic.host, "ann", "p:ß", settings=HostSettings(insecure=True))
    assert not client.repository().exists(source.add(b"x"))


def test_challenges_in_headers_of_their_own(bearer: Server, connect: MakeClient, source: Bytes) -> None:
    realm = f'Bearer realm="http://{bearer.host}/token",service="scow-test"'

    def several(exchange: Exchange) -> bool:
        if exchange.url_path in ("/token", "/v2/") or "Authorization" in exchange.headers:
            return False
        exchange.answer(
            401, {"WWW-Authenticate": realm, "Www-authenticate": 'Basic realm="x"', "www-authenticate": "Negotiate"}
        )
        return True

    bearer.fault = several
    assert not connect(bearer.host, "ann", "pw").repository().exists(source.add(b"x"))
    assert bearer.seen[-1].headers["authorization"].startswith("Bearer ")
