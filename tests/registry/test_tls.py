"""TLS with a throw-away CA: trusted when given, refused when not, and never left for plain http."""

from __future__ import annotations

import socketserver
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.registry.conftest import Bytes, MakeClient, first, noise, read
from tests.support.peers import need

from scow.errors import Denied, Invalid, Unavailable
from scow.registry.hosts import Hosts, HostSettings
from scow.registry.transport import Call, Transport
from scow.testing.registry import Registry as Server


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A self-signed certificate for loopback, which is its own CA, and its key."""
    need("openssl")
    folder = tmp_path_factory.mktemp("tls")
    cert, key = str(folder / "cert.pem"), str(folder / "key.pem")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-days", "2", "-subj", "/CN=scow test", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    subprocess.run([*command, *names, "-out", cert, "-keyout", key], check=True, capture_output=True)
    return cert, key


@pytest.fixture
def tls(certificate: tuple[str, str]) -> Iterator[Server]:
    with Server(tls=certificate, username="ann", password="pw", auth="bearer") as server:
        yield server


def test_a_given_ca_is_trusted(tls: Server, certificate: tuple[str, str], connect: MakeClient, source: Bytes) -> None:
    blob = source.add(noise(3_000_000))
    repository = connect(tls.host, "ann", "pw", settings=HostSettings(ca_files=(certificate[0],))).repository()
    repository.push(blob, source)
    assert read(repository, blob) == source.held[blob.digest]


def test_loopback_takes_any_certificate_and_insecure_too(tls: Server, connect: MakeClient, source: Bytes) -> None:
    assert not connect(tls.host, "ann", "pw").repository().exists(source.add(b"x"))
    assert (
        not connect(tls.host, "ann", "pw", settings=HostSettings(insecure=True)).repository().exists(source.add(b"x"))
    )


def test_another_ca_is_not_trusted(tls: Server, tmp_path: Path, connect: MakeClient, source: Bytes) -> None:
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    other = str(tmp_path / "other.pem")
    subprocess.run(
        [*command, "-subj", "/CN=other", "-out", other, "-keyout", str(tmp_path / "key")],
        check=True,
        capture_output=True,
    )
    client = connect(tls.host, "ann", "pw", settings=HostSettings(ca_files=(other,)))
    with pytest.raises(Unavailable, match="certificate not trusted") as caught:
        client.repository().exists(source.add(b"x"))
    assert "CA file" in caught.value.hint
    assert client.waits == []


def test_a_ca_means_tls_and_nothing_less(
    server: Server, certificate: tuple[str, str], connect: MakeClient, source: Bytes
) -> None:
    client = connect(server.host, settings=HostSettings(ca_files=(certificate[0],)))
    with pytest.raises(Unavailable, match="cannot reach"):
        client.repository().exists(source.add(b"x"))
    assert [seen.method for seen in server.seen] == []


def test_a_registry_that_speaks_plain_http_is_told_so(
    connect: MakeClient, source: Bytes, certificate: tuple[str, str]
) -> None:
    """Go's servers, docker's registry among them, answer a TLS hello in plain HTTP."""

    class Plain(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(4096)
            self.request.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Plain) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        client = connect(f"127.0.0.1:{server.server_address[1]}", settings=HostSettings(ca_files=(certificate[0],)))
        with pytest.raises(Unavailable, match="cannot reach") as caught:
            client.repository().exists(source.add(b"x"))
        server.shutdown()
    assert "may speak plain HTTP" in caught.value.hint


def test_certificates_that_cannot_be_read_are_told(connect: MakeClient, source: Bytes, tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.pem")
    with pytest.raises(Invalid, match="no such file") as caught:
        connect("localhost:1", settings=HostSettings(ca_files=(missing,))).repository().exists(source.add(b"x"))
    assert missing in str(caught.value)


def test_the_certificate_that_cannot_be_used_is_named(
    certificate: tuple[str, str], connect: MakeClient, source: Bytes, tmp_path: Path
) -> None:
    """And not the one that can."""
    missing = str(tmp_path / "me.pem")
    settings = HostSettings(ca_files=(certificate[0],), client_cert=missing, client_key=certificate[1])
    with pytest.raises(Invalid, match="no such file") as caught:
        connect("localhost:1", settings=settings).repository().exists(source.add(b"x"))
    assert caught.value.subject == missing


def test_https_is_not_left_for_http(tls: Server) -> None:
    tls.fault = first(9, lambda exchange: exchange.answer(307, {"Location": "http://registry.invalid/blob"}), path="/x")
    with Transport(Hosts()) as transport, pytest.raises(Denied, match="plain http"):
        transport.send(Call("GET", f"https://{tls.host}/x"))
