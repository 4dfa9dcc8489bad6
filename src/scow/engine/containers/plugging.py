"""A container's network at its start: an address, its neighbours' names, its published ports."""

from __future__ import annotations

import contextlib
import errno
import socket
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

import msgspec

from scow.engine.networks.records import Endpoint, Network, free_address, read_endpoint, write_endpoint
from scow.errors import Conflict, Invalid, NotFound, ScowError
from scow.runtime.networking import ADDRESS, GATEWAY, PREFIX, Attachment, Plug
from scow.runtime.spec import ports
from scow.runtime.spec.document import CONTAINER
from scow.runtime.spec.ports import Port

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from scow.engine.containers.records import Settings
    from scow.engine.workplace import Workplace
    from scow.image.image import Image
    from scow.runtime.spec.options import Options

_ALLOCATED = "port is already allocated"
_LOW = "publish a port from 1024 on, or let users have lower ones: sysctl net.ipv4.ip_unprivileged_port_start=%d"
_TRIES = 8  # of the kernel's choice, which may be the same twice
_KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}


def check(workplace: Workplace, options: Options) -> None:
    """See that the network a new container asks for is there; raises :class:`NotFound` or :class:`Invalid`."""
    mode = options.network
    if mode in ("host", "none") and not (options.ip or options.network_aliases):
        return
    if mode.startswith(CONTAINER):
        workplace.containers.find(mode.removeprefix(CONTAINER))
        _check_joining(options)
    elif mode not in ("host", "none", "bridge"):
        workplace.networks.find(mode)
    named = mode not in ("host", "none", "bridge") and not mode.startswith(CONTAINER)
    if options.ip and not named:
        raise Invalid("user specified IP address is supported on user defined networks only")
    if options.network_aliases and not named:
        raise Invalid("network-scoped alias is supported only for containers in user defined networks")


#: What comes with another container's network, in docker's words.
_COME_ALONG = {
    "hostname": "hostname",
    "domainname": "hostname",
    "dns": "dns",
    "dns_search": "dns",
    "dns_options": "dns",
    "add_host": "custom host-to-IP mapping",
    "ports": "port publishing",
    "publish_all": "port publishing",
    "expose": "port exposing",
}


def _check_joining(options: Options) -> None:
    for field, what in _COME_ALONG.items():
        if getattr(options, field):
            kind = " container type" if what.startswith("port ") else ""
            raise Invalid(f"conflicting options: {what} and the{kind} network mode")


def plugged(workplace: Workplace, settings: Settings, image: Image, options: Options) -> Attachment:
    """The container's own network, put on record; not to be asked where it is the host's, or none at all.

    To be called by whoever keeps the container. Raises :class:`Conflict` for a port that is taken, and what else is in
    the way.
    """
    mode, home = options.network, workplace.containers.home(settings.id)
    if mode.startswith(CONTAINER):
        return _joined(workplace, mode.removeprefix(CONTAINER))
    published = assigned(_asked(options, image))
    if mode == "bridge":
        write_endpoint(home, Endpoint(mode, ADDRESS, PREFIX, GATEWAY, (), published))
        return Attachment(published)
    with workplace.networks.held():
        network = workplace.networks.find(mode)
        others = members(workplace, network, settings.id)
        address = free_address(network, {one.address for _, one in others}, options.ip)
        mine = Endpoint(
            network.name, address, IPv4Network(network.subnet).prefixlen, network.gateway,
            tuple(dict.fromkeys((settings.name, settings.id[:12], *options.network_aliases))), published,
        )  # fmt: skip
        write_endpoint(home, mine)
        _tell(workplace, [*others, (settings.id, mine)])
    neighbours = tuple((one.address, one.names) for _, one in (*others, (settings.id, mine)))
    plug = Plug(network.name, network.bridge, str(workplace.networks.keeper), address, mine.prefix)
    return Attachment(published, plug, not network.internal, neighbours=neighbours)


def _joined(workplace: Workplace, name: str) -> Attachment:
    other = workplace.containers.find(name)
    state = workplace.containers.state(other.id)
    if state.status != "running" or not state.pid:
        raise Conflict(f"cannot join network of a non running container: {other.id}")
    files = workplace.containers.home(other.id) / "bundle"
    try:
        hostname = (files / "hostname").read_text().strip()
    except OSError:
        raise NotFound("is going away", subject=f"container {other.id[:12]}") from None
    return Attachment(join=(state.pid, state.born), files=str(files), hostname=hostname)


def _asked(options: Options, image: Image) -> Iterable[Port]:
    yield from options.ports
    if options.publish_all:
        declared = (*(image.config.process.exposed_ports or ()), *options.expose)
        given = {(port.container, port.protocol) for port in options.ports}
        every = {port: None for text in declared for port in ports.exposed(text)}
        yield from (port for port in every if (port.container, port.protocol) not in given)


def assigned(asked: Iterable[Port]) -> tuple[Port, ...]:
    """Each with a port of this machine that is free now. Raises :class:`Conflict`."""
    taken: list[Port] = []
    for port in asked:
        taken.append(_free(port, taken))
    return tuple(taken)


def _free(port: Port, taken: Collection[Port]) -> Port:
    """The first that nobody has, nor is among those ``taken``."""
    numbers = range(port.host, max(port.host, port.last) + 1) if port.host else [0] * _TRIES
    why = hint = ""
    for number in numbers:
        try:
            found = msgspec.structs.replace(port, host=_tried(port, number), last=0)
        except OSError as error:
            why = str(error.strerror) if error.errno != errno.EADDRINUSE else _ALLOCATED
            hint = _LOW % number if error.errno == errno.EACCES else ""
            continue
        if not any(found.clashes(other) for other in taken):
            return found
        why, hint = _ALLOCATED, ""
    where = f"{port.address or '0.0.0.0'}:{port.outside}"  # noqa: S104
    raise Conflict(f"Bind for {where} failed: {why}", hint=hint)


def _tried(port: Port, number: int) -> int:
    """A port of this machine that could be had, of that ``number`` unless it is 0. Raises OSError."""
    family = socket.AF_INET6 if ":" in port.address else socket.AF_INET
    with socket.socket(family, _KINDS[port.protocol]) as probe:
        if port.protocol == "tcp":  # where it forgives what was closed; two of udp would share the port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((port.address, number))
        return int(probe.getsockname()[1])


def members(workplace: Workplace, network: Network, me: str = "") -> list[tuple[str, Endpoint]]:
    """The running containers on a network, but for ``me``: id and place."""
    found = []
    for settings in workplace.containers:
        place = read_endpoint(workplace.containers.home(settings.id))
        if place and place.network == network.name and settings.id != me and workplace.containers.alive(settings.id):
            found.append((settings.id, place))
    return found


def _tell(workplace: Workplace, everybody: list[tuple[str, Endpoint]]) -> None:
    """Write everybody's names into everybody's hosts: in place, as the file is what is mounted."""
    from scow.runtime.spec import etc

    for container_id, _ in everybody:
        path = workplace.containers.home(container_id) / "bundle/hosts"
        others = tuple((one.address, one.names) for other, one in everybody if other != container_id)
        with contextlib.suppress(OSError, ScowError):
            path.write_bytes(etc.with_neighbours(path.read_bytes(), others))
