"""Who may be spoken to without TLS, and through which proxy."""

from __future__ import annotations

import pytest

from scow.registry.hosts import Hosts, HostSettings, Proxies, Tls, host_name, is_loopback, told_together


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
    hosts = Hosts({"reg:5000": HostSettings(insecure=True), "lan": HostSettings(ca_files=("/ca.pem",))})
    assert hosts.allows_http("reg:5000")
    assert not hosts.allows_http("reg:5001")
    assert not hosts.tls("reg:5000").verify
    assert hosts.tls("lan:443") == Tls(ca_files=("/ca.pem",))
    assert hosts.tls("else") == Tls()


def test_a_ca_for_loopback_means_tls() -> None:
    hosts = Hosts({"localhost:5000": HostSettings(ca_files=("/ca.pem",))})
    assert not hosts.allows_http("localhost:5000")
    assert hosts.tls("localhost:5000").verify


def test_the_hub_answers_elsewhere() -> None:
    hosts = Hosts({"docker.io": HostSettings(insecure=True)})
    assert hosts.endpoint("docker.io") == "registry-1.docker.io"
    assert hosts.of("registry-1.docker.io").insecure
    assert hosts.endpoint("ghcr.io") == "ghcr.io"


MORE = ("port:443", "[fd00::1]:5000", "fd01::/16", "[fd02::9]", "172.16.0.1:5000", " ")


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
        ("https://sub.port/x", None),
        ("https://port:443/x", None),
        ("https://port:444/x", "http://s:1"),
        ("http://port/x", "http://p:1"),
        ("https://[fd00::1]:5000/x", None),
        ("https://[fd00::1]/x", "http://s:1"),
        ("https://[fd01::9]/x", None),
        ("https://[fd02::9]/x", None),
        ("https://[fd02::a]:5000/x", "http://s:1"),
        ("https://172.16.0.1:5000/x", None),
        ("https://172.16.0.1:5001/x", "http://s:1"),
        ("https://reg.lan:99999/x", "http://s:1"),
    ],
)
def test_proxies(url: str, expected: str | None) -> None:
    proxies = Proxies("p:1", "http://s:1", (".corp", "10.0.0.0/8", "exact:8443", *MORE))
    assert proxies.of(url) == expected
    assert Proxies("p:1", "p:1", ("*",)).of(url) is None


def test_directories_rules_and_flags_speak_of_one_host() -> None:
    """A client certificate is shown to an insecure registry, too; its CA counts where a rule does not take any."""
    certificates = {
        "a": HostSettings(client_cert="/a.cert", client_key="/a.key", ca_files=("/a.crt",)),
        "b": HostSettings(client_cert="/b.cert", ca_files=("/b.crt",)),
        "c": HostSettings(ca_files=("/c.crt",)),
    }
    rules = {"a": HostSettings(insecure=True), "c": HostSettings(ca_files=("/rule.pem",), client_cert="/c.cert")}
    hosts = Hosts(told_together(certificates, rules, ["b", "d"]), HostSettings(ca_files=("/all.pem",)))
    assert hosts.tls("a") == Tls(False, (), "/a.cert", "/a.key")
    assert hosts.tls("b") == Tls(False, (), "/b.cert")
    assert hosts.tls("c") == Tls(True, ("/rule.pem", "/c.crt", "/all.pem"), "/c.cert")
    assert hosts.tls("d") == Tls(False)
    assert hosts.tls("e") == Tls(True, ("/all.pem",))


def test_a_proxy_password_is_not_shown() -> None:
    assert "secret" not in repr(Proxies("http://u:secret@p", "http://u:secret@p"))
