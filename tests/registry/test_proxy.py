"""Through a proxy: the in-process registry plays one, as it takes absolute URLs too."""

from __future__ import annotations

import base64

import pytest
from tests.registry.conftest import Bytes, MakeClient, read

from scow.errors import Invalid, Unavailable, Unsupported
from scow.registry.hosts import HostSettings, Proxies
from scow.testing.registry import Registry as Server

_FAR = "registry.invalid"


def test_plain_http_goes_through_the_proxy_with_its_password(
    server: Server, connect: MakeClient, source: Bytes
) -> None:
    proxies = Proxies(http=f"http://me:p%40w@{server.host}")
    blob = source.add(b"far away")
    repository = connect(_FAR, settings=HostSettings(insecure=True), proxies=proxies).repository()
    repository.push(blob, source)
    assert read(repository, blob) == b"far away"
    assert server.seen[-1].headers["host"] == _FAR
    expected = "Basic " + base64.b64encode(b"me:p@w").decode()
    assert server.seen[-1].headers["proxy-authorization"] == expected


def test_a_proxy_that_will_not_is_told(server: Server, connect: MakeClient, source: Bytes) -> None:
    proxies = Proxies(https=f"http://me:secret@{server.host}")
    with pytest.raises(Unavailable, match=r"cannot reach registry\.invalid") as caught:
        connect(_FAR, proxies=proxies).repository().exists(source.add(b"x"))
    assert "secret" not in str(caught.value)


def test_a_proxy_that_is_away_is_named(connect: MakeClient, source: Bytes) -> None:
    settings = HostSettings(insecure=True)
    client = connect(_FAR, settings=settings, proxies=Proxies(http="http://me:secret@127.0.0.1:1"))
    with pytest.raises(Unavailable) as caught:
        client.repository().exists(source.add(b"x"))
    assert str(caught.value) == f"cannot reach {_FAR} through the proxy 127.0.0.1:1: connection refused"


def test_hosts_that_need_no_proxy_and_proxies_that_are_none(connect: MakeClient, source: Bytes) -> None:
    with pytest.raises(Unavailable, match="name not known"):
        connect(_FAR, proxies=Proxies(https="127.0.0.1:1", no_proxy=("invalid",))).repository().resolve("x")
    for url in ("http://u:secret@127.0.0.1:abc", "http://", "http://127.0.0.1:0"):
        with pytest.raises(Invalid, match="not a usable proxy URL") as caught:
            connect(_FAR, proxies=Proxies(https=url)).repository().resolve("x")
        assert "secret" not in str(caught.value)
    with pytest.raises(Unsupported, match="socks5"):
        connect(_FAR, proxies=Proxies(https="socks5://127.0.0.1:1")).repository().resolve("x")
