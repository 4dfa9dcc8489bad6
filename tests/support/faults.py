"""A proxy in front of a registry that makes go wrong what goes wrong between two machines, by the throw of dice.

:class:`FaultyProxy` forwards every request; a :class:`Plan` may spoil it. Faults are named in :data:`FAULTS`, with the
errors that each may lead to. Redirects lead to a second host, the *storage*, which must never see credentials.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

from scow.errors import Denied, Integrity, Invalid, Limit, NotFound, ScowError, Unavailable

#: hop by hop, or made anew here
_OWN_HEADERS = {"connection", "transfer-encoding", "content-length", "keep-alive"}
_DRIP = 0.02


@dataclass
class Answer:
    """What the registry said."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


@dataclass
class Plan:
    """What goes wrong in one run: ``faults`` by name, each request spoiled with ``chance``, ``left`` times at most."""

    dice: random.Random
    faults: tuple[str, ...]
    chance: float = 0.2
    left: int = 5
    happened: Counter[str] = field(default_factory=Counter)
    guard: threading.Lock = field(default_factory=threading.Lock)

    def next(self) -> str:
        """The fault for this request, or ``""``."""
        with self.guard:
            if self.left <= 0 or self.dice.random() > self.chance:
                return ""
            self.left -= 1
            name = self.dice.choice(self.faults)
            self.happened[name] += 1
            return name

    def at(self, size: int) -> int:
        """A place in ``size`` bytes: often a boundary of pieces, sometimes the very beginning or end."""
        with self.guard:
            boundaries = [0, 1, size // 2, max(size - 1, 0), *range(0, size, 65536)]
            return self.dice.choice(boundaries) if self.dice.random() < 0.7 else self.dice.randint(0, size)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def proxy(self) -> FaultyProxy:
        return self.server.proxy  # type: ignore[attr-defined,no-any-return]

    def log_message(self, *_: Any) -> None:
        """Silent."""

    def _serve(self) -> None:
        plan = self.proxy.plan
        fault = plan.next() if plan and not self.server.is_storage else ""  # type: ignore[attr-defined]
        if self.server.is_storage and self.headers.get("Authorization"):  # type: ignore[attr-defined]
            self.proxy.leaks.append(self.path)
        with contextlib.suppress(OSError):
            if plan and fault in _BEFORE:
                _BEFORE[fault](self, plan)
                return
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length) if length else b""
            answer = self.proxy.forward(self, body)
            if plan and fault:
                _AFTER[fault](self, answer, plan)
            else:
                self.send(answer)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

    def send(self, answer: Answer, *, length: int | None = None, body: bytes | None = None) -> None:
        """The answer, with another length or body when told so."""
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        told = next((int(value) for name, value in answer.headers if name.lower() == "content-length"), None)
        if told is None:
            self.send_header("Content-Length", str(len(answer.body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body if body is None else body)

    def reset(self) -> None:
        """End the connection with an RST."""
        self.close_connection = True
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def drop(self) -> None:
        """End the connection."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


def _plain(answer: Answer) -> Answer:
    headers = [(name, value) for name, value in answer.headers if name.lower() != "content-length"]
    return Answer(answer.status, headers, answer.body)


def _cut(handler: _Handler, answer: Answer, plan: Plan, end: Callable[[], None]) -> None:
    at = plan.at(len(answer.body))
    handler.send(_plain(answer), length=len(answer.body), body=answer.body[:at])
    end()


def _reset(handler: _Handler, answer: Answer, plan: Plan) -> None:
    _cut(handler, answer, plan, handler.reset)


def _truncate(handler: _Handler, answer: Answer, plan: Plan) -> None:
    _cut(handler, answer, plan, handler.drop)


def _stall(handler: _Handler, answer: Answer, plan: Plan) -> None:
    at = plan.at(len(answer.body))
    handler.send(_plain(answer), length=len(answer.body), body=answer.body[:at])
    time.sleep(handler.proxy.patience * 1.5)
    handler.drop()


def _drip(handler: _Handler, answer: Answer, plan: Plan) -> None:
    """A byte now and then."""
    handler.send(_plain(answer), length=len(answer.body), body=b"")
    for byte in answer.body if handler.command != "HEAD" else b"":
        handler.wfile.write(bytes([byte]))
        handler.wfile.flush()
        time.sleep(_DRIP)
    handler.close_connection = True


def _wrong_length(handler: _Handler, answer: Answer, plan: Plan) -> None:
    told = max(len(answer.body) + plan.dice.choice([-1, 1, 1000]), 0)
    handler.send(_plain(answer), length=told, body=answer.body[:told])
    handler.drop()


def _wrong_content(handler: _Handler, answer: Answer, plan: Plan) -> None:
    body = bytearray(answer.body)
    if body:
        body[plan.at(len(body) - 1)] ^= 0x20
    handler.send(_plain(answer), body=bytes(body), length=len(body))


def _status(*codes: int, **headers: str) -> Callable[[_Handler, Plan], None]:
    def refuse(handler: _Handler, plan: Plan) -> None:
        told = [(name.replace("_", "-"), value) for name, value in headers.items()]
        handler.send(Answer(plan.dice.choice(codes), told, b'{"errors":[{"code":"UNKNOWN"}]}'))
        handler.drop()  # the body was not read

    return refuse


def _redirect(handler: _Handler, plan: Plan) -> None:
    if handler.command not in ("GET", "HEAD"):
        return _status(307, Location=handler.path)(handler, plan)
    handler.send(Answer(307, [("Location", f"http://{handler.proxy.storage_host}{handler.path}")], b""))
    return None


def _loop(handler: _Handler, plan: Plan) -> None:
    handler.send(Answer(307, [("Location", handler.path)], b""))
    handler.drop()


def _endless(handler: _Handler, plan: Plan) -> None:
    """A body without an end, or one of a terabyte."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/vnd.oci.image.manifest.v1+json")
    if plan.dice.random() < 0.5:
        handler.send_header("Content-Length", str(1 << 40))
        handler.end_headers()
        piece = b" " * 65536
    else:
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        piece = b"10000\r\n" + b" " * 65536 + b"\r\n"
    handler.close_connection = True
    for _ in range(1024 if handler.command != "HEAD" else 0):
        handler.wfile.write(piece)


def _garbage(handler: _Handler, plan: Plan) -> None:
    words = [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 999 ?\r\n\r\n", b"\0" * 100, b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 300]
    handler.wfile.write(plan.dice.choice(words))
    handler.drop()


#: without asking the registry
_BEFORE: dict[str, Callable[[_Handler, Plan], None]] = {
    "hang up": lambda handler, plan: handler.reset(),
    "401": _status(401, WWW_Authenticate='Basic realm="again"'),
    "5xx": _status(500, 502, 503, 504),
    "429": _status(429),
    "429 for now": _status(429, Retry_After="1"),
    "redirect": _redirect,
    "loop": _loop,
    "endless": _endless,
    "garbage": _garbage,
}
#: spoiling what it said
_AFTER: dict[str, Callable[[_Handler, Answer, Plan], None]] = {
    "reset": _reset,
    "truncate": _truncate,
    "stall": _stall,
    "drip": _drip,
    "wrong length": _wrong_length,
    "wrong content": _wrong_content,
}
_LINE: tuple[type[ScowError], ...] = (Unavailable,)
_LIES: tuple[type[ScowError], ...] = (Unavailable, Integrity, Invalid, Limit, NotFound)
#: fault -> the errors that are right; success always is
FAULTS: dict[str, tuple[type[ScowError], ...]] = {
    "hang up": _LINE,
    "5xx": _LINE,
    "429": _LINE,
    "429 for now": _LINE,
    "reset": _LINE,
    "truncate": _LINE,
    "stall": _LINE,
    "drip": _LINE,
    "401": (Denied,),
    "redirect": (Unavailable, NotFound),  # the storage lacks uploads
    "loop": _LINE,
    "garbage": _LINE,
    "endless": _LIES,
    "wrong length": _LIES,
    "wrong content": (*_LIES, Denied),
}


class FaultyProxy:
    """In front of ``upstream`` for as long as the ``with`` block lasts. ``plan`` says what goes wrong now.

    ``patience`` is the client's timeout in seconds. ``leaks`` are the paths that came to the storage with credentials.
    """

    def __init__(self, upstream: str, username: str, password: str, *, patience: float) -> None:
        self.upstream, self.patience = upstream, patience
        self.plan: Plan | None = None
        self.leaks: list[str] = []
        self._basic = "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()
        self._servers = [_server(self, storage=False), _server(self, storage=True)]
        self.host, self.storage_host = (f"127.0.0.1:{server.server_address[1]}" for server in self._servers)

    def forward(self, handler: _Handler, body: bytes) -> Answer:
        """Ask the registry; the storage has credentials of its own."""
        connection = http.client.HTTPConnection(self.upstream, timeout=30)
        headers = {name: value for name, value in handler.headers.items() if name.lower() not in _OWN_HEADERS}
        if handler.server.is_storage:  # type: ignore[attr-defined]
            headers["Authorization"] = self._basic
        if body or handler.command in ("POST", "PUT", "PATCH"):
            headers["Content-Length"] = str(len(body))
        with contextlib.closing(connection):
            connection.request(handler.command, handler.path, body or None, headers)
            response = connection.getresponse()
            kept = [pair for pair in response.getheaders() if pair[0].lower() not in _OWN_HEADERS]
            if handler.command == "HEAD" and (length := response.getheader("Content-Length")):
                kept.append(("Content-Length", length))
            return Answer(response.status, kept, response.read())

    def __enter__(self) -> FaultyProxy:
        for server in self._servers:
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()

    @contextlib.contextmanager
    def spoiling(self, plan: Plan) -> Iterator[None]:
        """Things go wrong within the block."""
        self.plan = plan
        try:
            yield
        finally:
            self.plan = None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def server_bind(self) -> None:
        """Without HTTPServer's look-up of a domain name."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is what this is about."""


def _server(proxy: FaultyProxy, *, storage: bool) -> _Server:
    server = _Server(("127.0.0.1", 0), _Handler)
    server.proxy, server.is_storage = proxy, storage  # type: ignore[attr-defined]
    return server
