"""``EXPOSE``: ``[[ip:]host:]port[-port][/protocol]``, of which an image configuration keeps port and protocol."""

from __future__ import annotations

import re

from scow.errors import Invalid

PROTOCOLS = ("tcp", "udp", "sctp")
HIGHEST = 65535

_RANGE = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")


def ports(text: str) -> tuple[str, ...]:
    """``"80"`` -> ``80/tcp``; ``"80-82/udp"`` -> three of them; Invalid otherwise."""
    before, _, protocol = text.partition("/")
    protocol = protocol or "tcp"
    if protocol.lower() not in PROTOCOLS:
        raise Invalid(f"invalid proto: {protocol}")
    wanted = before.rpartition(":")[2]  # an address or a port of the host says nothing about the image
    found = _RANGE.fullmatch(wanted)
    if found is None:
        raise Invalid(f"invalid containerPort: {wanted}", hint="a port, or first-last, and /tcp, /udp or /sctp")
    first, last = int(found[1]), int(found[2] or found[1])
    if not first <= last <= HIGHEST:
        raise Invalid(f"invalid containerPort: {wanted}")
    return tuple(f"{port}/{protocol.lower()}" for port in range(first, last + 1))
