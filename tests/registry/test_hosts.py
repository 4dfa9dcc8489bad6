"""Who may be spoken to without TLS, and through which proxy."""

from __future__ import annotations

import pytest

from scow.registry.hosts import Hosts, HostSettings, Proxies, Tls, host_name, is_loopback


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("LOCALHOST:5000", True),
        ("127.0.0.1:5000", True),
        ("127.9.9.9", True),
        ("[::1]:5000", True),
        ("[::2]:5000", False),
        ("128.0.0.1", False),
        ("localhost.example.com", False),
        ("127.0.0.1.example.com", False),
        ("registry", False),
    ],
)
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
    assert Hosts().allows_http(host) is expected


def test_host_name_drops_port_and_brackets() -> None:
    assert [host_name(h) for h in ("A:1", "[FE80::1]:5", "x")] == ["a", "fe80::1", "x"]


def test_declared_settings_decide() -> None:
    hosts = Hosts({"reg:5000": HostSettings(insecure=True), "lan": HostSettings(ca_file="/ca.pem")})
    assert hosts.allows_http("reg:5000")
    assert not hosts.allows_http("reg:5001")
    assert not hosts.tls("reg:5000").verify
    assert hosts.tls("lan:443") == Tls(ca_file="/ca.pem")
    assert hosts.tls("else") == Tls()


def test_a_ca_for_loopback_means_tls() -> None:
    hosts = Hosts({"localhost:5000": HostSettings(ca_file="/ca.pem")})
    assert not hosts.allows_http("localhost:5000")
    assert hosts.tls("localhost:5000").verify


def test_the_hub_answers_elsewhere() -> None:
    hosts = Hosts({"docker.io": HostSettings(insecure=True)})
    assert hosts.endpoint("docker.io") == "registry-1.docker.io"
    assert hosts.of("registry-1.docker.io").insecure
    assert hosts.endpoint("ghcr.io") == "ghcr.io"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example/x", "http://s:1"),
        ("http://a.example/x", "http://p:1"),
        ("https://in.corp/x", None),
        ("https://corp/x", None),
        ("https://notcorp/x", "http://s:1"),
        ("https://10.1.2.3/x", None),
        ("https://11.1.2.3/x", "http://s:1"),
        ("https://exact:8443/x", None),
        ("https://exact:8444/x", "http://s:1"),
        ("http://localhost:5000/x", None),
    ],
)
def test_proxies(url: str, expected: str | None) -> None:
    proxies = Proxies("p:1", "http://s:1", (".corp", "10.0.0.0/8", "exact:8443"))
    assert proxies.of(url) == expected
    assert Proxies("p:1", "p:1", ("*",)).of(url) is None


def test_a_proxy_password_is_not_shown() -> None:
    assert "secret" not in repr(Proxies("http://u:secret@p", "http://u:secret@p"))
