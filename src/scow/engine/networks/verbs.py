"""Network verbs of the library."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, Any

from scow.engine.containers.plugging import members
from scow.engine.networks.records import PREDEFINED, Endpoint, Network
from scow.engine.texts import rfc3339
from scow.engine.values import NetworkSummary, Pruned
from scow.engine.workplace import Noun
from scow.errors import Conflict, Invalid, NotFound

if TYPE_CHECKING:
    from scow.engine.workplace import Workplace

_DRIVERS = {"bridge": "bridge", "host": "host", "none": "null"}


class Networks(Noun):
    """``engine.networks``."""

    def __init__(self, workplace: Workplace) -> None:
        super().__init__(workplace)
        self._records = workplace.networks

    def create(
        self, name: str, *, labels: Mapping[str, str] | None = None, subnet: str = "", gateway: str = "",
        internal: bool = False,
    ) -> str:  # fmt: skip
        """Make a network; returns its id. Raises :class:`~scow.errors.AlreadyExists`, Conflict, Invalid."""
        now = rfc3339(time.time())
        with self._records.held():
            inside = _subnet(subnet) if subnet else IPv4Network(self._records.free_subnet())
            for other in self._records:
                if subnet and IPv4Network(other.subnet).overlaps(inside):
                    raise Conflict("Pool overlaps with other one on this address space", subject=subnet)
            made = Network(
                name, os.urandom(32).hex(), now, str(inside), _gateway(gateway, inside), dict(labels or {}), internal
            )
            self._records.add(made)
        return made.id

    def list(self) -> tuple[NetworkSummary, ...]:
        """Every network by name: bridge, host and none too."""
        own = [self._summary(network) for network in self._records]
        return tuple(sorted([*map(_predefined, PREDEFINED), *own], key=lambda one: one.name))

    def find(self, name: str) -> NetworkSummary:
        """The network of that name or id; raises :class:`~scow.errors.NotFound`."""
        return _predefined(name) if name in PREDEFINED else self._summary(self._records.find(name))

    def inspect(self, name: str) -> dict[str, Any]:
        """docker's JSON of a network, as plain values."""
        if name in PREDEFINED:
            return _document(_predefined(name), {})
        network = self._records.find(name)
        places = dict(members(self._workplace, network))
        return _document(self._summary(network), {one: self._endpoint(one, place) for one, place in places.items()})

    def _endpoint(self, container_id: str, place: Endpoint) -> dict[str, Any]:
        name = self._workplace.containers.find(container_id).name
        return {"Name": name, "IPv4Address": f"{place.address}/{place.prefix}", "IPv6Address": "", "MacAddress": ""}

    def remove(self, name: str) -> str:
        """Forget a network that no running container is on. Raises :class:`~scow.errors.Conflict`."""
        if name in PREDEFINED:
            raise Conflict(f"{name} is a pre-defined network and cannot be removed", subject=name, named=True)
        with self._records.held():
            network = self._records.find(name)
            if members(self._workplace, network):
                problem = f"error while removing network: network {network.name} has active endpoints"
                raise Conflict(problem, subject=network.name, named=True)
            self._records.remove(network)
        return name

    def prune(
        self, *, chosen: Callable[[NetworkSummary], bool] = lambda _: True, dry_run: bool = False,
        without: Collection[str] = (),
    ) -> Pruned:  # fmt: skip
        """Forget the networks that no container was made for; the containers ``without`` do not count."""
        containers = (one for one in self._workplace.containers if one.id not in without)
        used = {settings.spec.get("network") for settings in containers}
        gone = []
        with self._records.held():
            for network in self._records:
                if network.name not in used and network.id not in used and chosen(self._summary(network)):
                    gone.append(network.name)
                    if not dry_run:
                        self._records.remove(network)
        return Pruned(networks=tuple(gone))

    def _summary(self, network: Network) -> NetworkSummary:
        return NetworkSummary(
            network.name, network.id, "bridge", network.created, network.labels, network.subnet, network.gateway,
            network.internal,
        )  # fmt: skip


def _predefined(name: str) -> NetworkSummary:
    """bridge, host and none have no record: their ids are their names, in hex."""
    return NetworkSummary(name, name.encode().hex().ljust(64, "0"), _DRIVERS[name], "")


def _document(one: NetworkSummary, containers: dict[str, Any]) -> dict[str, Any]:
    return {
        "Name": one.name,
        "Id": one.id,
        "Created": one.created,
        "Scope": "local",
        "Driver": one.driver,
        "EnableIPv4": True,
        "EnableIPv6": False,
        "IPAM": {
            "Driver": "default",
            "Options": {},
            "Config": [{"Subnet": one.subnet, "Gateway": one.gateway}] if one.subnet else [],
        },
        "Internal": one.internal,
        "Attachable": False,
        "Ingress": False,
        "ConfigFrom": {"Network": ""},
        "ConfigOnly": False,
        "Containers": containers,
        "Options": {},
        "Labels": one.labels,
    }


def _subnet(text: str) -> IPv4Network:
    try:
        found = IPv4Network(text)
    except ValueError:
        raise Invalid(f"invalid subnet {text}", hint="an IPv4 network: 10.5.0.0/24") from None
    if found.prefixlen > 29:
        raise Invalid(f"invalid subnet {text}", hint="it has no room for containers")
    return found


def _gateway(text: str, inside: IPv4Network) -> str:
    if not text:
        return str(inside[1])
    try:
        if IPv4Address(text) in inside:
            return text
    except ValueError:
        pass
    raise NotFound(f"no matching subnet for gateway {text}")
