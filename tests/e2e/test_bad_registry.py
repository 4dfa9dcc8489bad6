"""Registries that refuse, cannot be reached, break off or lie: one clear message, and the store as it was."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from tests.e2e.actors import Actor, listing
from tests.e2e.refusals import PASSWORD, check_refused, literally
from tests.support.processes import free_port

from scow.oci.digest import Digest
from scow.testing.registry import Registry
from scow.testing.registry_handler import Exchange

pytestmark = [pytest.mark.peers]


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory, busybox: Path) -> Path:
    """A registry's directory with ``team/app:1``."""
    directory = tmp_path_factory.mktemp("stock")
    actor = Actor(tmp_path_factory.mktemp("pusher"))
    with Registry(directory) as registry:
        name = f"{registry.host}/team/app:1"
        actor("load", "-i", str(busybox)).ok()
        actor("tag", "busybox:1", name).ok()
        actor("push", name).ok()
    return directory


@pytest.fixture
def registry(stock: Path) -> Iterator[Registry]:
    """A registry in this process, which misbehaves when a test says how."""
    with Registry(stock) as serving:
        yield serving


def is_layer(exchange: Exchange) -> bool:
    """Whether the request asks for a blob that is not the config: more than 64 KiB."""
    if exchange.command != "GET" or "/blobs/sha256:" not in exchange.path:
        return False
    digest = exchange.url_path.rpartition("/")[2]
    return size_of(exchange, digest) > 1 << 16


def size_of(exchange: Exchange, digest: str) -> int:
    """The size of a blob of the registry's."""
    return exchange.premises.storage.blob("team/app", Digest(digest)).stat().st_size


def test_wrong_password(stocked: Actor) -> None:
    with Registry(username="alice", password=PASSWORD) as closed:
        host = closed.host
        argv = ("login", "-u", "alice", "--password-stdin", host)
        said = "scow: {...}unauthorized: incorrect username or password{rest}"
        check_refused(stocked, *argv, stdin=f"not-{PASSWORD}".encode(), says=literally(said))
        assert not (stocked.docker_config / "config.json").exists()
        stocked("tag", "busybox:1", f"{host}/team/app:1").ok()
        says = literally(f"scow: {{...}}authentication required{{...}}\nhint: scow login {host}")
        check_refused(stocked, "push", f"{host}/team/app:1", says=says)
        check_refused(stocked, "pull", f"{host}/team/other:1", says=says)
        stocked("login", "-u", "alice", "--password-stdin", host, stdin=PASSWORD.encode()).ok()
        stocked("push", f"{host}/team/app:1").ok()


def test_unknown_tag(stocked: Actor, registry: Registry) -> None:
    says = literally("scow: {...}not found{...}{rest}") + "|" + literally("scow: {...}unknown{...}{rest}")
    check_refused(stocked, "pull", f"{registry.host}/team/app:nothing", says=says)
    check_refused(stocked, "pull", f"{registry.host}/nobody/nothing", says=says)
    check_refused(stocked, "pull", f"{registry.host}/team/app@sha256:{'0' * 64}", says=says)


def test_unknown_host(stocked: Actor) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    says = literally(f"scow: cannot reach {nobody}: connection refused")
    check_refused(stocked, "pull", f"{nobody}/app:1", says=says)
    check_refused(
        stocked, "pull", "no-such-host.invalid/app:1",
        says=literally("scow: cannot reach no-such-host.invalid: name not known\nhint: {...}HTTPS_PROXY{...}"),
    )  # fmt: skip


def test_truncated_blob(stocked: Actor, registry: Registry) -> None:
    """What came whole before the line broke is kept for the next try, beyond that the store is as it was."""

    def cut(exchange: Exchange) -> bool:
        if is_layer(exchange):
            exchange.drop() if "Range" in exchange.headers else None  # going on where it ended gets nowhere
            exchange.cut = 1000
        return False

    registry.fault = cut
    name = f"{registry.host}/team/app:1"
    stocked("rmi", "busybox:1").ok()
    before = listing(stocked.store)
    done = stocked("pull", name)
    assert done.exit_code == 1
    assert re.fullmatch(literally("scow: {...}connection {...}{rest}"), done.stderr.rstrip("\n")), done.stderr
    after = listing(stocked.store)
    config = json.loads(stocked.file("manifest.json", manifest_of(registry)).read_bytes())["config"]["digest"]
    kept = {f"blobs/sha256/{config.partition(':')[2]}", "blobs/sha256"}
    assert {path for path in after.keys() ^ before.keys() if path not in kept} == set()
    registry.fault = None
    stocked("pull", name).ok()
    assert stocked("run", "--rm", name, "echo", "whole").ok().stdout == "whole\n"


def manifest_of(registry: Registry) -> bytes:
    """The manifest of ``team/app:1``."""
    accept = {"Accept": "application/vnd.oci.image.manifest.v1+json"}
    with urlopen(Request(f"http://{registry.host}/v2/team/app/manifests/1", headers=accept)) as answer:
        content: bytes = answer.read()
    return content


DAMAGED = literally(
    "scow: {...}sha256:{...}: {...} does not have its digest: it was damaged or changed on the way"
    " (expected sha256:{...}, got sha256:{...})"
)


def test_tampered_blob(stocked: Actor, registry: Registry) -> None:
    def tamper(exchange: Exchange) -> bool:
        if not is_layer(exchange):
            return False
        zeros = bytes(size_of(exchange, exchange.url_path.rpartition("/")[2]))
        exchange.answer(200, {"Content-Type": "application/octet-stream"}, zeros)
        return True

    registry.fault = tamper
    stocked("rmi", "busybox:1").ok()
    check_refused(stocked, "pull", f"{registry.host}/team/app:1", says=DAMAGED)
    registry.fault = None
    stocked("pull", f"{registry.host}/team/app:1").ok()


def answering(change: Callable[[bytes], bytes], *, told: bool) -> Callable[[Exchange], bool]:
    """A registry that changes its manifests; ``told``: it names the changed one's digest, else the right one's."""

    def tamper(exchange: Exchange) -> bool:
        if "/manifests/" not in exchange.path:
            return False
        digest, media_type, raw = exchange.premises.storage.manifest("team/app", "1")
        changed = change(raw)
        named = f"sha256:{hashlib.sha256(changed).hexdigest()}" if told else digest
        exchange.answer(200, {"Content-Type": media_type, "Docker-Content-Digest": named}, changed)
        return True

    return tamper


def test_tampered_manifest(stocked: Actor, registry: Registry) -> None:
    registry.fault = answering(lambda raw: raw.replace(b'"size":', b'"size" :'), told=False)
    check_refused(stocked, "pull", f"{registry.host}/team/app:1", says=DAMAGED)
    registry.fault = answering(lambda raw: raw[:-10], told=False)
    check_refused(stocked, "pull", f"{registry.host}/team/app:1", says=DAMAGED)
    digest = f"sha256:{hashlib.sha256(manifest_of(registry)).hexdigest()}"
    registry.fault = answering(lambda raw: raw.replace(b'"size":', b'"size" :'), told=True)
    check_refused(stocked, "pull", f"{registry.host}/team/app@{digest}", says=DAMAGED)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"<html>a proxy's page</html>", "scow: {...}not valid JSON{...}"),
        (b'{"schemaVersion":2,"layers":' + b"[" * 50_000, "scow: {...}nests 50001 deep, over the limit of {...}"),
        (b'{"schemaVersion":2,"config":{"mediaType":"x","digest":"../../etc","size":1}}', "scow: {...}digest{...}"),
        (b'{"schemaVersion":1,"name":"team/app","tag":"1","fsLayers":[]}', "scow: {...}schema{...}{rest}"),
        (b" " * (5 << 20), "scow: {...}over the limit{...}"),
    ],
    ids=["html", "deep", "digest", "schema1", "huge"],
)
def test_manifests_that_are_none(stocked: Actor, registry: Registry, body: bytes, says: str) -> None:
    registry.fault = answering(lambda raw: body, told=True)
    check_refused(stocked, "pull", f"{registry.host}/team/app:1", says=literally(says))
