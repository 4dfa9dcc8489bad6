"""Large blobs over several connections: only where one is slow, in order, verified, over broken lines."""

from __future__ import annotations

import hashlib
import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.registry.conftest import Bytes, MakeClient

from scow.errors import Unavailable
from scow.oci.descriptor import Descriptor
from scow.registry import spans
from scow.testing.registry import Registry as Server
from scow.testing.registry_handler import Exchange


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few megabytes are as good as many."""
    for name, size in (("FIRST", 1 << 20), ("WORTH", 2 << 20), ("PIECE", 256 << 10), ("ENOUGH", 20_000_000)):
        monkeypatch.setattr(spans, name, size)


@dataclass
class Slow:
    """A way to ``upstream`` on which each connection gets ``rate`` bytes a second. ``most`` were busy at once."""

    upstream: tuple[str, int]
    rate: float
    busy: int = 0
    most: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def listening(self) -> Iterator[str]:
        with socket.create_server(("127.0.0.1", 0)) as server:
            threading.Thread(target=self._accept, args=(server,), daemon=True).start()
            yield f"127.0.0.1:{server.getsockname()[1]}"
            server.shutdown(socket.SHUT_RDWR)

    def _accept(self, server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = server.accept()
                far = socket.create_connection(self.upstream)
                threading.Thread(target=self._pump, args=(client, far, None), daemon=True).start()
                threading.Thread(target=self._pump, args=(far, client, self.rate), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, rate: float | None) -> None:
        with suppress(OSError), source, sink:
            while data := source.recv(32 << 10):
                if rate and len(data) > 4096:
                    with self.lock:
                        self.busy += 1
                        self.most = max(self.most, self.busy)
                    time.sleep(len(data) / rate)
                    with self.lock:
                        self.busy -= 1
                sink.sendall(data)


@pytest.fixture
def blob(server: Server, connect: MakeClient, source: Bytes) -> Descriptor:
    """8 MB at the registry."""
    blob = source.add(random.Random(3).randbytes(8_000_000))
    connect(server.host).repository().push(blob, source)
    server.seen.clear()
    return blob


def fetched(connect: MakeClient, host: str, blob: Descriptor, offset: int = 0) -> bytes:
    parts = []
    with connect(host).repository(push=False).open(blob, offset) as reader:
        while data := reader.read(100_000):
            assert len(data) <= 100_000
            parts.append(data)
    return b"".join(parts)


def ranges(server: Server) -> list[str]:
    return [one.headers["range"] for one in server.seen if "range" in one.headers]


@pytest.fixture
def slow(server: Server) -> Iterator[Slow]:
    host, _, port = server.host.rpartition(":")
    yield Slow((host, int(port)), 4_000_000)


def test_a_slow_line_gets_several(server: Server, connect: MakeClient, blob: Descriptor, slow: Slow) -> None:
    with slow.listening() as host:
        data = fetched(connect, host, blob)
    assert f"sha256:{hashlib.sha256(data).hexdigest()}" == blob.digest
    assert slow.most >= 2
    asked = ranges(server)
    assert asked[0] == "bytes=0-1048575"
    assert len(asked) == len(set(asked)) == 1 + -(-(8_000_000 - (1 << 20)) // (256 << 10))


def test_it_goes_on_where_an_earlier_one_ended(
    server: Server, connect: MakeClient, source: Bytes, blob: Descriptor, slow: Slow
) -> None:
    with slow.listening() as host:
        assert fetched(connect, host, blob, 1_234_567) == source.held[blob.digest][1_234_567:]
    assert ranges(server)[0].startswith("bytes=1234567-")


def test_a_fast_line_stays_one(
    server: Server, connect: MakeClient, source: Bytes, blob: Descriptor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spans, "ENOUGH", 1)
    assert fetched(connect, server.host, blob) == source.held[blob.digest]
    assert ranges(server) == [
        "bytes=0-1048575",
        "bytes=1048576-3145727",
        "bytes=3145728-7340031",
        "bytes=7340032-7999999",
    ]


def test_a_small_blob_is_asked_for_as_ever(server: Server, connect: MakeClient, source: Bytes) -> None:
    blob = source.add(b"x" * 1_000_000)
    connect(server.host).repository().push(blob, source)
    assert len(fetched(connect, server.host, blob)) == 1_000_000
    assert ranges(server) == []


def test_a_registry_without_ranges(
    server: Server, connect: MakeClient, source: Bytes, blob: Descriptor, slow: Slow
) -> None:
    def whole(exchange: Exchange) -> bool:
        if exchange.headers.get("Range"):
            del exchange.headers["Range"]
        return False

    server.fault = whole
    with slow.listening() as host:
        assert fetched(connect, host, blob) == source.held[blob.digest]


@pytest.mark.parametrize("seed", range(6))
def test_lines_that_break(server: Server, connect: MakeClient, source: Bytes, blob: Descriptor, seed: int) -> None:
    dice = random.Random(seed)
    lock = threading.Lock()

    def cut(exchange: Exchange) -> bool:
        with lock:
            if exchange.method == "GET" and "/blobs/" in exchange.path and dice.random() < 0.3:
                exchange.cut = dice.randrange(1 << 18)
        return False

    server.fault = cut
    assert fetched(connect, server.host, blob) == source.held[blob.digest]


def test_one_that_is_refused_ends_it(server: Server, connect: MakeClient, blob: Descriptor, slow: Slow) -> None:
    def refuse(exchange: Exchange) -> bool:
        if exchange.headers.get("Range", "").startswith("bytes=4"):
            exchange.answer(503)
            return True
        return False

    server.fault = refuse
    with slow.listening() as host, pytest.raises(Unavailable):
        fetched(connect, host, blob)


def test_one_blob_at_a_time_has_them(server: Server, connect: MakeClient, source: Bytes, slow: Slow) -> None:
    repository = connect(server.host).repository()
    blobs = [source.add(random.Random(seed).randbytes(5_000_000)) for seed in range(3)]
    for blob in blobs:
        repository.push(blob, source)
    got: dict[str, bytes] = {}
    with slow.listening() as host:
        shared = connect(host).repository(push=False)

        def fetch(blob: Descriptor) -> None:
            with shared.open(blob) as reader:
                parts = []
                while data := reader.read():
                    parts.append(data)
                got[blob.digest] = b"".join(parts)

        threads = [threading.Thread(target=fetch, args=(blob,)) for blob in blobs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert got == {blob.digest: source.held[blob.digest] for blob in blobs}
    assert 3 <= slow.most <= spans.CONNECTIONS + 2


@given(st.integers(0, 1 << 24), st.integers(0, 1 << 24))
def test_spans_cover_all_once(start: int, length: int) -> None:
    at = start
    for first, end in spans.spans(start, start + length):
        assert first == at < end <= first + spans.PIECE
        at = end
    assert at == start + length


def test_when_it_helps() -> None:
    assert not spans.helps(spans.WORTH - 1, 10, 100.0)
    assert spans.helps(spans.WORTH, 10, 100.0)
    assert not spans.helps(spans.WORTH, spans.ENOUGH, 1.0)
