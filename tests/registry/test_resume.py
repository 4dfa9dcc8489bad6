"""Interrupted work is not lost: what either side has acknowledged is not sent again."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.registry.conftest import Bytes, Client, MakeClient, Pocket, first, noise, read
from tests.support.faults import Answer, FaultyProxy
from tests.support.registries import Registry as RealRegistry

from scow.errors import Integrity, ScowError, Unavailable
from scow.oci.reference import Reference
from scow.registry import upload
from scow.registry.credentials import Credential
from scow.registry.remote import Registry
from scow.registry.transport import Transport
from scow.testing.registry import Registry as Server
from scow.testing.registry_handler import Exchange

CHUNK = 100_000


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "CHUNKED", 2 * CHUNK)
    monkeypatch.setattr(upload, "CHUNK", CHUNK)


def sent(server: Server) -> int:
    """Bytes of blobs that clients sent."""
    return sum(int(one.headers.get("content-length", 0)) for one in server.seen if one.method in ("PATCH", "PUT"))


def another(host: str, sessions: Path | None, path: str = "team/app") -> Client:
    """A client as the next command has it: nothing in memory, the sessions on disk."""
    registry = Registry(Transport(sleep=lambda seconds: None, timeout=5), Pocket(), sessions)
    return Client(registry, host)


def test_a_large_blob_goes_in_chunks(server: Server, connect: MakeClient, source: Bytes) -> None:
    blob = source.add(noise(5 * CHUNK + 7))
    connect(server.host).repository().push(blob, source)
    spans = [one.headers["content-range"] for one in server.seen if one.method == "PATCH"]
    ends = [*range(CHUNK, 5 * CHUNK, CHUNK), blob.size]  # no chunk for the last seven bytes
    assert spans == [f"{at}-{end - 1}" for at, end in zip(range(0, 5 * CHUNK, CHUNK), ends, strict=True)]
    assert sent(server) == blob.size
    assert read(connect(server.host).repository(), blob) == source.held[blob.digest]


def test_a_small_one_does_not(server: Server, connect: MakeClient, source: Bytes) -> None:
    connect(server.host).repository().push(source.add(noise(2 * CHUNK)), source)
    assert not [one for one in server.seen if one.method == "PATCH"]


@pytest.mark.parametrize("kept", [None, "not there"])
def test_a_broken_connection_costs_a_part_of_a_chunk(
    kept: str | None, server: Server, source: Bytes, tmp_path: Path
) -> None:
    blob = source.add(noise(6 * CHUNK))
    numbers = itertools.count(1)
    server.fault = first(99, lambda e: e.drop() if next(numbers) in (3, 4) else False, method="PATCH", path="/uploads/")
    client = another(server.host, tmp_path / kept if kept else None)
    client.repository().push(blob, source)
    assert sent(server) <= blob.size + 2 * CHUNK
    assert len([one for one in server.seen if one.method == "POST"]) == 1
    server.fault = None
    assert read(client.repository(), blob) == source.held[blob.digest]


def test_the_next_command_goes_on(server: Server, source: Bytes, tmp_path: Path) -> None:
    blob = source.add(noise(8 * CHUNK))
    numbers = itertools.count(1)

    def dead(exchange: Exchange) -> bool:
        if exchange.method != "PATCH" or next(numbers) <= 5:
            return False
        exchange.drop()
        return True

    server.fault = dead
    with pytest.raises(Unavailable):
        another(server.host, tmp_path).repository().push(blob, source)
    [kept] = tmp_path.iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600
    server.fault = None
    server.forget()
    another(server.host, tmp_path).repository().push(blob, source)
    assert sent(server) == 3 * CHUNK
    assert not [one for one in server.seen if one.method == "POST" and "mount" not in one.query]
    assert list(tmp_path.iterdir()) == []
    assert read(another(server.host, tmp_path).repository(), blob) == source.held[blob.digest]


def test_a_session_is_of_one_repository(server: Server, source: Bytes, tmp_path: Path) -> None:
    blob = source.add(noise(4 * CHUNK))
    server.fault = first(999, lambda exchange: exchange.drop(), method="PUT", path="/uploads/")
    with pytest.raises(Unavailable):
        another(server.host, tmp_path).repository().push(blob, source)
    server.fault = None
    server.forget()
    another(server.host, tmp_path).repository("other/app").push(blob, source)
    assert sent(server) == blob.size


@pytest.mark.parametrize("answer", [404, 400, 500])
def test_a_session_that_the_registry_lost(answer: int, server: Server, source: Bytes, tmp_path: Path) -> None:
    blob = source.add(noise(4 * CHUNK))
    server.fault = first(999, lambda exchange: exchange.drop(), method="PUT", path="/uploads/")
    with pytest.raises(Unavailable):
        another(server.host, tmp_path).repository().push(blob, source)
    server.fault = first(1, lambda exchange: exchange.refuse(answer, "BLOB_UPLOAD_UNKNOWN"), method="GET")
    another(server.host, tmp_path).repository().push(blob, source)
    assert read(another(server.host, tmp_path).repository(), blob) == source.held[blob.digest]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("status", [404, 405, 416, 501])
def test_a_registry_that_takes_no_chunks(status: int, server: Server, connect: MakeClient, source: Bytes) -> None:
    blob = source.add(noise(4 * CHUNK))
    server.fault = first(999, lambda exchange: exchange.refuse(status, "UNSUPPORTED"), method="PATCH")
    connect(server.host).repository().push(blob, source)
    assert read(connect(server.host).repository(), blob) == source.held[blob.digest]


def test_what_is_not_acknowledged_is_sent_again(server: Server, connect: MakeClient, source: Bytes) -> None:
    """A registry may keep less of a chunk than it was sent, and says so in Range."""
    blob = source.add(noise(4 * CHUNK))

    def keep_half(exchange: Exchange) -> bool:
        data = b"".join(bytes(piece) for piece in exchange._body())  # type: ignore[attr-defined]
        path = exchange.premises.storage.upload(exchange.url_path.rpartition("/")[2])
        with path.open("ab") as file:
            file.write(data[: len(data) // 2])
        exchange.answer(202, {"Location": exchange.url_path, "Range": f"0-{path.stat().st_size - 1}"})
        return True

    server.fault = first(2, keep_half, method="PATCH", path="/uploads/")
    connect(server.host).repository().push(blob, source)
    assert read(connect(server.host).repository(), blob) == source.held[blob.digest]
    starts = [int(one.headers["content-range"].partition("-")[0]) for one in server.seen if one.method == "PATCH"]
    assert starts == [0, CHUNK // 2, CHUNK, 2 * CHUNK, 3 * CHUNK]


def test_a_session_in_the_middle_that_is_lost_starts_again(server: Server, connect: MakeClient, source: Bytes) -> None:
    blob = source.add(noise(6 * CHUNK))
    numbers = itertools.count(1)

    def lose(exchange: Exchange) -> bool:
        if next(numbers) != 4:
            return False
        exchange.refuse(404, "BLOB_UPLOAD_UNKNOWN")
        return True

    server.fault = first(99, lose, method="PATCH", path="/uploads/")
    connect(server.host).repository().push(blob, source)
    assert read(connect(server.host).repository(), blob) == source.held[blob.digest]
    assert len([one for one in server.seen if one.method == "POST"]) == 2


def test_other_bytes_are_not_gone_on_with(server: Server, source: Bytes, tmp_path: Path) -> None:
    """The registry refuses the whole, nothing of it stays, and the next try is a fresh one."""
    blob = source.add(noise(4 * CHUNK))
    right = source.held[blob.digest]
    source.held[blob.digest] = right[:-1] + b"?"
    with pytest.raises(ScowError) as caught:
        another(server.host, tmp_path).repository().push(blob, source)
    assert isinstance(caught.value, Integrity)
    assert list(tmp_path.iterdir()) == []
    source.held[blob.digest] = right
    another(server.host, tmp_path).repository().push(blob, source)
    assert read(another(server.host, tmp_path).repository(), blob) == right


class Counting(FaultyProxy):
    """Counts what goes up, and is dead after so many chunks."""

    chunks = 10**9
    up = 0

    def forward(self, handler: object, body: bytes) -> Answer:
        if handler.command == "PATCH":  # type: ignore[attr-defined]
            self.chunks -= 1
            if self.chunks < 0:
                handler.drop()  # type: ignore[attr-defined]
                raise ConnectionResetError
        self.up += len(body)
        return super().forward(handler, body)  # type: ignore[arg-type]


@pytest.fixture
def counting(password_registry: RealRegistry) -> Iterator[Counting]:
    proxy = Counting(password_registry.host, "", "", patience=5)
    with proxy:
        yield proxy


@pytest.mark.peers
def test_dockers_registry_goes_on(
    counting: Counting, password_registry: RealRegistry, source: Bytes, tmp_path: Path
) -> None:
    blob = source.add(noise(8 * CHUNK))
    held = {counting.host: Credential(password_registry.username, password_registry.password)}

    def repository() -> Registry:
        return Registry(Transport(sleep=lambda seconds: None, timeout=5), Pocket(held), tmp_path)

    counting.chunks = 5
    reference = Reference(counting.host, "resumed/app")
    with pytest.raises(Unavailable):
        repository().repository(reference, push=True).push(blob, source)
    assert counting.up == 5 * CHUNK
    counting.chunks = 10**9
    repository().repository(reference, push=True).push(blob, source)
    assert counting.up == blob.size
    assert read(repository().repository(reference), blob) == source.held[blob.digest]
