"""``ps``, ``rm`` and ``container prune``."""

from __future__ import annotations

import json
import re
from datetime import UTC
from pathlib import Path

import pytest
from tests.cli.boxes import IMAGE, make_box
from tests.support.cli import Scow, popen_scow

from scow.cli.containers.rows import FILTERS, chosen, rows, status
from scow.cli.filters import parse_filters
from scow.engine.values import ContainerSummary
from scow.errors import Invalid
from scow.runtime.spec.ports import Port

NOW = 1_700_000_000.0


def summary(**given: object) -> ContainerSummary:
    fields: dict[str, object] = {
        "id": "ab" * 32, "name": "one", "image": "debian:12", "image_id": "sha256:1", "command": ("sh", "-c", "exit"),
        "created": "2023-11-14T22:00:00Z", "status": "exited", "exit_code": 3, "started": "2023-11-14T22:10:00Z",
        "finished": "2023-11-14T22:11:20Z", "labels": {"a": "b"},
    }  # fmt: skip
    return ContainerSummary(**{**fields, **given})  # type: ignore[arg-type]


ONE = summary()
TWO = summary(
    id="cd" * 32, name="two", status="running", labels={}, created="2023-11-14T22:05:00Z", exit_code=0, network="back",
    ports=(Port(80, "tcp", "", 8080),), volumes=("data",), targets=("/d", "/t"),
)  # fmt: skip
THREE = summary(id="ce" * 32, name="other", status="created", finished="", created="2023-11-14T22:06:00Z", exit_code=0)
EXPOSED = {TWO.id: ["80/tcp"], THREE.id: ["90/udp"]}


@pytest.mark.parametrize(
    ("filters", "every", "names"),
    [
        ([], False, ["two"]),
        ([], True, ["one", "two", "other"]),
        (["status=exited"], False, ["one"]),
        (["status=exited", "status=created"], False, ["one", "other"]),
        (["name=o$"], True, ["two"]),
        (["name=^/one"], True, ["one"]),
        (["id=c"], True, ["two", "other"]),
        (["label=a=b"], True, ["one", "other"]),
        (["label!=a"], True, ["two"]),
        (["exited=3"], True, ["one"]),
        (["exited=0"], True, []),
        (["ancestor=debian"], True, ["one", "two", "other"]),
        (["ancestor=nosuch"], True, []),
        (["before=two"], True, ["one"]),
        (["since=one", "before=other"], True, ["two"]),
        (["network=back"], True, ["two"]),
        (["network=host"], True, []),
        (["volume=data"], True, ["two"]),
        (["volume=/t"], True, ["two"]),
        (["volume=dat"], True, []),
        (["publish=8080"], True, ["two"]),
        (["publish=8000-9000/tcp"], True, ["two"]),
        (["publish=80", "publish=8080/udp"], True, []),
        (["expose=8000-9000"], True, []),
        (["expose=80"], True, ["two"]),
        (["expose=90/udp"], True, ["other"]),
        (["is-task=false"], True, ["one", "two", "other"]),
        (["is-task=true"], True, []),
        (["health=none"], True, ["one", "two", "other"]),
    ],
)
def test_filters(filters: list[str], every: bool, names: list[str]) -> None:
    known = {"debian": "sha256:1"}
    asked = parse_filters(filters, FILTERS)
    found = chosen([ONE, TWO, THREE], asked, every=every, image_id=known.get, exposed=lambda one: EXPOSED.get(one, ()))
    assert [one.name for one in found] == names


@pytest.mark.parametrize(
    "text", ["status=foo", "exited=x", "before=nosuch", "health=ill", "publish=x", "expose=x", "is-task=x"]
)
def test_filters_that_are_wrong(text: str) -> None:
    asked = parse_filters([text], FILTERS)
    with pytest.raises(Invalid):
        chosen([ONE], asked, every=True, image_id=lambda name: None, exposed=lambda one: ())


def test_status() -> None:
    assert [status(one, NOW) for one in (ONE, TWO, THREE)] == ["Exited (3) 2 minutes ago", "Up 3 minutes", "Created"]
    assert status(summary(exit_code=137, finished=""), NOW) == "Exited (137)"


def test_rows() -> None:
    row = next(iter(rows([summary(command=("sh", "-c", 'echo "1"\n' + "x" * 30))], NOW, UTC, whole=False)))
    assert row["Command"] == '"sh -c \'echo \\"1\\"\\nxxx…"'
    assert (row["ID"], row["CreatedAt"], row["Labels"]) == ("ab" * 6, "2023-11-14 22:00:00 +0000 UTC", "a=b")


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (("sh", "-c", "exit 3"), "\"sh -c 'exit 3'\""),
        (("a b", "c"), '"a b c"'),
        (("echo", "a\tb", ""), '"echo a\\tb "'),
    ],
)
def test_an_argument_with_a_space_is_quoted(command: tuple[str, ...], shown: str) -> None:
    assert next(iter(rows([summary(command=command)], NOW, UTC, whole=True)))["Command"] == shown


@pytest.fixture(scope="module")
def scow(directory: Path) -> Scow:
    return make_box(directory)


def test_ps_and_rm(scow: Scow) -> None:
    scow("run", "--name", "failed", "-l", "k=v", IMAGE, "sh", "-c", "head -c 100000 /dev/zero > /f; exit 4")
    scow("run", "--name", "fine", IMAGE, "true").ok()
    assert scow("ps").ok().stdout == "CONTAINER ID   IMAGE     COMMAND   CREATED   STATUS    PORTS     NAMES\n"
    heading, fine, failed = scow("ps", "-as").ok().stdout.splitlines()
    assert heading.split() == ["CONTAINER", "ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES", "SIZE"]
    assert re.fullmatch(
        r"""[0-9a-f]{12}   busybox:latest +"sh -c 'head -c 1000…" .* Exited \(4\) .* ago .* failed .*""", failed
    )
    assert re.search(r" 100kB \(virtual \d\.\d+MB\)$", failed)
    assert '"true"' in fine
    assert " 0B (virtual" in fine
    assert scow("ps", "-qln", "2", "--format", "{{.Names}}").ok().stdout == f"{fine[:12]}\n{failed[:12]}\n"
    assert json.loads(scow("ps", "-l", "--format", "{{json .}}").ok().stdout)["Size"].startswith("0B (virtual")
    assert scow("ps", "-ql").ok().stdout == fine[:12] + "\n"
    told = json.loads(scow("ps", "-n", "1", "--format", "json").ok().stdout)
    assert (told["Names"], told["State"], told["Image"]) == ("fine", "exited", IMAGE)
    assert told["Platform"]["os"] == "linux"
    template = '{{.Names}} {{.Label "k"}} {{.Platform}}'
    here = f"linux/{told['Platform']['architecture']}"
    assert scow("ps", "-a", "--filter", "exited=4", "--format", template).ok().stdout == f"failed v {here}\n"
    removed = scow("rm", "failed", "nosuch", fine[:12])
    assert (removed.exit_code, removed.stdout) == (1, f"failed\n{fine[:12]}\n")
    assert removed.stderr == "scow: No such container: nosuch\n"
    assert scow("rm", "-f", "nosuch").exit_code == 0
    assert scow("ps", "-aq").ok().stdout == ""


def test_a_running_container(scow: Scow, directory: Path) -> None:
    argv = ["run", "--name", "runs", IMAGE, "sh", "-c", "echo ready; sleep 60"]
    process = popen_scow(*argv, root=directory / "store")
    assert process.stdout
    process.stdout.readline()
    assert re.search(r" Up .* runs\n$", scow("ps").ok().stdout)
    refused = scow("rm", "runs")
    assert refused.exit_code == 1
    assert "You cannot remove a running container" in refused.stderr
    assert scow("container", "prune", "-f").ok().stdout == "Total reclaimed space: 0B\n"
    assert scow("rm", "-f", "runs").ok().stdout == "runs\n"
    assert process.wait(20) == 137
    assert scow("ps", "-aq").ok().stdout == ""


def test_prune(scow: Scow) -> None:
    scow("run", "--name", "kept", "-l", "keep", IMAGE, "true").ok()
    scow("run", "--name", "gone", IMAGE, "true").ok()
    gone = scow("ps", "-aq", "--no-trunc", "-f", "name=gone").ok().stdout.strip()
    asked = scow("container", "prune", "--filter", "label!=keep")
    warning = "WARNING! This will remove all stopped containers.\nAre you sure you want to continue? [y/N] "
    assert (asked.exit_code, asked.stdout) == (0, warning)
    flags = ["--filter", "label!=keep"]
    dry = scow("container", "prune", "--dry-run", *flags).ok().stdout
    assert dry.startswith(f"Would delete Containers:\n{gone}\n\nTotal reclaimable space: ")
    answered = scow("container", "prune", *flags, stdin=b"y\n").ok().stdout
    assert answered.startswith(f"{warning}Deleted Containers:\n{gone}\n\nTotal reclaimed space: ")
    assert dry.rpartition(": ")[2] == answered.rpartition(": ")[2]
    assert scow("container", "prune", "-f", "--filter", "until=1h").ok().stdout == "Total reclaimed space: 0B\n"
    scow("container", "prune", "-f").ok()
    assert scow("ps", "-aq").ok().stdout == ""
