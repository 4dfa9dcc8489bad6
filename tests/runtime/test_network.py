"""Networks of their own: what a container sees, reaches and is reached by, whoever starts it on whatever."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.runtime.conftest import Driver
from tests.support.leftovers import until
from tests.support.peers import need

from scow.runtime.kernel.tasks import born
from scow.runtime.launcher.keeper import find
from scow.runtime.networking import ADDRESS, outlet

SERVE = "echo hello | nc -l -p 80 -w 60"


@pytest.fixture
def networked(driver: Driver, tmp_path: Path) -> Iterator[Driver]:
    """The driver where its user may open /dev/net/tun, as on most machines."""
    need("pasta")
    if os.access("/dev/net/tun", os.R_OK | os.W_OK) and driver.user == os.geteuid():
        yield driver
        return
    if os.geteuid() != 0:
        pytest.skip("/dev/net/tun may not be opened")
    tun = tmp_path / "tun"
    os.mknod(tun, 0o020666, os.stat("/dev/net/tun").st_rdev)
    tun.chmod(0o666)
    driver.tun = tun
    yield driver
    driver.tun = None


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def started(driver: Driver, runtime: str, script: str, **wanted: Any) -> subprocess.Popen[str]:
    request = driver.request(runtime, options={"args": ["sh", "-c", script], "network": "bridge"}, **wanted)
    words = driver.prefixed([*driver.command(), json.dumps(request)])
    return subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env=driver.environment, **driver.identity(),
    )  # fmt: skip


def said(port: int, address: str = "127.0.0.1") -> str:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            with socket.create_connection((address, port), 2) as one:
                if heard := one.recv(64):
                    return heard.decode()
        except OSError:
            pass
        time.sleep(0.05)
    return ""


def test_a_published_port_leads_in(networked: Driver, runtime: str) -> None:
    port = free_port()
    script = f"ip -4 -o addr; cat /etc/hosts /etc/resolv.conf; {SERVE}"
    ports = [{"container": 80, "host": port}]
    with started(networked, runtime, script, attachment={"ports": ports}) as running:
        heard = said(port)
        out, _ = running.communicate(timeout=60)
    assert heard == "hello\n", out
    assert f"inet {ADDRESS}/24" in out
    assert f"{ADDRESS}\t" in out
    assert out.count("inet ") == 2  # and the loopback


def test_slirp4netns_does_where_pasta_is_missing(networked: Driver) -> None:
    need("slirp4netns")
    port = free_port()
    attachment = {"ports": [{"container": 80, "host": port, "address": "127.0.0.1"}]}
    script = f"ip -4 -o addr; {SERVE}"
    with started(networked, "sandbox", script, attachment=attachment, outlets=["slirp4netns"]) as running:
        heard = said(port)
        out, _ = running.communicate(timeout=60)
    assert heard == "hello\n", out
    assert f"inet {ADDRESS}/24" in out


def test_a_container_reaches_out_but_not_the_host_s_loopback(networked: Driver, runtime: str) -> None:
    with socket.create_server(("", 0)) as server:
        server.settimeout(60)
        port = server.getsockname()[1]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.connect(("192.0.2.77", 9))
            here = one.getsockname()[0]
        script = f"echo out | nc -w 20 {here} {port}; nc -w 1 127.0.0.1 {port} </dev/null && echo leaked; echo done"
        with started(networked, runtime, script, attachment={}) as running:
            connection, _ = server.accept()
            with connection:
                heard = connection.recv(64)
            out, _ = running.communicate(timeout=60)
    assert heard == b"out\n"
    assert "leaked" not in out


def test_nothing_is_left_of_a_network(networked: Driver, runtime: str) -> None:
    port = free_port()
    attachment = {"ports": [{"container": 80, "host": port}]}
    with started(networked, runtime, "echo ready; sleep 30", attachment=attachment) as running:
        assert running.stdout
        assert running.stdout.readline() == "ready\n"
        assert outlets(port)
        running.kill()
    until(lambda: not outlets(port))


def outlets(port: int) -> list[str]:
    """The processes that lead this port into a container."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes()
        except OSError:
            continue
        if words.startswith(outlet().encode()) and f"\0{port}:80\0".encode() in words:
            found.append(path.parent.name)
    return found


def test_neighbours_reach_each_other(networked: Driver, runtime: str) -> None:
    plug = {"network": "web", "bridge": "bweb", "keeper": str(networked.directory / f"keeper-{runtime}"), "prefix": 24}
    one = {"plug": {**plug, "address": "10.89.7.2"}, "way_out": False, "neighbours": [["10.89.7.3", ["other"]]]}
    two = {"plug": {**plug, "address": "10.89.7.3"}, "way_out": False, "neighbours": [["10.89.7.2", ["one"]]]}
    with started(networked, runtime, f"echo ready; {SERVE}", attachment=one) as first:
        assert first.stdout
        assert first.stdout.readline() == "ready\n"
        with started(networked, runtime, "nc -w 20 one 80; ip -4 -o addr; ip route", attachment=two) as second:
            out, _ = second.communicate(timeout=60)
        first.kill()
    assert out.startswith("hello\n"), out
    assert "inet 10.89.7.3/24" in out
    assert "default" not in out
    until(lambda: not find(str(plug["keeper"])))


def test_the_network_of_another_container(networked: Driver, runtime: str) -> None:
    with started(networked, runtime, "echo ready; sleep 20", attachment={}, tell=True) as first:
        assert first.stdout
        lines = [first.stdout.readline().split() for _ in range(2)]
        pid = next(words[-1] for words in lines if words[0] == "started")
        joined = {"join": [int(pid), born(int(pid))]}
        with started(networked, runtime, "ip -4 -o addr", attachment=joined) as second:
            out, _ = second.communicate(timeout=60)
        first.kill()
    assert f"inet {ADDRESS}/24" in out, out
