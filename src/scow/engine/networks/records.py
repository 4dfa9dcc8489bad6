"""Networks on disk, and who is on them.

::

    networks/<name>.json            a user's network
    networks/.keeper*               the keeper's locks (:mod:`scow.runtime.launcher.keeper`)
    networks/.lock                  held while addresses are given out, or a network goes
    containers/<id>/network.json    a container's place, as of its last start
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final

import msgspec

from scow.content.disk import on_disk
from scow.content.lock import holding
from scow.engine.naming import is_name
from scow.errors import AlreadyExists, Conflict, Invalid, Limit, NotFound, ScowError
from scow.files import read, renew
from scow.oci.documents import decode, encode
from scow.runtime.spec.ports import Port

PREDEFINED: Final = ("bridge", "host", "none")
#: Where networks without a subnet of their own get it, 24 bits each.
_POOL: Final = "10.89.0.0/16"


class Network(msgspec.Struct, frozen=True):
    """A user's network. ``created`` is RFC 3339 text; an ``internal`` one has no way out."""

    name: str
    id: str
    created: str
    subnet: str
    gateway: str
    labels: dict[str, str] = {}
    internal: bool = False

    @property
    def bridge(self) -> str:
        """The name of its bridge (at most 15 bytes)."""
        return f"s{self.id[:12]}"


class Endpoint(msgspec.Struct, frozen=True):
    """A container's place on a network: its address there, the names it answers to, and its published ports."""

    network: str
    address: str = ""
    prefix: int = 0
    gateway: str = ""
    names: tuple[str, ...] = ()
    ports: tuple[Port, ...] = ()


class NetworkRecords:
    """The networks below ``root``."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def keeper(self) -> Path:
        """The lock that containers on a network share."""
        return self._root / ".keeper"

    def __iter__(self) -> Iterator[Network]:
        names = sorted(path.stem for path in self._root.glob("[!.]*.json")) if self._root.is_dir() else []
        for name in names:
            with on_disk(self._root), contextlib.suppress(FileNotFoundError, Invalid, Limit):
                yield decode(read(self._root / f"{name}.json"), Network, name)

    def find(self, text: str) -> Network:
        """By name, id, or the beginning of an id. Raises :class:`NotFound`, :class:`Conflict`."""
        everything = list(self)
        exact = [one for one in everything if text in (one.name, one.id)]
        found = exact or [one for one in everything if text and one.id.startswith(text)]
        if len(found) > 1:
            raise Conflict("multiple networks found with that prefix", subject=text, hint="give more of the id")
        if not found:
            raise NotFound(f"network {text} not found", subject=text, named=True)
        return found[0]

    def add(self, network: Network) -> None:
        """Write it down; to be called with :meth:`held`. Raises :class:`AlreadyExists`, :class:`Invalid`."""
        if not is_name(network.name):
            raise Invalid(f"invalid network name: {network.name}", hint="[a-zA-Z0-9][a-zA-Z0-9_.-]")
        if network.name in PREDEFINED or network.name == "default":
            raise Conflict(f'operation is not permitted on predefined "{network.name}" network')
        if any(one.name == network.name for one in self):
            raise AlreadyExists(f"network with name {network.name} already exists", subject=network.name, named=True)
        renew(self._root / f"{network.name}.json", encode(network))

    def remove(self, network: Network) -> None:
        """Forget it; its bridge goes with the keeper."""
        (self._root / f"{network.name}.json").unlink(missing_ok=True)

    def free_subnet(self) -> str:
        """One that no other network has."""
        from ipaddress import IPv4Network  # what lists containers needs no addresses

        taken = [IPv4Network(one.subnet) for one in self]
        for subnet in IPv4Network(_POOL).subnets(new_prefix=24):
            if not any(subnet.overlaps(other) for other in taken):
                return str(subnet)
        raise Conflict("all predefined address pools have been fully subnetted", hint="network prune, or --subnet")

    def held(self) -> AbstractContextManager[None]:
        """Nobody else gives out addresses or takes networks away meanwhile."""
        return holding(self._root)


def free_address(network: Network, taken: set[str], asked: str = "") -> str:
    """``asked``, or the lowest address that nobody has. Raises :class:`Conflict`, :class:`Invalid`."""
    from ipaddress import IPv4Address, IPv4Network

    subnet = IPv4Network(network.subnet)
    if asked:
        try:
            wanted = IPv4Address(asked)
        except ValueError:
            raise Invalid(f"invalid IPv4 address: {asked}") from None
        if wanted not in subnet:
            raise Invalid("no configured subnet contains IP address", subject=asked)
        if asked in taken or asked == network.gateway:
            raise Conflict("Address already in use", subject=asked)
        return asked
    for address in map(str, subnet.hosts()):
        if address != network.gateway and address not in taken:
            return address
    raise Conflict("no available IPv4 addresses on this network's address pools", subject=network.name)


def read_endpoint(home: Path) -> Endpoint | None:
    """The place of the container in ``home``; None when it never had one."""
    with contextlib.suppress(OSError, ScowError):
        return decode(read(home / "network.json"), Endpoint, home.name)
    return None


def published(spec: Mapping[str, Any], home: Path) -> tuple[Port, ...]:
    """The published ports of the container in ``home``, made with the options ``spec``, as of its last start."""
    if spec.get("network", "host") in ("host", "none"):
        return ()
    place = read_endpoint(home)
    return place.ports if place else ()


def write_endpoint(home: Path, endpoint: Endpoint) -> None:
    """Write down where the container is."""
    with on_disk(home):
        renew(home / "network.json", encode(endpoint))
