"""``EXPOSE``: ``[[ip:]host:]port[-port][/protocol]``, of which an image configuration keeps port and protocol."""

from __future__ import annotations

import ipaddress
import re

from scow.errors import Invalid

PROTOCOLS = ("tcp", "udp", "sctp")
HIGHEST = 65535

_RANGE = re.compile(r"\+?0*([0-9]{1,5})(?:-\+?0*([0-9]{1,5}))?")


def ports(text: str) -> tuple[str, ...]:
    """``"80"`` -> ``80/tcp``; ``"80-82/udp"`` -> three of them; Invalid otherwise. What it says of the machine's
    address and port is checked, and says nothing about the image."""
    *published, wanted = text.rsplit(":", 2)
    wanted, _, protocol = wanted.partition("/")
    protocol = protocol or "tcp"
    if protocol.lower() not in PROTOCOLS:
        raise Invalid(f"invalid proto: {protocol}")
    first, last = _range("containerPort", wanted)
    if len(published) > 1 and published[0]:
        _check_address(published[0])
    if published and published[-1]:
        begin, end = _range("hostPort", published[-1])
        if first != last and end - begin != last - first:
            raise Invalid(f"invalid ranges specified for container and host Ports: {wanted} and {published[-1]}")
    return tuple(f"{port}/{protocol.lower()}" for port in range(first, last + 1))


def _range(what: str, text: str) -> tuple[int, int]:
    found = _RANGE.fullmatch(text)
    if found is None:
        raise Invalid(f"invalid {what}: {text}", hint="a port, or first-last, and /tcp, /udp or /sctp")
    first, last = int(found[1]), int(found[2] or found[1])
    if not first <= last <= HIGHEST:
        raise Invalid(f"invalid {what}: {text}")
    return first, last


def _check_address(text: str) -> None:
    try:
        ipaddress.ip_address(text[1:-1] if text[0] == "[" and text[-1] == "]" else text)
    except ValueError:
        raise Invalid(f"invalid IP address: {text}") from None
