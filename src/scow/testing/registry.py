"""An OCI registry inside the process (or on a port of its own), for tests, demonstrations and small machines.

>>> from scow.testing.registry import Registry
>>> with Registry() as registry:
...     registry.host.startswith("127.0.0.1:")
True

It keeps everything in a directory, knows blobs, manifests, tags, uploads of every kind, mounts, ranges, deletes,
referrers and pages, asks for a password or a token when told to, speaks TLS when given a certificate, and misbehaves on
demand: ``fault`` sees every request first and may answer instead.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import socket
import ssl
import sys
import tempfile
import threading
from collections.abc import Callable
from http.server import ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import Any, Literal

from scow.testing.registry_auth import Gate
from scow.testing.registry_handler import Exchange, Handler, Premises, Seen
from scow.testing.registry_storage import Storage

#: Sees a request before the registry does; true: it was answered.
Fault = Callable[[Exchange], bool | None]


class Server(ThreadingHTTPServer):
    """The listening socket and what its handlers share."""

    daemon_threads = True
    request_queue_size = 128
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], premises: Premises, tls: tuple[str, str] | None = None) -> None:
        self._connections: set[socket.socket] = set()
        self._context = _server_context(*tls) if tls else None
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.premises = premises
        super().__init__(address, Handler)
        premises.tls = tls is not None
        premises.base = f"{'https' if tls else 'http'}://{self.host}"

    @property
    def host(self) -> str:
        """``address:port``."""
        name, port = self.server_address[:2]
        return f"[{name!s}]:{port}" if ":" in str(name) else f"{name!s}:{port}"

    def server_bind(self) -> None:
        """Bind, and remember the port."""
        TCPServer.server_bind(self)  # without HTTPServer's look-up of a domain name, which may take seconds
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def server_close(self) -> None:
        """Stop listening, and break what is still connected."""
        super().server_close()
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def shutdown_request(self, request: Any) -> None:
        """End a connection."""
        self._connections.discard(request)
        super().shutdown_request(request)

    def get_request(self) -> tuple[Any, Any]:
        """Take a connection, over TLS when asked to."""
        connection, address = super().get_request()
        if self._context is not None:  # the handshake is the handler thread's
            connection = self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        self._connections.add(connection)
        return connection, address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error of ours."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            self.premises.log(f"error: {error!r}")


class Registry:
    """A registry on a free loopback port for as long as the ``with`` block lasts.

    ``directory`` stays; without one a temporary directory goes. With ``username`` and ``password`` the door is closed,
    and opened by ``auth``. ``tls`` are the paths of a certificate and its key.
    """

    def __init__(
        self,
        directory: Path | str | None = None,
        *,
        username: str = "",
        password: str = "",
        auth: Literal["basic", "bearer"] = "basic",
        token_lifetime: float = 300.0,
        anonymous_pull: bool = False,
        tls: tuple[str, str] | None = None,
        fault: Fault | None = None,
        page_size: int = 1000,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self._temporary = None if directory else tempfile.mkdtemp(prefix="scow-registry-")
        self.directory = Path(directory or self._temporary or "")
        self.gate = Gate(auth if username else "open", username, password, token_lifetime, anonymous_pull)
        self._premises = Premises(Storage(self.directory), self.gate, page_size=page_size, fault=fault)
        self._server = Server((host, port), self._premises, tls)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def host(self) -> str:
        """``address:port``, as references write it."""
        return self._server.host

    @property
    def seen(self) -> list[Seen]:
        """The requests that arrived, oldest first."""
        return list(self._premises.seen)

    @property
    def fault(self) -> Fault | None:
        """What may answer instead of the registry."""
        return self._premises.fault

    @fault.setter
    def fault(self, fault: Fault | None) -> None:
        """What may answer instead of the registry."""
        self._premises.fault = fault

    def forget(self) -> None:
        """Empty :attr:`seen`."""
        self._premises.seen.clear()

    def __enter__(self) -> Registry:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        if self._temporary:
            shutil.rmtree(self._temporary, ignore_errors=True)


def serve(
    host: str,
    port: int,
    root: Path,
    *,
    username: str = "",
    password: str = "",
    ready: Callable[[str], object],
) -> None:
    """Serve ``root`` until interrupted, to one user where there is a name. ``ready`` is told ``host:port``."""
    premises = Premises(Storage(root), Gate("basic" if username else "open", username, password))
    with Server((host, port), premises) as server:
        ready(server.host)
        server.serve_forever()


def _server_context(certificate: str, key: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def main(arguments: list[str] | None = None) -> None:
    """``python -m scow.testing.registry --port N --root DIR``."""
    parser = argparse.ArgumentParser(prog="python -m scow.testing.registry", description="a small OCI registry")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5000)
    parser.add_argument("--root", type=Path, required=True)
    chosen = parser.parse_args(arguments)
    try:
        serve(chosen.host, chosen.port, chosen.root, ready=lambda host: print(f"listening on {host}", flush=True))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
