"""``-p``: which ports of this machine lead into a container. Pure.

::

    [[IP]:][HOST[-END]:]CONTAINER[-END][/tcp|udp]
"""

# Annotations are not deferred: msgspec would compile each of them before the first document is read.

from typing import Final

import msgspec

from scow.errors import Invalid, Unsupported

EVERYWHERE: Final = frozenset({"", "0.0.0.0", "::"})  # noqa: S104
"""What stands for every address of this machine."""


class Port(msgspec.Struct, frozen=True):
    """One port of a container. ``host`` 0 means: any that is free, and with a ``last`` one: the first from ``host`` to
    there that is; ``address`` "" means: on every address here."""

    container: int
    protocol: str = "tcp"
    address: str = ""
    host: int = 0
    last: int = 0

    @property
    def outside(self) -> str:
        """The port of this machine as it was asked for: ``8080``, ``8000-8010``, or "" for any."""
        return f"{self.host}-{self.last}" if self.last else str(self.host or "")

    @property
    def place(self) -> str:
        """Where it is on this machine: ``0.0.0.0:8080``, ``[::1]:8080``."""
        address = f"[{self.address}]" if ":" in self.address else self.address or "0.0.0.0"  # noqa: S104
        return f"{address}:{self.host}"

    def clashes(self, other: "Port") -> bool:
        """Whether both are one port of this machine."""
        same = (self.protocol, self.host) == (other.protocol, other.host)
        return same and (self.address == other.address or bool({self.address, other.address} & EVERYWHERE))

    @property
    def name(self) -> str:
        """``80/tcp``, as an image's EXPOSE and docker's documents have it."""
        return f"{self.container}/{self.protocol}"


def parse(text: str) -> tuple[Port, ...]:
    """The ports of one ``-p``; raises :class:`Invalid`."""
    rest, slash, protocol = text.partition("/")
    protocol = protocol.lower() if slash else "tcp"
    if protocol == "sctp":
        raise Unsupported("sctp cannot be published", subject=text)
    if protocol not in ("tcp", "udp"):
        raise Invalid(f"invalid proto: {protocol}", subject=text)
    address, rest = _address(rest, text)
    host, colon, container = rest.rpartition(":")
    inside = _range(container, text)
    outside = _range(host, text, "hostPort") if colon and host not in ("", "0") else range(1)
    if outside == range(1):
        return tuple(Port(number, protocol, address) for number in inside)
    if len(inside) == 1 < len(outside):
        return (Port(inside[0], protocol, address, outside[0], outside[-1]),)
    if len(inside) != len(outside):
        raise Invalid(f"invalid ranges specified for container and host Ports: {container} and {host}", subject=text)
    return tuple(Port(number, protocol, address, there) for number, there in zip(inside, outside, strict=True))


def exposed(text: str) -> tuple[Port, ...]:
    """The ports of an EXPOSE (``80``, ``80/udp``, ``8000-8010``)."""
    rest, slash, protocol = text.partition("/")
    return tuple(Port(number, protocol.lower() if slash else "tcp") for number in _range(rest, text))


def _address(rest: str, text: str) -> tuple[str, str]:
    """The address in front, and what follows it."""
    from ipaddress import ip_address

    if rest.startswith("["):
        address, closed, rest = rest[1:].partition("]:")
    elif rest.count(":") > 1:
        address, closed, rest = rest.partition(":")
    else:
        return "", rest
    try:
        return str(ip_address(address)) if address or not closed else "", rest
    except ValueError:
        raise Invalid(f"invalid IP address: {address}", subject=text) from None


def _range(text: str, whole: str, which: str = "containerPort") -> range:
    first, dash, last = text.partition("-")
    numbers = [int(part) for part in (first, last if dash else first) if part.isascii() and part.isdigit()]
    if len(numbers) != 2 or not 0 < numbers[0] <= numbers[1] <= 65535:
        raise Invalid(f"invalid {which}: {text}" if text else "no port specified", subject=whole)
    return range(numbers[0], numbers[1] + 1)
