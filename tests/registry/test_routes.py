"""Where names lead: rules from files, mirrors, other locations, blocked registries, certificates."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cli.conftest import Console
from tests.layer import tars
from tests.layer.tars import item
from tests.registry.conftest import Bytes, MakeClient, noise, read

from scow.content.copy import copy
from scow.errors import Denied, Integrity, Invalid, NotFound, Unavailable
from scow.image.store import Store
from scow.oci import media_types
from scow.oci.reference import Reference
from scow.registry.hosts import Hosts, HostSettings, settings_of
from scow.registry.protocol import Answer
from scow.registry.refusal import refusal
from scow.registry.remote import Registry
from scow.registry.routefiles import read_certificates, read_rules
from scow.registry.routes import Mirror, Route, Rule, merged, parse, routed
from scow.registry.transport import Transport
from scow.testing.registry import Registry as Server
from scow.testing.registry_handler import Exchange

RULES = b"""
unqualified-search-registries = ["docker.io"]
short-name-mode = "enforcing"

[[registry]]
prefix = "docker.io"
location = "hub.corp:5000/hub"
ca-file = "/corp.pem"
[[registry.mirror]]
location = "near:5000"
insecure = true
[[registry.mirror]]
location = "far/m"
pull-from-mirror = "digest-only"

[[registry]]
location = "docker.io/secret"
blocked = true

[[registry]]
prefix = "*.lan"
insecure = true

[[registry]]
prefix = "quay.io/team"
location = "localhost/team2"
mirror-by-digest-only = true
mirror = [{location = "a.example/t"}]
"""


@pytest.fixture(scope="module")
def rules() -> tuple[Rule, ...]:
    return parse(RULES, "registries.conf", strict=False)


@pytest.mark.parametrize(
    ("name", "target", "mirrors"),
    [
        (
            "nginx:1",
            "hub.corp:5000/hub/library/nginx:1",
            [("near:5000/library/nginx:1", "all"), ("far/m/library/nginx:1", "digest-only")],
        ),
        (
            "docker.io/secretive/x",
            "hub.corp:5000/hub/secretive/x:latest",
            [("near:5000/secretive/x:latest", "all"), ("far/m/secretive/x:latest", "digest-only")],
        ),
        ("quay.io/team/app:2", "localhost/team2/app:2", [("a.example/t/app:2", "digest-only")]),
        ("quay.io/teams/app:2", "quay.io/teams/app:2", []),
        ("reg.lan/x", "reg.lan/x:latest", []),
    ],
)  # fmt: skip
def test_where_names_lead(rules: tuple[Rule, ...], name: str, target: str, mirrors: list[tuple[str, str]]) -> None:
    route = routed(rules, Reference.parse(name))
    assert (str(route.target), [(str(one), pull) for one, pull in route.mirrors]) == (target, mirrors)
    assert routed(rules, Reference.parse(name), push=True) == Route(route.target)


def test_blocked(rules: tuple[Rule, ...]) -> None:
    with pytest.raises(Denied, match=r"docker\.io/secret/x: is blocked"):
        routed(rules, Reference.parse("secret/x"))


@pytest.mark.parametrize(
    ("name", "blocked"),
    [
        ("a.example/x:1", True),
        ("a.example/x:1.2", False),
        ("a.example/x", False),
        ("a.example/x/y:1", False),
        (f"a.example/x@sha256:{'0' * 64}", True),
        (f"a.example/x@sha256:{'1' * 64}", False),
        (f"a.example/x:1@sha256:{'1' * 64}", True),
        ("a.example:5000/x:1", False),
    ],
)
def test_a_prefix_may_be_a_tag_or_a_digest(name: str, blocked: bool) -> None:
    """As containers-registries.conf(5) has it; a host on another port is another host."""
    scopes = ("a.example/x:1", f"a.example/x@sha256:{'0' * 64}")
    rules = (*(Rule(scope, blocked=True) for scope in scopes), Rule("a.example", "b.example"))
    if blocked:
        with pytest.raises(Denied):
            routed(rules, Reference.parse(name))
    else:
        host = "a.example:5000" if ":5000" in name else "b.example"
        assert routed(rules, Reference.parse(name)).target.host == host
    moved = routed((Rule("a.example/x:1", "c.example/z"),), Reference.parse("a.example/x:1")).target
    assert str(moved) == "c.example/z:1"


def test_how_hosts_are_met(rules: tuple[Rule, ...]) -> None:
    assert settings_of(rules) == {
        "hub.corp:5000": HostSettings(ca_files=("/corp.pem",)),
        "near:5000": HostSettings(insecure=True),
        "*.lan": HostSettings(insecure=True),
    }
    hosts = Hosts(settings_of(rules))
    assert [hosts.allows_http(host) for host in ("a.b.lan:5000", "lan", "notlan", "a.lan.com")] == [
        True, False, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"[[registry", "cannot be used"),
        (b"\xff", "cannot be used"),
        (b"registry = 3", "Expected `array`"),
        (b"[[registry]]\ninsecure = true", "neither prefix nor location"),
        (b"[[registry]]\nlocation = 'https://x'", "is not host"),
        (b"[[registry]]\nlocation = 'x/'", "is not host"),
        (b"[[registry]]\nlocation = 'x'\nclient-key = 'k'", "client-key without"),
        (b"[[registry]]\nlocation = 'x'\nca_file = 'k'", "does not know 'ca_file'"),
        (b"[[registry]]\nlocation = 'x'\n[[registry.mirror]]\nlocaton = 'y'", "missing required field `location`"),
        (b"registries = 3", "the file does not know 'registries'"),
        (b"#" * (2 << 20), "larger than"),
    ],
)
def test_files_that_cannot_be_used(text: bytes, problem: str) -> None:
    with pytest.raises(Invalid, match=problem):
        parse(text, "registries.toml")


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_bytes_are_rules_or_invalid(raw: bytes) -> None:
    try:
        found = parse(raw, "x", strict=False)
    except Invalid:
        return
    for rule in found:
        assert rule.scope


def test_the_first_file_counts(tmp_path: Path) -> None:
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "a.toml").write_text("[[registry]]\nprefix = 'x'\nlocation = 'one'\n")
    (tmp_path / "conf.d/b.conf").write_text(
        "[[registry]]\nprefix = 'x'\nlocation = 'two'\n[[registry]]\nprefix = 'y'\nnew = 1\n"
    )
    found = read_rules([tmp_path / "none.toml", tmp_path / "a.toml", tmp_path / "conf.d"])
    assert [(rule.scope, rule.location) for rule in found] == [("x", "one"), ("y", "")]
    assert merged([found, (Rule("x"),)]) == found


def test_certificates_of_a_host(tmp_path: Path) -> None:
    names = ("reg:5000/ca.crt", "reg:5000/too.crt", "reg:5000/client.cert", "reg:5000/a.key", "reg:5000/client.key")
    for name in (*names, "empty/readme", "only/x.cert"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    home = tmp_path / "reg:5000"
    assert read_certificates([tmp_path / "none", tmp_path]) == {
        "reg:5000": HostSettings(
            client_cert=str(home / "client.cert"),
            client_key=str(home / "client.key"),
            ca_files=(str(home / "ca.crt"), str(home / "too.crt")),
        ),
        "only": HostSettings(False, (), str(tmp_path / "only/x.cert"), None),
    }


# -- with registries that answer


Connect = Callable[..., Registry]


@pytest.fixture
def ruled() -> Connect:
    def make(*found: Rule) -> Registry:
        class Nobody:
            def lookup(self, host: str, path: str = "") -> None:
                return None

        return Registry(Transport(Hosts({}, HostSettings(), found), sleep=lambda seconds: None), Nobody())

    return make


def refused(exchange: Exchange) -> bool:
    exchange.refuse(503, "UNAVAILABLE")
    return True


def test_mirrors_are_asked_first(connect: MakeClient, ruled: Connect, source: Bytes) -> None:
    with Server() as server, Server() as mirror:
        manifest, children = source.image(noise(100_000))
        for host in (server.host, mirror.host):
            there = connect(host).repository("team/app" if host == server.host else "m/app")
            for child in (*children, manifest):
                there.push(child, source)
            there.tag(manifest, "v1")
        server.forget()
        rule = Rule(f"{server.host}/team", mirror=(Mirror(f"{mirror.host}/m"),))
        repository = ruled(rule).repository(Reference(server.host, "team/app"))
        assert repository.resolve("v1").digest == manifest.digest
        assert read(repository, manifest) == source.held[manifest.digest]
        assert read(repository, children[1]) == source.held[children[1].digest]
        assert [seen for seen in server.seen if seen.path != "/v2/"] == []
        ruled(rule).repository(Reference(server.host, "team/app"), push=True).push(source.add(b"new"), source)
        assert [seen for seen in server.seen if seen.method == "PUT"]


def test_a_mirror_that_lacks_a_manifest_is_asked_once(connect: MakeClient, ruled: Connect, source: Bytes) -> None:
    with Server() as server, Server() as mirror:
        manifest, children = source.image(b"layer")
        for part in (*children, manifest):
            connect(server.host).repository("app").push(part, source)
        repository = ruled(Rule(server.host, mirror=(Mirror(mirror.host),))).repository(Reference(server.host, "app"))
        assert read(repository, manifest) == source.held[manifest.digest]
        assert len([seen for seen in mirror.seen if "/manifests/" in seen.path]) == 1


@pytest.mark.parametrize("fault", ["away", "empty", "refuses", "liar"])
def test_a_mirror_that_does_not_help(fault: str, connect: MakeClient, ruled: Connect, source: Bytes) -> None:
    with Server() as server, Server() as mirror:
        manifest, children = source.image(noise(100_000))
        there = connect(server.host).repository("team/app")
        for child in (*children, manifest):
            there.push(child, source)
        there.tag(manifest, "v1")
        if fault == "refuses":
            mirror.fault = refused
        if fault == "liar":
            mirror.fault = lambda exchange: exchange.answer(200, {}, b'{"schemaVersion":2,"layers":[]}') or True  # type: ignore[func-returns-value]
        place = "127.0.0.1:1" if fault == "away" else mirror.host
        rule = Rule(server.host, mirror=(Mirror(place, pull_from_mirror="digest-only"),))
        repository = ruled(rule).repository(Reference(server.host, "team/app"))
        assert repository.resolve("v1").digest == manifest.digest
        assert read(repository, manifest) == source.held[manifest.digest]
        if fault == "liar":
            with pytest.raises(Integrity):
                read(repository, children[1])
        else:
            assert read(repository, children[1]) == source.held[children[1].digest]


def test_a_mirror_that_breaks_off_is_left(connect: MakeClient, ruled: Connect, source: Bytes) -> None:
    with Server() as server, Server() as mirror:
        blob = source.add(noise(500_000))
        for host in (server.host, mirror.host):
            connect(host).repository("app").push(blob, source)

        def break_off(exchange: Exchange) -> bool:
            exchange.cut = 200_000
            return "/blobs/" in exchange.path and exchange.headers.get("Range") is not None and refused(exchange)

        mirror.fault = break_off
        server.forget()
        repository = ruled(Rule(server.host, mirror=(Mirror(mirror.host),))).repository(Reference(server.host, "app"))
        assert read(repository, blob) == source.held[blob.digest]
        assert [seen.headers["range"] for seen in server.seen if "/blobs/" in seen.path] == ["bytes=200000-"]


def lie(exchange: Exchange) -> bool:
    """A blob of the right length and another content."""
    if exchange.method != "GET" or "/blobs/" not in exchange.path:
        return False
    exchange.answer(200, {}, b"\0" * 500_000)
    return True


@pytest.mark.parametrize("kind", [media_types.OCI_LAYER, "application/octet-stream"])
@pytest.mark.parametrize("others", [0, 1])
def test_a_mirror_that_lies_in_a_blob_is_left(
    connect: MakeClient, ruled: Connect, source: Bytes, tmp_path: Path, kind: str, others: int
) -> None:
    with Server() as server, Server() as mirror, Server() as second:
        data = tars.write([item("data", data=random.Random(1).randbytes(500_000))])
        blob = source.add(data, kind)
        for host in (server.host, mirror.host, second.host):
            connect(host).repository("app").push(blob, source)
        mirror.fault = second.fault = lie
        mirrors = tuple(Mirror(one.host) for one in (mirror, second)[: 1 + others])
        repository = ruled(Rule(server.host, mirror=mirrors)).repository(Reference(server.host, "app"))
        store = Store(tmp_path / "store")
        copy(repository, store.unpacking, blob)
        assert store.layout.path(blob.digest).read_bytes() == data
        server.fault = lie
        with pytest.raises((Integrity, Invalid)):
            copy(repository, Store(tmp_path / "other").unpacking, blob)


def test_a_file_of_the_user(console: Console, tmp_path: Path, tiny_image: str) -> None:
    host, _, path = tiny_image.partition("/")
    folder = console.home / ".config/scow"
    folder.mkdir(parents=True)
    (folder / "registries.toml").write_text(f'[[registry]]\nprefix = "corp.example"\nlocation = "{host}"\n')
    console("pull", "-q", f"corp.example/{path}").ok()
    assert console("images", "--format", "{{.Repository}}").ok().stdout == f"corp.example/{path.partition(':')[0]}\n"
    (folder / "registries.toml").write_text("[[registry]]\nlocation = 'corp.example'\nblocked = true\n")
    assert "is blocked" in console("pull", f"corp.example/{path}").stderr
    (folder / "registries.toml").write_text("[[registry]]\nlocatoin = 'x'\n")
    assert "registries.toml: cannot be used" in console("pull", f"corp.example/{path}").stderr
    (folder / "registries.toml").unlink()
    conf = tmp_path / "conf"
    conf.write_text(f'new-key = 1\n[[registry]]\nprefix = "corp.example"\nlocation = "{host}"\n')
    console("pull", "-q", f"corp.example/{path}", env={"CONTAINERS_REGISTRIES_CONF": str(conf)}).ok()


@pytest.fixture
def console(tmp_path: Path) -> Console:
    (tmp_path / "home").mkdir()
    return Console(tmp_path / "store", tmp_path / "home")


@pytest.fixture
def tiny_image(server: Server, tmp_path: Path) -> str:
    import io

    from tests.layer import tars

    from scow import Engine

    engine, name = Engine(tmp_path / "maker"), f"{server.host}/team/app:1"
    engine.images.import_(io.BytesIO(tars.write([tars.item("x", data=b"x")])), name)
    engine.images.push(name)
    return name


def test_a_registry_on_ipv6(connect: MakeClient, source: Bytes) -> None:
    try:
        server = Server(host="::1")
    except OSError:
        pytest.skip("no IPv6 here")
    with server:
        assert server.host.startswith("[::1]:")
        reference = Reference.parse(f"{server.host}/team/app:1")
        repository = connect(reference.host).repository()
        blob = source.add(b"over IPv6")
        repository.push(blob, source)
        assert read(repository, blob) == b"over IPv6"
        with pytest.raises(NotFound):
            repository.resolve("1")


def test_the_hubs_limit_is_told() -> None:
    body = b'{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit."}]}'
    error = refusal(Answer(429, {"ratelimit-limit": "100;w=21600", "retry-after": "3600"}, body))
    assert isinstance(error, Unavailable)
    assert error.hint == "try again in 60 minutes, the registry allows 100 pulls in 6 hours, and more after a login"
    assert refusal(Answer(429, {"ratelimit-limit": "lots"}, body)).hint == "try again later"


@pytest.mark.parametrize("begin", ["[[registry]]", "  [[ registry ]]", '[["registry"]]', "[[ 'registry' ]]"])
def test_of_a_shared_file_only_what_speaks_of_registries_is_read(begin: str, tmp_path: Path) -> None:
    names = tmp_path / "names.conf"
    names.write_text('[aliases]\n"registry.example/x" = "y"\n"a" = what is no TOML\n')
    assert read_rules([names]) == ()
    rules = tmp_path / "rules.conf"
    rules.write_text(f'[aliases]\n"a" = "b"\n\n{begin}\nprefix = "a.example"\nlocation = "b.example"\n')
    assert [rule.location for rule in read_rules([names.with_name("none.conf"), rules])] == ["b.example"]
