"""The life of a container as people lead it: real ones of busybox, kept by their monitors."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.boxes import IMAGE
from tests.support.cli import Scow, popen_scow
from tests.support.leftovers import until

COUNTING = 'trap "echo bye; exit 9" TERM; i=0; while :; do echo $i; i=$((i+1)); sleep 0.1; done'


@pytest.fixture
def scow(box: Scow) -> Iterator[Scow]:
    yield box
    left = box("ps", "-aq").ok().stdout.split()
    if left:
        box("rm", "-f", *left).ok()


def field(scow: Scow, name: str, template: str) -> str:
    return scow("inspect", "-f", template, name).ok().stdout.strip()


def test_detached_from_its_first_to_its_last_line(scow: Scow) -> None:
    made = scow("run", "-d", "--name", "counter", IMAGE, "sh", "-c", COUNTING).ok().stdout
    assert re.fullmatch(r"[0-9a-f]{64}\n", made)
    until(lambda: scow("logs", "counter").stdout.count("\n") > 2)
    shown = scow("ps", "--format", "{{.Names}} {{.Status}} {{.State}}").ok().stdout
    assert re.fullmatch(r"counter Up .* running\n", shown)
    assert scow("rm", "counter").exit_code == 1
    assert scow("stop", "counter").ok().stdout == "counter\n"
    assert field(scow, "counter", "{{.State.Status}} {{.State.ExitCode}} {{.State.Running}}") == "exited 9 false"
    assert scow("logs", "--tail", "1", "counter").ok().stdout == "bye\n"
    stamped = scow("logs", "-t", "-n", "1", "counter").ok().stdout
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z bye\n", stamped)
    assert scow("stop", "counter").ok().stdout == "counter\n"  # again is fine


def test_the_log_goes_on_after_a_restart(scow: Scow) -> None:
    scow("create", "--name", "twice", IMAGE, "sh", "-c", "echo out; echo err >&2; exit 3").ok()
    for _ in range(2):
        result = scow("start", "-a", "twice")
        assert (result.exit_code, result.stdout, result.stderr) == (3, "out\n", "err\n")
    told = scow("logs", "twice").ok()
    assert (told.stdout, told.stderr) == ("out\n" * 2, "err\n" * 2)


def test_foreground_leaves_a_log(scow: Scow) -> None:
    result = scow("run", "--name", "fore", "-i", IMAGE, "sh", "-c", "cat; exit 4", stdin=b"from here\n")
    assert (result.exit_code, result.stdout) == (4, "from here\n")
    assert scow("logs", "fore").ok().stdout == "from here\n"


def test_much_output_arrives_whole(scow: Scow) -> None:
    result = scow("run", "--name", "much", IMAGE, "sh", "-c", "seq 1 200000").ok()
    assert result.stdout == "".join(f"{n}\n" for n in range(1, 200_001))


def test_following_the_log_ends_with_the_container(scow: Scow, directory: Path) -> None:
    scow("run", "-d", "--name", "short", IMAGE, "sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.2; done").ok()
    assert scow("logs", "-f", "short").ok().stdout == "1\n2\n3\n"


def test_kill_wait_and_signals(scow: Scow, directory: Path) -> None:
    scow("run", "-d", "--name", "trapped", IMAGE, "sh", "-c", 'trap "echo usr" USR1; while :; do sleep 0.05; done').ok()
    until(lambda: scow("kill", "-s", "USR1", "trapped").ok() and "usr" in scow("logs", "trapped").stdout)
    waiting = popen_scow("wait", "trapped", root=directory / "store")
    time.sleep(0.5)
    assert scow("kill", "-s", "", "trapped").ok().stdout == "trapped\n"
    assert waiting.communicate(timeout=60)[0] == b"137\n"
    assert scow("wait", "trapped").ok().stdout == "137\n"
    told = scow("kill", "trapped")
    assert (told.exit_code, "is not running" in told.stderr) == (1, True)
    assert scow("kill", "-s", "NOPE", "trapped").stderr == "scow: Invalid signal: NOPE\n"


def test_stop_signal_and_timeout(scow: Scow) -> None:
    script = 'trap "exit 5" USR2; echo ready; while :; do sleep 0.05; done'
    scow("run", "-d", "--name", "polite", "--stop-signal", "USR2", IMAGE, "sh", "-c", script).ok()
    until(lambda: scow("logs", "polite").stdout)
    scow("stop", "polite").ok()
    assert field(scow, "polite", "{{.State.ExitCode}}") == "5"
    scow("run", "-d", "--name", "deaf", "--stop-timeout", "0", IMAGE, "sleep", "100").ok()
    started = time.monotonic()
    scow("stop", "deaf").ok()
    assert time.monotonic() - started < 10  # which is how long it waits unless it is told
    assert field(scow, "deaf", "{{.State.ExitCode}}") == "137"


def test_restart_policy(scow: Scow) -> None:
    scow("run", "-d", "--name", "failing", "--restart", "on-failure:2", IMAGE, "sh", "-c", "echo run; exit 3").ok()
    until(lambda: field(scow, "failing", "{{.State.Status}}") == "exited")
    assert scow("logs", "failing").ok().stdout == "run\n" * 3
    scow("run", "-d", "--name", "forever", "--restart", "always", IMAGE, "sh", "-c", "echo run; sleep 0.1").ok()
    until(lambda: scow("logs", "forever").stdout.count("run") > 2)
    until(lambda: "Restarting (0)" in scow("ps").stdout)
    scow("stop", "forever").ok()
    assert field(scow, "forever", "{{.State.Status}}") == "exited"
    count = scow("logs", "forever").stdout.count("run")
    time.sleep(1)
    assert scow("logs", "forever").stdout.count("run") == count
    refused = scow("run", "--rm", "--restart", "always", IMAGE, "true")
    assert (refused.exit_code, "--restart and --rm" in refused.stderr) == (125, True)


def test_rm_of_a_detached_container(scow: Scow, directory: Path) -> None:
    scow("run", "-d", "--rm", "--name", "brief", IMAGE, "sleep", "0.2").ok()
    until(lambda: scow("ps", "-aq").stdout == "")
    until(lambda: list((directory / "store/containers").iterdir()) == [])
    scow("run", "-d", "--rm", "--name", "first", "-v", "/own", IMAGE, "sleep", "100").ok()
    scow("create", "--name", "second", "--volumes-from", "first", IMAGE).ok()
    scow("kill", "first").ok()
    until(lambda: "first" not in scow("ps", "-a").stdout)
    assert len(scow("volume", "ls", "-q").ok().stdout.split()) == 1  # the second has it too
    scow("rm", "-v", "second").ok()
    scow("run", "-d", "--rm", "-v", "/own", IMAGE, "sleep", "0.1").ok()
    until(lambda: scow("volume", "ls", "-q").stdout == "")


def test_what_cannot_be_started(scow: Scow) -> None:
    result = scow("run", "-d", "--name", "broken", IMAGE, "nosuch")
    assert (result.exit_code, result.stdout) == (127, "")
    assert field(scow, "broken", "{{.State.Status}} {{.State.ExitCode}}") == "created 127"
    assert "executable file not found" in field(scow, "broken", "{{.State.Error}}")
    assert scow("start", "broken").exit_code == 1
    assert scow("start", "nosuch").stderr == "scow: No such container: nosuch\n"
    assert scow("run", "-d", "--rm", IMAGE, "/etc").exit_code == 126
    until(lambda: scow("ps", "-aq").stdout.count("\n") == 1)


def test_restart_and_rename(scow: Scow) -> None:
    scow("run", "-d", "--name", "first", IMAGE, "sleep", "100").ok()
    before = field(scow, "first", "{{.State.Pid}}")
    scow("rename", "first", "second").ok()
    assert scow("restart", "-t", "0", "second").ok().stdout == "second\n"
    assert field(scow, "second", "{{.State.Running}}") == "true"
    assert field(scow, "second", "{{.State.Pid}}") != before
    scow("create", "--name", "third", IMAGE).ok()
    assert "already in use" in scow("rename", "third", "second").stderr


def test_attach(scow: Scow, directory: Path) -> None:
    scow("run", "-d", "--name", "ticking", IMAGE, "sh", "-c", "while :; do echo tick; sleep 0.1; done").ok()
    attached = popen_scow("attach", "--no-stdin", "ticking", root=directory / "store")
    assert attached.stdout
    assert attached.stdout.readline() == b"tick\n"
    scow("kill", "ticking").ok()
    assert attached.wait(timeout=60) == 137
    assert "cannot attach to a stopped container" in scow("attach", "ticking").stderr


def test_init(scow: Scow) -> None:
    script = "(sleep 0.05 &) ; sleep 0.3; ps -o pid,stat,comm"
    result = scow("run", "--rm", "--init", IMAGE, "sh", "-c", script)
    if "there is no init program" in result.stderr:
        pytest.skip(result.stderr)
    lines = result.ok().stdout.splitlines()
    assert lines[1].split()[::2] == ["1", "docker-init"]
    assert not [line for line in lines if " Z" in line]  # it was reaped
    scow("run", "-d", "--init", "--name", "kind", IMAGE, "sleep", "100").ok()
    scow("stop", "kind").ok()  # a first process that is no init hears no SIGTERM
    assert field(scow, "kind", "{{.State.ExitCode}}") == "143"
    assert scow("run", "--rm", "--init", IMAGE, "nosuch").exit_code == 127


def test_flags_that_contradict(scow: Scow) -> None:
    assert "-a and -d" in scow("run", "-d", "-a", "stdout", IMAGE).stderr
    assert "valid streams" in scow("run", "-a", "nope", IMAGE).stderr
    assert "max-file" in scow("run", "--log-opt", "max-file=0", IMAGE).stderr
    scow("run", "--rm", "--log-opt", "max-file=2", IMAGE, "true").ok()  # of no effect then, as with docker
    assert "not supported" in scow("run", "--log-driver", "syslog", IMAGE).stderr
    assert scow("ps", "-aq").stdout == ""


def test_no_log(scow: Scow) -> None:
    assert scow("run", "--name", "silent", "--log-driver", "none", IMAGE, "echo", "hi").ok().stdout == "hi\n"
    assert "does not support reading" in scow("logs", "silent").stderr


def test_who_is_attached_to_what(scow: Scow) -> None:
    result = scow("run", "-a", "stderr", IMAGE, "sh", "-c", "echo out; echo err >&2").ok()
    assert (result.stdout, result.stderr) == ("", "err\n")


def test_a_monitor_is_small(scow: Scow, directory: Path) -> None:
    scow("run", "-d", "--name", "idle", IMAGE, "sleep", "100").ok()
    (state,) = (directory / "store/containers").glob("*/state.json")
    monitor = Path("/proc", str(json.loads(state.read_text())["monitor"]))
    assert monitor.joinpath("comm").read_text() == "scow-monitor\n"
    assert int(re.findall(r"VmRSS:\s+(\d+)", monitor.joinpath("status").read_text())[0]) < 15_000
