"""The files of /etc that a container gets from outside: hosts, hostname, resolv.conf. Pure."""

from __future__ import annotations

from scow.errors import Invalid

Neighbours = tuple[tuple[str, tuple[str, ...]], ...]
"""Addresses, and the names at each."""

_NEIGHBOURS = b"# of the same network\n"
_HOSTS = """127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::\tip6-localnet
ff00::\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
"""


def hosts(hostname: str, add_host: tuple[str, ...], address: str = "127.0.1.1", neighbours: Neighbours = ()) -> bytes:
    """``add_host`` entries are ``name:address`` (or ``name=address``); ``address`` is the container's own.

    They come first, as the first line with a name counts; a ``hostname`` with dots is known by its first part too.
    """
    lines = [_HOSTS]
    for entry in add_host:
        cut = min((i for i in (entry.find(":"), entry.find("=")) if i >= 0), default=-1)
        name, there = entry[:cut], entry[cut + 1 :].strip("[]")
        if cut < 1 or any(c.isspace() for c in name):
            raise Invalid("bad format for add-host", subject=entry, hint="NAME:ADDRESS")
        lines.append(f"{_address(there, entry)}\t{name}\n")
    first, dot, _ = hostname.partition(".")
    lines.append(f"{address}\t{hostname} {first}\n" if dot and first else f"{address}\t{hostname}\n")
    return with_neighbours("".join(lines).encode(), neighbours)


def with_neighbours(file: bytes, neighbours: Neighbours) -> bytes:
    """A container's hosts with the names of its network as they are now."""
    own = file.partition(_NEIGHBOURS)[0]
    lines = [f"{address}\t{' '.join(names)}\n".encode() for address, names in neighbours]
    return own + _NEIGHBOURS + b"".join(lines) if lines else own


def resolv_conf(
    host: bytes, dns: tuple[str, ...], search: tuple[str, ...] = (), options: tuple[str, ...] = (), resolver: str = ""
) -> bytes:
    """The host's own, with its name servers, search list and options replaced when others are asked for.

    ``resolver`` stands for the name servers that only the host itself can reach; "" where the network is the host's.
    """
    asked = {
        b"nameserver": dns,
        b"search": (" ".join(search),) if search else (),
        b"options": options and (" ".join(options),),
    }
    kept = [line for line in host.splitlines() if not asked.get((line.split() or [b""])[0])]
    if resolver:
        kept = list(dict.fromkeys(_reachable(line, resolver) for line in kept))
    if search:
        kept = [line for line in kept if line.split()[:1] != [b"domain"]]
    servers = [f"nameserver {_address(server, server)}".encode() for server in dns]
    others = [
        f"{kind.decode()} {words[0]}".encode() for kind, words in asked.items() if words and kind != b"nameserver"
    ]
    if search == (".",):  # none, not even the host's
        others.remove(b"search .")
    return host if not (dns or search or options or resolver) else b"\n".join([*kept, *servers, *others]) + b"\n"


def _reachable(line: bytes, resolver: str) -> bytes:
    words = line.split()
    local = words[:1] == [b"nameserver"] and len(words) > 1 and (words[1].startswith(b"127.") or words[1] == b"::1")
    return f"nameserver {resolver}".encode() if local else line


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
