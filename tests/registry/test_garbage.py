"""Answers that are hardly HTTP, from a socket: each ends in an error of ours, and ends."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
from collections.abc import Callable, Iterable, Iterator

import pytest
from tests.registry.conftest import Bytes, MakeClient, read

from scow.errors import ScowError
from scow.oci import media_types
from scow.oci.descriptor import Descriptor
from scow.registry.repository import Repository

DATA = b"x" * 100
BLOB = Descriptor.of(media_types.OCI_LAYER, DATA)
FINE = b"HTTP/1.1 200 OK\r\n"
MANIFEST = f"Content-Type: {media_types.OCI_MANIFEST}\r\nDocker-Content-Digest: {BLOB.digest}\r\n".encode()
DIGITS = b"9" * 5000


def forever(first: bytes, then: bytes) -> Iterable[bytes]:
    return itertools.chain([first], itertools.repeat(then * 100))


#: what a server says to whatever it is asked
ANSWERS: dict[str, Callable[[], Iterable[bytes]]] = {
    "100 for ever": lambda: forever(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "103 for ever": lambda: forever(b"", b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n"),
    "a status line for ever": lambda: forever(b"HTTP/1.1 200 ", b"A"),
    "a header for ever": lambda: forever(FINE + b"X: ", b"A"),
    "headers for ever": lambda: forever(FINE, b"X: y\r\n"),
    "trailers for ever": lambda: forever(FINE + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n"),
    "a chunk's length for ever": lambda: forever(FINE + b"Transfer-Encoding: chunked\r\n\r\n5;", b"a"),
    "chunks that are none": lambda: [FINE + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc"],
    "less than no chunk": lambda: [FINE + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nabc"],
    "something else": lambda: [b"SSH-2.0-OpenSSH_9.2\r\n"],
    "no status": lambda: [b"HTTP/1.1 -1 x\r\n\r\n"],
    "nothing": list,
    "a length of 5000 digits": lambda: [FINE + MANIFEST + b"Content-Length: " + DIGITS + b"\r\n\r\n" + DATA],
    "a range of 5000 digits": lambda: [
        b"HTTP/1.1 206 x\r\nContent-Range: bytes " + b"0" * 5000 + b"-" + DIGITS + b"/" + DIGITS + b"\r\n\r\n" + DATA
    ],
    "two lengths": lambda: [FINE + MANIFEST + b"Content-Length: 5\r\nContent-Length: 100\r\n\r\n" + DATA],
    "to a file": lambda: [b"HTTP/1.1 302 x\r\nLocation: file:///etc/passwd\r\n\r\n"],
    "to half an address": lambda: [b"HTTP/1.1 302 x\r\nLocation: http://[::1\r\n\r\n"],
    "to a long name": lambda: [b"HTTP/1.1 302 x\r\nLocation: http://" + b"a" * 70 + b".invalid/\r\n\r\n"],
    "to no name": lambda: [b"HTTP/1.1 302 x\r\nLocation: http://a..b/\r\n\r\n"],
    "wait for 5000 digits": lambda: [b"HTTP/1.1 429 x\r\nRetry-After: " + DIGITS + b"\r\nContent-Length: 0\r\n\r\n"],
    "a challenge of commas": lambda: [b"HTTP/1.1 401 x\r\nWWW-Authenticate: " + b", ," * 20_000 + b"\r\n\r\n"],
}


@contextlib.contextmanager
def saying(answer: Callable[[], Iterable[bytes]]) -> Iterator[str]:
    """A server that lets everybody in, and then says ``answer``."""
    over = threading.Event()

    def serve(client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            client.settimeout(20)
            while (asked := asking(client)).startswith(b"GET /v2/ "):
                client.sendall(FINE + b"Content-Length: 0\r\n\r\n")
            for part in answer() if asked else ():
                if over.is_set():
                    break
                client.sendall(part)

    def accept(listening: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listening.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=accept, args=(listening,), daemon=True).start()
        try:
            yield f"127.0.0.1:{listening.getsockname()[1]}"
        finally:
            over.set()
            listening.shutdown(socket.SHUT_RDWR)


def asking(client: socket.socket) -> bytes:
    """The head of the next request, or nothing."""
    head = b""
    while b"\r\n\r\n" not in head and (part := client.recv(1 << 16)):
        head += part
    return head


ASKED: dict[str, Callable[[Repository], object]] = {
    "resolve": lambda repository: repository.resolve("v1"),
    "exists": lambda repository: repository.exists(BLOB),
    "open": lambda repository: read(repository, BLOB, 10),
    "tags": lambda repository: list(repository.tags()),
    "push": lambda repository: repository.push(BLOB, Bytes({BLOB.digest: DATA})),
}
#: what may be taken for an answer after all: the bytes are looked at by whoever opens the blob
TAKEN = {"a length of 5000 digits", "a range of 5000 digits", "less than no chunk", "trailers for ever", "two lengths"}


@pytest.mark.parametrize("kind", ANSWERS)
def test_it_ends(connect: MakeClient, kind: str) -> None:
    with saying(ANSWERS[kind]) as host:
        repository = connect(host, timeout=5.0).repository()
        for act in ASKED:
            ended: list[BaseException | None] = []
            asker = threading.Thread(target=ask, args=(ASKED[act], repository, ended), daemon=True)
            asker.start()
            asker.join(60)
            assert ended, f"{act} goes on and on"
            if kind not in TAKEN and act != "exists":
                assert isinstance(ended[0], ScowError), f"{act}: {ended[0]!r}"
            assert ended[0] is None or isinstance(ended[0], ScowError), f"{act}: {ended[0]!r}"


def ask(act: Callable[[Repository], object], repository: Repository, ended: list[BaseException | None]) -> None:
    try:
        act(repository)
    except BaseException as error:
        ended.append(error)
    else:
        ended.append(None)
