"""What a launcher is told about a container's network: plain values, made of what this machine has."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import msgspec

from scow.errors import Unsupported
from scow.runtime.spec.ports import Port

ADDRESS, GATEWAY, RESOLVER, PREFIX = "10.0.2.100", "10.0.2.2", "10.0.2.3", 24
"""What a container has on the way out: slirp4netns' own numbers, and the same with pasta."""

PROGRAMS = ("pasta", "slirp4netns")
_SEARCH = ("/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin")
_TUN = "/dev/net/tun"


class Plug(msgspec.Struct, frozen=True):
    """A container's place on a user's network: ``bridge`` is the device at the ``keeper`` (the path of its lock)."""

    network: str
    bridge: str
    keeper: str
    address: str
    prefix: int


class Attachment(msgspec.Struct, frozen=True):
    """A container's own network. ``way_out`` False: it reaches nobody but its network; ``join``: another container's
    first process and when it was started, ``files`` that one's bundle, ``hostname`` its name, and then nothing else
    counts. ``neighbours``: addresses and the names at them."""

    ports: tuple[Port, ...] = ()
    plug: Plug | None = None
    way_out: bool = True
    join: tuple[int, int] | None = None
    files: str = ""
    hostname: str = ""
    neighbours: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def address(self) -> str:
        """Its IPv4 address, as it and its neighbours know it."""
        return self.plug.address if self.plug else ADDRESS


def outlet() -> str:
    """The path of the program that makes a way out, "" when there is none.

    pasta copies this machine's route, and so does not start where there is none: a laptop on a train.
    """
    from scow.runtime.launcher.outlet import default_route

    programs = PROGRAMS if default_route() else reversed(PROGRAMS)
    places = (f"{directory}/{name}" for name in programs for directory in _SEARCH)
    return next((place for place in places if os.access(place, os.X_OK)), "")


def why_no_outlet() -> str:
    """Why a container can have no network of its own with a way out; "" when it can."""
    if not outlet():
        return "neither pasta nor slirp4netns is installed"
    if not os.access(_TUN, os.R_OK | os.W_OK):
        return f"{_TUN} may not be opened" if os.path.exists(_TUN) else f"there is no {_TUN}"
    return ""


def outlet_fix() -> str:
    """The command that mends :func:`why_no_outlet`."""
    if not outlet():
        return "apt-get install passt"
    return f"chmod 0666 {_TUN}" if os.path.exists(_TUN) else "modprobe tun"


def told(attachment: Attachment, rootless: bool) -> dict[str, Any]:
    """The launcher's ``network``; raises :class:`Unsupported` where there is no way out to be had."""
    if attachment.join:
        return {"join": list(attachment.join)}
    network: dict[str, Any] = {"name": "bridge", "outlet": [], "requests": [], "places": {}}
    if attachment.plug:
        plug = attachment.plug
        network |= {"name": plug.network, "bridge": plug.bridge, "keeper": plug.keeper}
        network |= {"address": plug.address, "prefix": plug.prefix}
    if attachment.way_out:
        if why := why_no_outlet():
            raise Unsupported(why, subject="network", hint=f"{outlet_fix()}; --network host needs nothing")
        path, device = outlet(), "eth1" if attachment.plug else "eth0"
        is_pasta = path.endswith("/pasta")
        make = _pasta if is_pasta else _slirp
        network["outlet"] = make(path, attachment.ports, device, rootless)
        network["places"] = {(_mapping if is_pasta else _request)(port): port.place for port in attachment.ports}
        network["requests"] = [] if is_pasta else list(network["places"])
    return network


def _pasta(path: str, ports: Sequence[Port], device: str, rootless: bool) -> list[str]:
    families = [] if any(":" in port.address for port in ports) else ["-4"]
    words = [path, "-f", "-q", *families, "--config-net", "-I", device, "-a", ADDRESS, "-n", str(PREFIX), "-g", GATEWAY]
    words += ["--no-map-gw", "--dns-forward", RESOLVER, "-T", "none", "-U", "none"]
    for flag, protocol in (("-t", "tcp"), ("-u", "udp")):
        mapped = [_mapping(port) for port in ports if port.protocol == protocol]
        for one in mapped or ["none"]:
            words += [flag, one]
    namespaces = ["--userns", "@user"] if rootless else ["--runas", "0", "--netns-only"]
    return [*words, *namespaces, "--netns", "@netns"]


def _mapping(port: Port) -> str:
    return f"{port.address}{'/' if port.address else ''}{port.host}:{port.container}"


def _slirp(path: str, _ports: Sequence[Port], device: str, rootless: bool) -> list[str]:
    from scow.runtime.launcher.outlet import CONTROL

    words = [path, "--configure", "--mtu=65520", "--disable-host-loopback", f"--api-socket={CONTROL}"]
    namespaces = ["--userns-path=@user"] if rootless else []
    return [*words, *namespaces, "--netns-type=path", "@netns", device]


def _request(port: Port) -> str:
    import json  # most starts have no network of their own

    arguments = {"proto": port.protocol, "host_addr": port.address or "0.0.0.0", "host_port": port.host}  # noqa: S104
    return json.dumps({"execute": "add_hostfwd", "arguments": arguments | {"guest_port": port.container}})
