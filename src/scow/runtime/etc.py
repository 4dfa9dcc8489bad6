"""The files of /etc that a container gets from outside: hosts, hostname, resolv.conf. Pure."""

from __future__ import annotations

from scow.errors import Invalid

_HOSTS = """127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::\tip6-localnet
ff00::\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
"""


def hosts(hostname: str, add_host: tuple[str, ...]) -> bytes:
    """``add_host`` entries are ``name:address`` (or ``name=address``)."""
    lines = [_HOSTS, f"127.0.1.1\t{hostname}\n"]
    for entry in add_host:
        cut = min((i for i in (entry.find(":"), entry.find("=")) if i >= 0), default=-1)
        name, address = entry[:cut], entry[cut + 1 :].strip("[]")
        if cut < 1 or any(c.isspace() for c in name):
            raise Invalid("bad format for add-host", subject=entry, hint="NAME:ADDRESS")
        lines.append(f"{_address(address, entry)}\t{name}\n")
    return "".join(lines).encode()


def resolv_conf(host: bytes, dns: tuple[str, ...]) -> bytes:
    """The host's own, with its name servers replaced when ``dns`` names others."""
    if not dns:
        return host
    kept = [line for line in host.splitlines() if line.split()[:1] != [b"nameserver"]]
    servers = [f"nameserver {_address(server, server)}".encode() for server in dns]
    return b"\n".join([*kept, *servers]) + b"\n"


def hostname_file(hostname: str) -> bytes:
    """The content of /etc/hostname."""
    return f"{hostname}\n".encode()


def checked_hostname(name: str) -> str:
    """The name, if the kernel and /etc files can hold it; raises :class:`Invalid`."""
    if not name or len(name) > 64 or not all(c.isascii() and (c.isalnum() or c in "-._") for c in name):
        raise Invalid("invalid hostname", subject=name, hint="at most 64 letters, digits, '-' and '.'")
    return name


def _address(text: str, entry: str) -> str:
    from ipaddress import ip_address  # most starts name no address

    try:
        return str(ip_address(text))
    except ValueError:
        raise Invalid("not an IP address", subject=entry) from None
