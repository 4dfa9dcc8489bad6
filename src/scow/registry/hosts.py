"""What is known about each registry host, and about the way to it: settings as values. PURE.

Reading them from files or the environment is someone else's work; here they are looked up and judged.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from scow.oci.reference import HUB, HUB_NAMES

if TYPE_CHECKING:
    from scow.registry.routes import Rule

#: The Hub's name in references is not the name of its registry.
HUB_ENDPOINT = "registry-1.docker.io"


class Tls(msgspec.Struct, frozen=True):
    """How to meet a host over TLS: paths of PEM files; ``verify`` off takes any certificate."""

    verify: bool = True
    ca_files: tuple[str, ...] = ()
    client_cert: str | None = None
    client_key: str | None = None


class HostSettings(msgspec.Struct, frozen=True):
    """One registry. ``insecure``: any certificate, or plain http."""

    insecure: bool = False
    ca_files: tuple[str, ...] = ()
    client_cert: str | None = None
    client_key: str | None = None


def settings_of(rules: Iterable[Rule]) -> dict[str, HostSettings]:
    """How to meet each host, or all of ``*.domain``, that the rules speak of. A host is insecure when any of its paths
    is said to be."""
    found: dict[str, HostSettings] = {}
    for rule in rules:
        own = HostSettings(rule.insecure, (rule.ca_file,) if rule.ca_file else (), rule.client_cert, rule.client_key)
        places = [(rule.location or rule.prefix, own)]
        places += [(mirror.location, HostSettings(mirror.insecure)) for mirror in rule.mirror]
        for place, told in places:
            host = place.partition("/")[0]
            if told != HostSettings():
                found[host] = _joined(found.get(host), told)
    return found


def told_together(
    certificates: Mapping[str, HostSettings], rules: Mapping[str, HostSettings], insecure: Iterable[str]
) -> dict[str, HostSettings]:
    """What directories of certificates, rules and a list of insecure hosts say of each host. What is insecure may have
    any certificate, unless who said so named a CA; it is shown ours all the same."""
    found = dict(rules)
    for host, own in certificates.items():
        rule = rules.get(host)
        found[host] = _joined(rule, _any_certificate(own) if rule and rule.insecure else own)
    for host in insecure:
        found[host] = _any_certificate(found.get(host, HostSettings()))
    return found


def _any_certificate(settings: HostSettings) -> HostSettings:
    return HostSettings(True, (), settings.client_cert, settings.client_key)


def _joined(one: HostSettings | None, other: HostSettings) -> HostSettings:
    if one is None:
        return other
    cert = one if one.client_cert else other
    return HostSettings(
        one.insecure or other.insecure,
        tuple(dict.fromkeys((*one.ca_files, *other.ca_files))),
        cert.client_cert,
        cert.client_key,
    )


class Hosts(msgspec.Struct, frozen=True):
    """Settings by ``host[:port]`` as references write it, or for all of ``*.domain``; ``default`` for the others, its
    CA for all; ``rules`` say where names lead."""

    settings: Mapping[str, HostSettings] = {}
    default: HostSettings = HostSettings()
    rules: tuple[Rule, ...] = ()

    def of(self, host: str) -> HostSettings:
        """The settings of ``host:port``, else of that host on any port, else of the longest domain that it is in."""
        names = (host, HUB_NAMES.get(host, host), host_name(host), *_domains(host))
        found = next((self.settings[name] for name in names if name in self.settings), None)
        if found is None:
            return self.default
        return found if found.insecure else _joined(found, HostSettings(ca_files=self.default.ca_files))

    def endpoint(self, host: str) -> str:
        """Where the registry of that name answers, ``host[:port]``."""
        return HUB_ENDPOINT if host == HUB else host

    def allows_http(self, host: str) -> bool:
        """Whether plain http, also with credentials, is good enough for this host.

        A loopback registry is, as docker has it, unless a CA or a client certificate says that it speaks TLS.
        """
        settings = self.of(host)
        return settings.insecure or (is_loopback(host) and not (settings.ca_files or settings.client_cert))

    def tls(self, host: str) -> Tls:
        """How to meet the host over TLS."""
        settings = self.of(host)
        verify = not self.allows_http(host) or bool(settings.ca_files)
        return Tls(verify, settings.ca_files, settings.client_cert, settings.client_key)


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
        tls = parts.scheme == "https"
        proxy = self.https if tls else self.http
        port = _split(parts.netloc)[1] or ("443" if tls else "80")
        if not proxy or is_loopback(parts.netloc) or any(_exempt(parts.netloc, port, one) for one in self.no_proxy):
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


def _domains(host: str) -> Iterator[str]:
    """``*.b.c`` and ``*.c`` for ``a.b.c``."""
    _, dot, domain = host_name(host).partition(".")
    while dot:
        yield f"*.{domain}"
        _, dot, domain = domain.partition(".")


def _split(host: str) -> tuple[str, str]:
    """``host[:port]`` in two; the port may be empty."""
    place, colon, port = host.rpartition(":")
    return (place, port) if colon and (":" not in place or place.endswith("]")) else (host, "")


def _exempt(host: str, port: str, entry: str) -> bool:
    """One entry of NO_PROXY: ``*``, ``host``, ``domain`` or ``.domain``, an address, a CIDR; all but the last may end
    in the one port that they are meant for."""
    place, told = _split(entry.strip().lower())
    name = host_name(host)
    if place == "*" or told not in ("", port):
        return place == "*"
    try:
        return ipaddress.ip_address(name) in ipaddress.ip_network(place.strip("[]"), strict=False)
    except ValueError:
        domain = place.removeprefix("*").lstrip(".")
        return bool(domain) and (name == domain or name.endswith("." + domain))
