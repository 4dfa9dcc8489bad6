"""What is known about each registry host, and about the way to it: settings as values. PURE.

Reading them from files or the environment is someone else's work; here they are looked up and judged.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from scow.oci.reference import HUB

if TYPE_CHECKING:
    from scow.registry.routes import Rule

#: The Hub's name in references is not the name of its registry.
HUB_ENDPOINT = "registry-1.docker.io"


class Tls(msgspec.Struct, frozen=True):
    """How to meet a host over TLS: paths of PEM files; ``verify`` off takes any certificate."""

    verify: bool = True
    ca_file: str | None = None
    client_cert: str | None = None
    client_key: str | None = None


class HostSettings(msgspec.Struct, frozen=True):
    """One registry. ``insecure``: any certificate, or plain http."""

    insecure: bool = False
    ca_file: str | None = None
    client_cert: str | None = None
    client_key: str | None = None


def settings_of(rules: Iterable[Rule]) -> dict[str, HostSettings]:
    """How to meet each host that the rules speak of. A host is insecure when any of its paths is said to be."""
    found: dict[str, HostSettings] = {}
    for rule in rules:
        own = HostSettings(rule.insecure, rule.ca_file, rule.client_cert, rule.client_key)
        places = [(rule.location or rule.prefix, own)]
        places += [(mirror.location, HostSettings(mirror.insecure)) for mirror in rule.mirror]
        for place, told in places:
            host = place.partition("/")[0]
            if told != HostSettings() and not host.startswith("*"):
                found[host] = _joined(found.get(host), told)
    return found


def _joined(one: HostSettings | None, other: HostSettings) -> HostSettings:
    if one is None:
        return other
    return HostSettings(
        one.insecure or other.insecure,
        one.ca_file or other.ca_file,
        one.client_cert or other.client_cert,
        one.client_key or other.client_key,
    )


class Hosts(msgspec.Struct, frozen=True):
    """Settings by ``host[:port]`` as references write it; ``default`` for the others; ``rules`` say where names
    lead."""

    settings: Mapping[str, HostSettings] = {}
    default: HostSettings = HostSettings()
    rules: tuple[Rule, ...] = ()

    def of(self, host: str) -> HostSettings:
        """The settings of ``host:port``, else of that host on any port."""
        names = (host, _alias(host), host_name(host))
        return next((self.settings[name] for name in names if name in self.settings), self.default)

    def endpoint(self, host: str) -> str:
        """Where the registry of that name answers, ``host[:port]``."""
        return HUB_ENDPOINT if host == HUB else host

    def allows_http(self, host: str) -> bool:
        """Whether plain http, also with credentials, is good enough for this host.

        A loopback registry is, as docker has it, unless a CA or a client certificate says that it speaks TLS.
        """
        settings = self.of(host)
        return settings.insecure or (is_loopback(host) and not (settings.ca_file or settings.client_cert))

    def tls(self, host: str) -> Tls:
        """How to meet the host over TLS."""
        settings = self.of(host)
        verify = not self.allows_http(host) or settings.ca_file is not None
        return Tls(verify, settings.ca_file, settings.client_cert, settings.client_key)


class Proxies(msgspec.Struct, frozen=True):
    """Proxy URLs by the scheme that goes through them, and the hosts that do not (NO_PROXY's forms)."""

    http: str | None = None
    https: str | None = None
    no_proxy: tuple[str, ...] = ()

    def __repr__(self) -> str:  # the URLs may hold a password
        return f"Proxies(no_proxy={self.no_proxy!r})"

    def of(self, url: str) -> str | None:
        """The proxy for ``url``; loopback is always reached directly."""
        parts = urlsplit(url)
        proxy = self.https if parts.scheme == "https" else self.http
        if not proxy or is_loopback(parts.netloc) or any(_exempt(parts.netloc, entry) for entry in self.no_proxy):
            return None
        return proxy if "://" in proxy else f"http://{proxy}"


def is_loopback(host: str) -> bool:
    """Whether ``host[:port]`` is this machine: ``localhost``, 127.0.0.0/8 or ::1."""
    name = host_name(host)
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def host_name(host: str) -> str:
    """``host[:port]`` without port and brackets, in lower case."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def _alias(host: str) -> str:
    return HUB if host == HUB_ENDPOINT else host


def _exempt(host: str, entry: str) -> bool:
    """One entry of NO_PROXY: ``*``, ``host``, ``host:port``, ``domain`` or ``.domain``, an address, a CIDR."""
    entry, name = entry.strip().lower(), host_name(host)
    if entry in ("*", host.lower(), name):
        return True
    try:
        return ipaddress.ip_address(name) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        domain = entry.removeprefix("*").lstrip(".")
        return bool(domain) and (name == domain or name.endswith("." + domain))
