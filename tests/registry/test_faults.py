"""What goes wrong between two machines, made to go wrong."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.registry.conftest import Bytes, MakeClient, first, noise, read

from scow.errors import Denied, Integrity, Invalid, Limit, Unavailable
from scow.registry import download
from scow.registry.protocol import Request
from scow.registry.retry import Patience, Trouble
from scow.testing.registry import Registry as Server
from scow.testing.registry_handler import Exchange


def status(code: int, **headers: str) -> Callable[[Exchange], object]:
    return lambda exchange: exchange.answer(code, {name.replace("_", "-"): text for name, text in headers.items()})


def test_a_burst_of_503_is_waited_out(server: Server, connect: MakeClient, source: Bytes) -> None:
    client = connect(server.host)
    repository = client.repository()
    blob = source.add(noise(10_000))
    server.fault = first(3, status(503))
    repository.push(blob, source)
    server.fault = first(4, status(502), method="GET")
    assert read(repository, blob) == source.held[blob.digest]
    assert len(client.waits) == 7
    assert client.waits[3:] == sorted(client.waits[3:])


def test_503_for_ever_ends_in_unavailable(server: Server, connect: MakeClient, source: Bytes) -> None:
    client = connect(server.host)
    repository = client.repository()
    server.fault = first(10_000, status(503))
    with pytest.raises(Unavailable, match="service unavailable"):
        repository.exists(source.add(b"x"))
    assert 3 <= len(client.waits) < 10


def test_what_was_given_up_is_not_tried_again_one_level_up(server: Server, connect: MakeClient, source: Bytes) -> None:
    client = connect(server.host)
    repository = client.repository()
    server.fault = first(10_000, lambda exchange: exchange.drop(), path="/v2/")
    for attempt in (
        lambda: repository.push(source.add(b"x"), source),
        lambda: repository.resolve("v1"),
        lambda: read(repository, source.add(b"x")),
        lambda: list(repository.tags()),
    ):
        client.waits.clear()
        with pytest.raises(Unavailable) as caught:
            attempt()
        assert type(caught.value) is Unavailable
        assert len(client.waits) == 5


def test_retry_after_is_kept(server: Server, connect: MakeClient, source: Bytes) -> None:
    client = connect(server.host)
    repository = client.repository()
    server.fault = first(1, status(429, Retry_After="3"))
    assert not repository.exists(source.add(b"x"))
    assert len(client.waits) == 1
    assert 3.0 <= client.waits[0] < 4.0


def test_a_rate_limit_that_lasts_is_told_at_once(server: Server, connect: MakeClient, source: Bytes) -> None:
    client = connect(server.host)
    repository = client.repository()

    def limited(exchange: Exchange) -> None:
        exchange.refuse(429, "TOOMANYREQUESTS", "You have reached your pull rate limit.", {"Retry-After": "3600"})

    server.fault = first(10_000, limited)
    with pytest.raises(Unavailable, match="You have reached your pull rate limit") as caught:
        read(repository, source.add(b"x"))
    assert caught.value.retry_after == 3600
    assert client.waits == []


@pytest.mark.parametrize("cut", [0, 1, 100_000, 999_999])
def test_a_download_that_breaks_off_goes_on_from_there(
    server: Server, connect: MakeClient, source: Bytes, cut: int
) -> None:
    repository = connect(server.host).repository()
    blob = source.add(noise(1_000_000))
    repository.push(blob, source)
    server.forget()

    def cut_off(exchange: Exchange) -> bool:
        exchange.cut = cut
        return False

    server.fault = first(1, cut_off, method="GET")
    assert read(repository, blob) == source.held[blob.digest]
    ranges = [seen.headers.get("range") for seen in server.seen]
    assert ranges == [None, f"bytes={cut}-" if cut else None]


def test_a_connection_that_breaks_all_the_time_makes_progress(
    server: Server, connect: MakeClient, source: Bytes
) -> None:
    repository = connect(server.host).repository()
    blob = source.add(noise(300_000))
    repository.push(blob, source)

    def cut_off(exchange: Exchange) -> bool:
        exchange.cut = 10_000
        return False

    server.fault = first(10_000, cut_off, method="GET")
    assert read(repository, blob) == source.held[blob.digest]


def test_a_download_that_comes_in_crumbs_ends(
    server: Server, connect: MakeClient, source: Bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "_REOPEN_LIMIT", 5)
    repository = connect(server.host).repository()
    blob = source.add(noise(7_000))
    repository.push(blob, source)

    def cut_off(exchange: Exchange) -> bool:
        exchange.cut = 1_000
        return False

    server.fault = first(10_000, cut_off, method="GET")
    with pytest.raises(Unavailable, match="broke off too often"):
        read(repository, blob)
    blob = source.add(noise(6_000))
    repository.push(blob, source)
    assert read(repository, blob) == source.held[blob.digest]


def test_a_download_that_never_gets_further_ends(server: Server, connect: MakeClient, source: Bytes) -> None:
    repository = connect(server.host).repository()
    blob = source.add(noise(100_000))
    repository.push(blob, source)

    def cut_off(exchange: Exchange) -> bool:
        exchange.cut = 0 if exchange.headers.get("Range") else 5_000
        return False

    server.fault = first(10_000, cut_off, method="GET")
    with pytest.raises(Unavailable):
        read(repository, blob)


def test_a_registry_that_ignores_ranges(server: Server, connect: MakeClient, source: Bytes) -> None:
    repository = connect(server.host).repository()
    blob = source.add(noise(700_000))
    repository.push(blob, source)

    def whole(exchange: Exchange) -> bool:
        if not exchange.headers.get("Range"):
            exchange.cut = 600_000
            return False
        exchange.answer(200, {}, source.held[blob.digest])
        return True

    server.fault = first(10_000, whole, method="GET")
    assert read(repository, blob) == source.held[blob.digest]
    assert read(repository, blob, 650_000) == source.held[blob.digest][650_000:]


def test_another_range_than_asked_for_is_refused(server: Server, connect: MakeClient, source: Bytes) -> None:
    repository = connect(server.host).repository()
    blob = source.add(noise(1000))
    repository.push(blob, source)
    server.fault = first(1, status(206, Content_Range="bytes 600-999/1000"), method="GET")
    with pytest.raises(Unavailable, match="another range"):
        read(repository, blob, 500)


def test_a_shorter_or_longer_blob_is_seen(server: Server, connect: MakeClient, source: Bytes) -> None:
    repository = connect(server.host).repository()
    blob = source.add(noise(1000))
    server.fault = first(1, lambda exchange: exchange.answer(200, {}, b"x" * 999), method="GET")
    with pytest.raises(Integrity, match="999"):
        read(repository, blob)
    server.fault = first(1, lambda exchange: exchange.answer(206, {"Content-Range": "bytes 5-1000/1001"}), method="GET")
    with pytest.raises(Integrity, match="1001"):
        read(repository, blob, 5)


def test_a_chunked_body_that_ends_early_just_ends(server: Server, connect: MakeClient, source: Bytes) -> None:
    repository = connect(server.host).repository()
    blob = source.add(noise(1000))

    def short(exchange: Exchange) -> bool:
        if exchange.headers.get("Range"):
            exchange.answer(416)
        else:
            exchange.answer(200, {"Transfer-Encoding": "chunked"}, b"3\r\nabc\r\n0\r\n\r\n")
        return True

    server.fault = first(10_000, short, method="GET")
    assert read(repository, blob) == b"abc"  # what came; the verifier judges it


def test_an_upload_that_breaks_off_starts_again(server: Server, connect: MakeClient, source: Bytes) -> None:
    client = connect(server.host)
    repository = client.repository()
    blob = source.add(noise(20_000_000))
    server.fault = first(2, lambda exchange: exchange.drop(), method="PUT", path="/uploads/")
    repository.push(blob, source)
    assert repository.exists(blob)
    assert source.opened == [blob.digest] * 3
    assert len([seen for seen in server.seen if seen.method == "POST"]) == 3


def test_a_manifest_of_no_end_is_not_read(server: Server, connect: MakeClient) -> None:
    def endless(exchange: Exchange) -> None:
        exchange.answer(200, {"Content-Length": str(1 << 40)})
        for _ in range(100):
            exchange.wfile.write(b" " * (1 << 20))

    repository = connect(server.host).repository()
    server.fault = first(10, endless, path="/manifests/")
    with pytest.raises(Limit):
        repository.resolve("v1")


def test_a_manifest_that_breaks_off_is_asked_for_again(server: Server, connect: MakeClient, source: Bytes) -> None:
    repository = connect(server.host).repository()
    manifest, children = source.image(b"x")
    for child in (*children, manifest):
        repository.push(child, source)

    def break_off(exchange: Exchange) -> None:
        exchange.answer(200, {"Content-Type": manifest.media_type, "Content-Length": "500"}, b"{")
        exchange.drop()

    server.fault = first(2, break_off, method="GET", path="/manifests/")
    assert read(connect(server.host).repository(), manifest) == source.held[manifest.digest]


def test_a_server_that_says_nothing_is_left(server: Server, connect: MakeClient) -> None:
    repository = connect(server.host, timeout=0.2).repository()
    server.fault = first(10_000, lambda exchange: time.sleep(1), path="/manifests/")
    began = time.monotonic()
    with pytest.raises(Unavailable, match="no answer in time"):
        repository.resolve("v1")
    assert time.monotonic() - began < 5


def test_a_redirect_to_another_host_sees_no_credentials(connect: MakeClient, source: Bytes) -> None:
    blob = source.add(noise(200_000))
    with Server(username="u", password="p") as server, Server() as storage:
        connect(storage.host).repository("cdn").push(blob, source)
        storage.forget()
        client = connect(server.host, "u", "p")
        repository = client.repository()
        repository.push(blob, source)
        target = f"http://thief:x@{storage.host}/v2/cdn/blobs/{blob.digest}"
        server.fault = first(9, status(307, Location=target), method="GET")
        assert read(repository, blob, 1000) == source.held[blob.digest][1000:]
        [seen] = [seen for seen in storage.seen if "blobs" in seen.path]
        assert seen.headers["range"] == "bytes=1000-"
        assert "authorization" not in seen.headers
        assert "authorization" in server.seen[-1].headers


def test_a_redirect_within_the_registry_keeps_them(connect: MakeClient, source: Bytes) -> None:
    blob = source.add(b"moved")
    with Server(username="u", password="p") as server:
        repository = connect(server.host, "u", "p").repository()
        connect(server.host, "u", "p").repository("other").push(blob, source)
        server.fault = first(9, status(302, Location=f"/v2/other/blobs/{blob.digest}"), path="/team/app/blobs/")
        assert read(repository, blob) == b"moved"


def test_a_401_from_where_a_redirect_led_asks_for_nothing(connect: MakeClient, source: Bytes) -> None:
    with Server(username="u", password="p", auth="bearer") as thief, Server() as server:
        repository = connect(server.host, "u", "p").repository()
        server.fault = first(9, status(307, Location=f"http://{thief.host}/v2/x/blobs/sha256:00"), method="GET")
        with pytest.raises(Denied):
            read(repository, source.add(b"x"))
        assert [seen.headers.get("authorization") for seen in thief.seen] == [None]


def test_redirects_in_a_circle_end(server: Server, connect: MakeClient, source: Bytes) -> None:
    repository = connect(server.host).repository()
    blob = source.add(b"x")
    server.fault = first(10_000, lambda e: e.answer(307, {"Location": e.path}), method="GET")
    with pytest.raises(Unavailable, match="too many redirects"):
        read(repository, blob)
    server.fault = first(1, status(307, Location="file:///etc/passwd"), method="GET")
    with pytest.raises(Invalid, match="not an http URL"):
        read(repository, blob)


def test_the_patience_is_bounded() -> None:
    patience = Patience(first=1.0, longest=4.0, total=8.0)
    trouble = Trouble("x", "status")
    assert [patience.wait(trouble, tries, 0.0, 1.0) for tries in (1, 2, 3, 4)] == [1.0, 2.0, 4.0, 4.0]
    assert [patience.wait(trouble, 1, 0.0, jitter) for jitter in (0.0, 0.5)] == [0.5, 0.75]
    assert patience.wait(trouble, 1, 7.0, 1.0) == 1.0
    assert patience.wait(trouble, 1, 7.5, 1.0) is None
    assert patience.wait(trouble, 6, 0.0, 0.0) is None
    assert patience.wait(Trouble("x", "never"), 1, 0.0, 0.0) is None
    assert patience.wait(Trouble("x", "status", retry_after=9.0), 1, 0.0, 0.0) is None
    told = [patience.wait(Trouble("x", "status", retry_after=4.0), 1, 0.0, jitter) for jitter in (0.0, 0.5)]
    assert told == pytest.approx([4.0, 4.25])  # never sooner than asked


def test_many_downloads_side_by_side_with_faults(server: Server, connect: MakeClient, source: Bytes) -> None:
    client = connect(server.host)
    repository = client.repository()
    blobs = [source.add(noise(300_000, seed)) for seed in range(12)]
    count = [0]

    def now_and_then(exchange: Exchange) -> bool:
        count[0] += 1
        if count[0] % 5 == 0:
            exchange.answer(503)
            return True
        if count[0] % 3 == 0 and exchange.method == "GET":
            exchange.cut = 70_000
        return False

    server.fault = now_and_then
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda blob: repository.push(blob, source), blobs))
        found = list(pool.map(lambda blob: read(repository, blob), blobs))
    assert [hashlib.sha256(data).hexdigest() for data in found] == [blob.digest.hex for blob in blobs]


def test_requests_do_not_show_their_bodies() -> None:
    assert Request("GET", "/v2/", (("n", "1"),)).target == "/v2/?n=1"
