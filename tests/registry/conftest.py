"""A registry in the process, a client that does not really wait, and bytes to move."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import pytest

from scow.content.target import Reader
from scow.oci import media_types
from scow.oci.descriptor import Descriptor
from scow.oci.reference import Reference
from scow.registry.credentials import Credential
from scow.registry.hosts import Hosts, HostSettings, Proxies
from scow.registry.remote import Registry
from scow.registry.repository import Repository
from scow.registry.transport import Transport
from scow.testing.registry import Fault
from scow.testing.registry import Registry as Server
from scow.testing.registry_handler import Exchange


@dataclass
class Bytes:
    """A source of whatever was put into it; counts how often each thing was opened."""

    held: dict[str, bytes] = field(default_factory=dict)
    opened: list[str] = field(default_factory=list)

    def add(self, data: bytes, media_type: str = media_types.OCI_LAYER) -> Descriptor:
        descriptor = Descriptor.of(media_type, data)
        self.held[descriptor.digest] = data
        return descriptor

    def image(self, *layers: bytes, **more: object) -> tuple[Descriptor, list[Descriptor]]:
        """A manifest over ``layers``, and its children."""
        config = self.add(b'{"architecture":"amd64","os":"linux"}', media_types.OCI_CONFIG)
        children = [config, *(self.add(layer) for layer in layers)]
        document = {
            "schemaVersion": 2,
            "mediaType": media_types.OCI_MANIFEST,
            "config": _plain(config),
            "layers": [_plain(child) for child in children[1:]],
            **more,
        }
        return self.add(json.dumps(document).encode(), media_types.OCI_MANIFEST), children

    @contextlib.contextmanager
    def open(self, descriptor: Descriptor, offset: int = 0) -> Iterator[Reader]:
        self.opened.append(descriptor.digest)
        yield io.BytesIO(self.held[descriptor.digest][offset:])


@dataclass
class Client:
    """A client of one server, and the waits it would have made."""

    registry: Registry
    host: str
    waits: list[float] = field(default_factory=list)

    def repository(self, path: str = "team/app", *, push: bool = True, mount_from: tuple[str, ...] = ()) -> Repository:
        return self.registry.repository(Reference(self.host, path), push=push, mount_from=mount_from)


class Pocket:
    """Credentials by host."""

    def __init__(self, held: Mapping[str, Credential] | None = None) -> None:
        self._held = dict(held or {})

    def lookup(self, host: str, path: str = "") -> Credential | None:
        return self._held.get(host)


MakeClient = Callable[..., Client]


@pytest.fixture
def connect() -> Iterator[MakeClient]:
    """Make a client of ``host``."""
    opened: list[Client] = []

    def make(
        host: str,
        username: str = "",
        password: str = "",
        *,
        credential: Credential | None = None,
        settings: HostSettings | None = None,
        proxies: Proxies | None = None,
        timeout: float = 10.0,
    ) -> Client:
        waits: list[float] = []
        transport = Transport(
            Hosts({host: settings} if settings else {}),
            proxies,
            timeout=timeout,
            sleep=waits.append,
            jitter=lambda: 0.5,
        )
        held = credential or (Credential(username, password) if username else None)
        client = Client(Registry(transport, Pocket({host: held} if held else {})), host, waits)
        opened.append(client)
        return client

    yield make
    for client in opened:
        client.registry.close()


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture
def source() -> Bytes:
    return Bytes()


def read(repository: Repository, descriptor: Descriptor, offset: int = 0, size: int = -1) -> bytes:
    """Everything from ``offset`` on."""
    with repository.open(descriptor, offset) as reader:
        parts = []
        while part := reader.read(size):
            parts.append(part)
    return b"".join(parts)


def first(count: int, act: Callable[[Exchange], object], *, method: str = "", path: str = "/blobs/") -> Fault:
    """Act on the first ``count`` requests of that kind, and let the rest through."""
    left = [count]

    def fault(exchange: Exchange) -> bool:
        if path not in exchange.path or method not in ("", exchange.method) or left[0] <= 0:
            return False
        left[0] -= 1
        return act(exchange) is not False

    return fault


def noise(size: int, seed: int = 0) -> bytes:
    """Bytes that do not repeat, the same every time."""
    return hashlib.shake_128(seed.to_bytes(4, "big")).digest(size)


def _plain(descriptor: Descriptor) -> dict[str, object]:
    return {"mediaType": descriptor.media_type, "digest": str(descriptor.digest), "size": descriptor.size}
