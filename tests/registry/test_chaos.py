"""Seeded chaos: whatever the other side does, the end is the right bytes or one of our errors."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from tests.registry.conftest import Bytes, MakeClient, noise

from scow.content.verify import Verifier, read_document
from scow.errors import ScowError
from scow.oci.descriptor import Descriptor
from scow.oci.digest import Digest
from scow.oci.manifest import parse_manifest
from scow.registry.repository import Repository
from scow.testing.registry import Registry as Server
from scow.testing.registry_handler import Exchange

_SEEDS = range(80)


def _raw(exchange: Exchange, data: bytes) -> None:
    exchange.wfile.write(data)
    exchange.drop()


#: What a bad day does to a request.
_FAULTS: tuple[Callable[[Exchange], object], ...] = (
    Exchange.drop,
    lambda e: e.answer(500, {}, b"\x00\xff"),
    lambda e: e.answer(502, {"Content-Type": "text/html"}, b"<html>"),
    lambda e: e.answer(503, {"Retry-After": "1"}),
    lambda e: e.answer(429, {"Retry-After": "nonsense"}),
    lambda e: e.answer(404),
    lambda e: e.answer(401),
    lambda e: e.answer(401, {"WWW-Authenticate": 'Bearer realm="http://[", Basic'}),
    lambda e: e.answer(403, {}, b'{"errors":[{"code":"DENIED","message":"\\u001b[31mno"}]}'),
    lambda e: e.answer(204),
    lambda e: e.answer(200, {"Docker-Content-Digest": "sha256:zz"}, b"{}"),
    lambda e: e.answer(200, {"Content-Encoding": "gzip"}, b"not gzip"),
    lambda e: e.answer(201, {"Location": "::::"}),
    lambda e: e.answer(202, {"Location": "http://[broken"}),
    lambda e: e.answer(206, {"Content-Range": "bytes x-y/z"}, b"abc"),
    lambda e: e.answer(302, {"Location": "gopher://x"}),
    lambda e: e.answer(307, {"Location": "/v2/"}),
    lambda e: _raw(e, b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nshort"),
    lambda e: _raw(e, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
    lambda e: _raw(e, b"HTTP/1.1 999 ?\r\n\r\n"),
    lambda e: _raw(e, b"SSH-2.0-OpenSSH\r\n"),
    lambda e: _raw(e, b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nx"),
    lambda e: _raw(e, b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n"),
)


def _pull(repository: Repository, name: str) -> dict[Digest, bytes]:
    manifest = repository.resolve(name)
    raw = read_document(repository, manifest)
    return {manifest.digest: raw} | {
        child.digest: _verified(repository, child) for child in parse_manifest(raw).children
    }


def _verified(repository: Repository, descriptor: Descriptor) -> bytes:
    verifier, parts = Verifier(descriptor), []
    with repository.open(descriptor) as reader:
        while part := reader.read(65536):
            verifier.update(part)
            parts.append(part)
    verifier.finish()
    return b"".join(parts)


@pytest.mark.parametrize("auth", ["basic", "bearer"])
def test_every_bad_day_ends_well_or_with_an_error(auth: str, connect: MakeClient, source: Bytes) -> None:
    layers = [noise(300_000, seed) for seed in range(3)]
    manifest, children = source.image(*layers)
    ends = {"well": 0, "error": 0}
    with Server(username="ann", password="pw", auth="bearer" if auth == "bearer" else "basic") as server:
        for seed in _SEEDS:
            dice = random.Random(seed)

            def fault(exchange: Exchange, dice: random.Random = dice) -> bool:
                if dice.random() < 0.1:
                    exchange.cut = dice.randrange(300_000)
                if dice.random() > 0.06:
                    return False
                dice.choice(_FAULTS)(exchange)
                return True

            server.fault = fault
            try:
                repository = connect(server.host, "ann", "pw", timeout=5.0).repository(f"team/app{seed}")
                for child in (*children, manifest):
                    repository.push(child, source)
                repository.tag(manifest, "v1")
                pulled = _pull(connect(server.host, "ann", "pw", timeout=5.0).repository(f"team/app{seed}"), "v1")
            except ScowError as error:
                assert str(error).isprintable()
                ends["error"] += 1
                continue
            assert pulled == {one.digest: source.held[one.digest] for one in (*children, manifest)}
            ends["well"] += 1
    assert min(ends.values()) > len(_SEEDS) // 10
