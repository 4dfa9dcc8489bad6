"""Networks from the command line: published ports, names of neighbours, and what docker says of them."""

from __future__ import annotations

import errno
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec import structs
from tests.cli.boxes import IMAGE, make_box
from tests.support.cli import COMMAND, Scow, environment, popen_scow, run_scow
from tests.support.peers import need_root, path_of

from scow import Engine, Options
from scow.engine.containers import plugging
from scow.engine.containers.plugging import assigned
from scow.errors import Conflict
from scow.runtime import networking
from scow.runtime.networking import outlet, why_no_outlet
from scow.runtime.spec.ports import Port, exposed, parse

networked = pytest.mark.skipif(bool(why_no_outlet()), reason=why_no_outlet())


@pytest.fixture(scope="module")
def scow(directory: Path) -> Scow:
    return make_box(directory)


PORTS = [
    ("80", (Port(80),)),
    ("8080:80", (Port(80, "tcp", "", 8080),)),
    ("8080:80/udp", (Port(80, "udp", "", 8080),)),
    ("127.0.0.1:8080:80", (Port(80, "tcp", "127.0.0.1", 8080),)),
    ("127.0.0.1::80", (Port(80, "tcp", "127.0.0.1", 0),)),
    ("[::1]:8080:80", (Port(80, "tcp", "::1", 8080),)),
    ("8000-8001:80-81", (Port(80, "tcp", "", 8000), Port(81, "tcp", "", 8001))),
    ("80-81", (Port(80), Port(81))),
    ("0:80", (Port(80),)),
    ("127.0.0.1:0:80-81", (Port(80, "tcp", "127.0.0.1"), Port(81, "tcp", "127.0.0.1"))),
    ("8000-8010:80", (Port(80, "tcp", "", 8000, 8010),)),
]
BAD_PORTS = [
    "",
    "x",
    "0",
    "70000",
    "80:",
    "1:2:3:4",
    "8000-8002:80-81",
    "90-80",
    "300.1.1.1:1:2",
    "0-5:80",
    "80:0",
    "80/icmp",
    "80/sctp",
]


@pytest.mark.parametrize(("text", "ports"), PORTS)
def test_ports(text: str, ports: tuple[Port, ...]) -> None:
    assert parse(text) == ports


@pytest.mark.parametrize("text", BAD_PORTS)
def test_bad_ports(scow: Scow, text: str) -> None:
    result = scow("run", "--rm", "-p", text, IMAGE, "true")
    assert result.exit_code == 125
    assert "Traceback" not in result.stderr


def test_the_first_free_port_of_a_range_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        here = server.getsockname()[1]
        last = min(here + 20, 65535)
        (found,) = assigned([Port(80, "tcp", "127.0.0.1", here, last)])
        assert here < found.host <= last
        assert found.last == 0
        first, second = assigned([Port(80, "tcp", "127.0.0.1", here, last)] * 2)
        assert first.host < second.host
        for asked in (Port(80, "tcp", "127.0.0.1", here, here), Port(80, "tcp", "127.0.0.1", here)):
            with pytest.raises(Conflict, match=f"Bind for 127.0.0.1:{asked.outside} failed: port is already allocated"):
                assigned([asked])


def test_a_low_port_that_a_user_may_not_have_is_told_with_what_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(port: Port, number: int) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(plugging, "_tried", refuse)
    with pytest.raises(Conflict, match=r"^Bind for 0\.0\.0\.0:81 failed: Permission denied$") as refused:
        assigned([Port(80, host=81)])
    assert "ip_unprivileged_port_start=81" in refused.value.hint


@pytest.mark.parametrize("address", ["", "127.0.0.1"])
def test_a_port_of_udp_that_somebody_would_share_is_taken(address: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as pasta does
        holder.bind(("127.0.0.1", 0))
        with pytest.raises(Conflict, match="port is already allocated"):
            assigned([Port(80, "udp", address, holder.getsockname()[1])])


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (Port(80, host=8080), Port(81, host=8080), False),
        (Port(80, host=8080), Port(81, "tcp", "127.0.0.1", 8080), False),
        (Port(80, "udp", host=8080), Port(81, "udp", host=8080), False),
        (Port(80, host=8080), Port(80, "udp", host=8080), True),
        (Port(80, "tcp", "127.0.0.1", 8080), Port(80, "tcp", "127.0.0.2", 8080), True),
        (Port(80), Port(81), True),
    ],
)
def test_one_port_of_this_machine_leads_to_one_place(one: Port, other: Port, both: bool) -> None:
    free = assigned([Port(80)])[0].host
    asked = [structs.replace(port, host=free if port.host else 0) for port in (one, other)]
    if both:
        assert len({(port.address, port.host, port.protocol) for port in assigned(asked)}) == 2
        return
    with pytest.raises(Conflict, match=f":{free} failed: port is already allocated"):
        assigned(asked)


def test_exposed() -> None:
    assert exposed("53/udp") == (Port(53, "udp"),)


def test_made_listed_shown_removed(scow: Scow) -> None:
    made = scow("network", "create", "--label", "team=web", "--subnet", "10.77.0.0/24", "web").ok().stdout.strip()
    assert len(made) == 64
    lines = scow("network", "ls").ok().stdout.splitlines()
    assert [line.split()[1:] for line in lines[1:]] == [
        ["bridge", "bridge", "local"], ["host", "host", "local"], ["none", "null", "local"], ["web", "bridge", "local"],
    ]  # fmt: skip
    assert scow("network", "ls", "-q", "--filter", "label=team").ok().stdout.strip() == made[:12]
    shown = json.loads(scow("network", "inspect", made[:8]).ok().stdout)[0]
    assert shown["IPAM"]["Config"] == [{"Subnet": "10.77.0.0/24", "Gateway": "10.77.0.1"}]
    assert shown["Labels"] == {"team": "web"}
    assert "already exists" in scow("network", "create", "web").stderr
    assert "Pool overlaps" in scow("network", "create", "--subnet", "10.77.0.0/25", "other").stderr
    for bad in ("host", "../x", "", "a b"):
        assert scow("network", "create", "--", bad).exit_code == 1
    assert "pre-defined" in scow("network", "rm", "host").stderr
    assert scow("network", "prune", "-f").ok().stdout == "Deleted Networks:\nweb\n"
    scow("network", "create", "web").ok()
    assert "Deleted Networks:\nweb\n" in scow("system", "prune", "-f").ok().stdout
    assert scow("network", "rm", "web").exit_code == 1


REFUSED = [
    (["--network", "nowhere"], "network nowhere not found"),
    (["--network", "container:nobody"], "No such container: nobody"),
    (["--network", "bridge", "--network", "none"], "a container is on one network"),
    (["--ip6", "fd00::1"], "--ip6 is not supported yet"),
    (["--ip", "10.1.1.1"], "user specified IP address is supported on user defined networks only"),
    (["--network-alias", "x"], "network-scoped alias is supported only for containers in user defined networks"),
]


@pytest.mark.parametrize(("flags", "told"), REFUSED)
def test_refusals(scow: Scow, flags: list[str], told: str) -> None:
    result = scow("run", "--rm", *flags, IMAGE, "true")
    assert (result.exit_code, told in result.stderr) == (125, True), result.stderr


def test_ports_of_the_host_s_network_are_told(scow: Scow) -> None:
    result = scow("run", "--rm", "--network", "host", "-p", "1:1", IMAGE, "true").ok()
    assert "Published ports are discarded when using host network mode" in result.stderr


def test_resolver_options(scow: Scow) -> None:
    flags = ["--dns", "10.9.9.9", "--dns-search", "a.example", "--dns-search", "b.example", "--dns-option", "ndots:3"]
    told = scow("run", "--rm", *flags, "--network", "none", IMAGE, "cat", "/etc/resolv.conf").ok().stdout.splitlines()
    assert told[-3:] == ["nameserver 10.9.9.9", "search a.example b.example", "options ndots:3"]


def test_this_machine_as_its_containers_know_it(scow: Scow) -> None:
    told = scow("run", "--rm", "--add-host", "me:host-gateway", IMAGE, "cat", "/etc/hosts").ok().stdout
    assert "127.0.0.1\tme\n" in told


@contextmanager
def running(directory: Path, name: str, *argv: str) -> Iterator[subprocess.Popen[bytes]]:
    """A container in the foreground of a process of its own."""
    process = popen_scow("run", "--name", name, *argv, root=directory / "store", home=directory / "home")
    try:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n", process.communicate()
        yield process
    finally:
        run_scow("rm", "-f", name, root=directory / "store", home=directory / "home")
        process.communicate()


def heard_from(port: int, address: str = "127.0.0.1") -> bytes:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            with socket.create_connection((address, port), 2) as one:
                if heard := one.recv(64):
                    return heard
        except OSError:
            time.sleep(0.05)
    return b""


SERVE = "echo ready; while :; do echo hello | nc -l -p 80 -w 5; done"


@networked
def test_a_published_port(directory: Path, scow: Scow) -> None:
    with running(directory, "served", "-p", "127.0.0.1::80", IMAGE, "sh", "-c", SERVE):
        shown = json.loads(scow("inspect", "served").ok().stdout)[0]["NetworkSettings"]
        assert shown["Networks"]["bridge"]["IPAddress"] == shown["IPAddress"] == "10.0.2.100"
        bound = shown["Ports"]["80/tcp"]
        assert [one["HostIp"] for one in bound] == ["127.0.0.1"]
        port = int(bound[0]["HostPort"])
        assert heard_from(port) == b"hello\n"
        assert scow("port", "served").ok().stdout == f"80/tcp -> 127.0.0.1:{port}\n"
        assert scow("port", "served", "80").ok().stdout == f"127.0.0.1:{port}\n"
        assert "no public port '81/tcp' published for served" in scow("port", "served", "81").stderr
        row = scow("ps", "--format", "{{.Ports}} {{.Networks}}").ok().stdout
        assert row == f"127.0.0.1:{port}->80/tcp bridge\n"
        taken = scow("run", "--rm", "-p", f"127.0.0.1:{port}:80", IMAGE, "true")
        assert taken.exit_code == 125
        assert f"Bind for 127.0.0.1:{port} failed: port is already allocated" in taken.stderr
        joined = scow("run", "--rm", "--network", "container:served", IMAGE, "ip", "-4", "-o", "addr").ok().stdout
        assert "10.0.2.100/24" in joined


@networked
@pytest.mark.parametrize("program", networking.PROGRAMS)
def test_a_port_that_somebody_takes_at_the_same_moment(
    directory: Path, program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(networking, "PROGRAMS", (program,))
    if not networking.outlet():
        pytest.skip(f"there is no {program}")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setattr(plugging, "_tried", lambda asked, number: number)  # it was free then
        containers, ports = Engine(directory / "store").containers, (Port(80, "tcp", "127.0.0.1", port),)
        with pytest.raises(Conflict, match=f"^Bind for 127.0.0.1:{port} failed: port is already allocated$"):
            containers.run(IMAGE, ["true"], options=Options(network="bridge", ports=ports))


def _by_ipv6() -> bool:
    """Whether pasta can give a container IPv6: it copies this machine's way out."""
    routes = Path("/proc/net/ipv6_route")
    lines = routes.read_text().splitlines() if routes.exists() else []
    way_out = any(line.startswith(f"{'0' * 32} 00 ") and line.split()[-1] != "lo" for line in lines)
    return way_out and outlet().endswith("/pasta")


@networked
@pytest.mark.skipif(not _by_ipv6(), reason="no way out by IPv6, or no pasta")
def test_a_published_port_of_ipv6(directory: Path, scow: Scow) -> None:
    with running(directory, "six", "-p", "[::1]::80", IMAGE, "sh", "-c", SERVE):
        port = scow("port", "six", "80").ok().stdout.strip().removeprefix("[::1]:")
        assert heard_from(int(port), "::1") == b"hello\n"


@networked
def test_a_port_is_free_again_when_its_container_has_ended(scow: Scow) -> None:
    scow("run", "-d", "--name", "again", "-p", "127.0.0.1::80", IMAGE, "sleep", "60").ok()
    port = scow("port", "again", "80").ok().stdout.strip()
    scow("rm", "-f", "again").ok()
    scow("run", "-d", "--name", "again", "-p", f"{port}:80", IMAGE, "sleep", "60").ok()
    scow("restart", "-t", "0", "again").ok()
    assert scow("port", "again", "80").ok().stdout.strip() == port
    scow("rm", "-f", "again").ok()


@networked
def test_neighbours_know_each_other_by_name(directory: Path, scow: Scow) -> None:
    scow("network", "create", "--internal", "back").ok()
    with running(directory, "db", "--network", "back", "--network-alias", "postgres", IMAGE, "sh", "-c", SERVE):
        script = "ip -4 -o addr show eth0; nc -w 20 postgres 80; cat /etc/hosts; ip route | grep -c default"
        told = scow("run", "--rm", "--name", "app", "--network", "back", IMAGE, "sh", "-c", script).stdout
        assert "10.89.0.3/24" in told
        assert "hello\n" in told
        assert "10.89.0.2\tdb " in told
        assert told.endswith("0\n")  # internal: no way out
        containers = json.loads(scow("network", "inspect", "back").ok().stdout)[0]["Containers"]
        assert [(one["Name"], one["IPv4Address"]) for one in containers.values()] == [("db", "10.89.0.2/24")]
        told = (
            scow("run", "--rm", "--network", "container:db", IMAGE, "sh", "-c", "echo $(hostname) $HOSTNAME")
            .ok()
            .stdout
        )
        assert told.split() == [scow("ps", "-q", "-f", "name=db").ok().stdout.strip()] * 2
        for flags in (["-h", "x"], ["-p", "80"], ["--dns", "1.1.1.1"], ["--add-host", "a:1.1.1.1"], ["--expose", "80"]):
            refused = scow("run", "--rm", "--network", "container:db", *flags, IMAGE, "true")
            assert (refused.exit_code, "conflicting options" in refused.stderr) == (125, True)
        refused = scow("network", "rm", "back")
        assert "has active endpoints" in refused.stderr
        with running(directory, "late", "--network", "back", "--ip", "10.89.0.9", IMAGE, "sh", "-c", SERVE):
            hosts = (directory / "store/containers").glob("*/bundle/hosts")
            assert any("10.89.0.9\tlate" in path.read_text() for path in hosts)
            told = scow("run", "--rm", "--network", "container:db", IMAGE, "cat", "/etc/hosts").ok().stdout
            assert "10.89.0.9\tlate " in told
    scow("network", "rm", "back").ok()
    assert os.listdir(directory / "store/networks") == [
        one for one in os.listdir(directory / "store/networks") if one[0] == "."
    ]


@networked
def test_neighbours_need_not_forget_who_was_started_again(scow: Scow) -> None:
    scow("network", "create", "--internal", "kept").ok()
    for name in ("far", "near"):
        scow("run", "-d", "--name", name, "--network", "kept", IMAGE, "sleep", "60").ok()
    try:
        stations = []
        for _ in range(2):
            scow("exec", "near", "ping", "-c", "1", "-W", "2", "far").ok()
            stations.append(scow("exec", "far", "cat", "/sys/class/net/eth0/address").ok().stdout)
            scow("restart", "-t", "0", "far").ok()
        assert stations == ["02:42:0a:59:00:02\n"] * 2
    finally:
        scow("rm", "-f", "far", "near").ok()
        scow("network", "rm", "kept").ok()


def test_a_port_is_published_where_there_is_no_way_out(scow: Scow, directory: Path) -> None:
    """A machine that is on no network: pasta, which copies its route, would not start."""
    need_root()
    path_of("slirp4netns")
    words = ["unshare", "--net", sys.executable, *COMMAND, "run", "--rm", "-p", "80", IMAGE, "echo", "here"]
    told = subprocess.run(
        words, capture_output=True, check=False, env=environment(directory / "store", directory / "home")
    )
    assert (told.returncode, told.stdout) == (0, b"here\n"), told.stderr.decode()
