"""How containers are kept: health checks, restart policies that change, figures, and what inspect says of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from tests.cli.boxes import IMAGE
from tests.cli.test_life_verbs import field
from tests.support.cli import Scow
from tests.support.leftovers import until


@pytest.fixture
def scow(box: Scow) -> Iterator[Scow]:
    yield box
    left = box("ps", "-aq").ok().stdout.split()
    if left:
        box("rm", "-f", *left).ok()


CHECK = ("--health-cmd", "cat /ok && echo fine", "--health-interval", "200ms", "--health-retries", "2")


@pytest.mark.parametrize("runtime", ["sandbox", "runc", "crun"])
def test_health(scow: Scow, runtime: str) -> None:
    made = scow("--runtime", runtime, "run", "-d", "--name", "checked", *CHECK, IMAGE, "sleep", "100")
    if "is not installed" in made.stderr:
        pytest.skip(made.stderr)
    until(lambda: "(unhealthy)" in scow("ps").stdout)
    scow("exec", "checked", "touch", "/ok").ok()
    until(lambda: "(healthy)" in scow("ps").stdout)
    health = json.loads(scow("inspect", "checked").ok().stdout)[0]["State"]["Health"]
    assert (health["Status"], health["FailingStreak"], health["Log"][-1]["ExitCode"]) == ("healthy", 0, 0)
    assert health["Log"][-1]["Output"] == "fine\n"
    assert scow("ps", "-q", "--filter", "health=unhealthy").ok().stdout == ""


def test_a_check_that_hangs(scow: Scow) -> None:
    flags = ("--health-cmd", "sleep 50", "--health-interval", "100ms", "--health-timeout", "200ms")
    scow("run", "-d", "--name", "hanging", *flags, "--health-retries", "1", IMAGE, "sleep", "100").ok()
    until(lambda: field(scow, "hanging", "{{.State.Health.Status}}") == "unhealthy")
    assert "exceeded timeout" in field(scow, "hanging", "{{(index .State.Health.Log 0).Output}}")
    until(lambda: scow("top", "hanging").stdout.count("sleep 50") <= 2)


def test_no_check(scow: Scow) -> None:
    scow("run", "-d", "--name", "unchecked", "--no-healthcheck", IMAGE, "sleep", "100").ok()
    assert "health" not in scow("ps").ok().stdout
    assert field(scow, "unchecked", "{{json .Config.Healthcheck}} {{json .State.Health}}") == '{"Test":["NONE"]} null'
    scow("run", "-d", "--name", "patient", "--health-cmd", "true", IMAGE, "sleep", "100").ok()
    assert "(health: starting)" in scow("ps").ok().stdout
    refused = scow("run", "--no-healthcheck", "--health-cmd", "x", IMAGE)
    assert "conflicts with --health-*" in refused.stderr
    assert "less than 1ms" in scow("run", "--health-interval", "1us", IMAGE).stderr


def test_another_policy(scow: Scow) -> None:
    scow("run", "-d", "--name", "kept", "--restart", "always", IMAGE, "sh", "-c", "sleep 0.2; exit 1").ok()
    assert scow("update", "--restart", "on-failure:1", "kept").ok().stdout == "kept\n"
    until(lambda: field(scow, "kept", "{{.State.Status}}") == "exited")
    policy = "{{with .HostConfig.RestartPolicy}}{{.Name}} {{.MaximumRetryCount}}{{end}}"
    assert field(scow, "kept", policy) == "on-failure 1"
    assert "unknown policy" in scow("update", "--restart", "nope", "kept").stderr
    assert "--cpu-rt-period" in scow("update", "--cpu-rt-period", "9", "kept").stderr


def test_stats(scow: Scow) -> None:
    scow("run", "-d", "--name", "busy", IMAGE, "sh", "-c", "while :; do :; done").ok()
    shown = scow("stats", "--no-stream").ok().stdout.splitlines()
    assert shown[0].split("  ")[0] == "CONTAINER ID"
    assert re.search(r"busy +[1-9][0-9.]*% +[0-9.]+[KM]iB / [0-9.]+GiB +[0-9.]+% .* 1$", shown[1])
    assert scow("stats", "--no-stream", "--format", "{{.Container}}", "busy").ok().stdout == "busy\n"
    figures = scow("stats", "--no-stream", "--format", "{{.Name}} {{.PIDs}} {{.NetIO}}", "busy").ok().stdout
    assert figures == "busy 1 0B / 0B\n"  # the machine's network is not its own


def test_inspect(scow: Scow) -> None:
    flags = ("--log-opt", "max-size=1m", "-e", "A=1", "-u", "app", "--stop-timeout", "3", "-m", "64m")
    scow("create", "--name", "seen", *flags, "--best-effort-limits", IMAGE, "echo", "x").ok()
    seen = json.loads(scow("inspect", "seen").ok().stdout)[0]
    host, config = seen["HostConfig"], seen["Config"]
    assert host["LogConfig"] == {"Type": "json-file", "Config": {"max-size": "1048576"}}
    assert (host["Memory"], host["RestartPolicy"]["Name"]) == (64 << 20, "no")
    assert (config["Cmd"], config["User"], config["StopTimeout"]) == (["echo", "x"], "app", 3)
    assert "A=1" in config["Env"]
    assert "Health" not in seen["State"]
