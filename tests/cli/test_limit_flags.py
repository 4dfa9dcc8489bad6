"""The limits of ``scow run``, from the command line down to the kernel."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.boxes import IMAGE, make_box
from tests.support.cli import Scow, popen_scow
from tests.support.leftovers import cgroups as cgroups_of
from tests.support.leftovers import leftovers, until

from scow.runtime.kernel import cgroups
from scow.runtime.probe import probe


@pytest.fixture(scope="module")
def scow(tmp_path_factory: pytest.TempPathFactory) -> Scow:
    return make_box(tmp_path_factory.mktemp("limits"))


REFUSED = [
    (["--memory", "1m"], "Minimum memory limit allowed is 6MB"),
    (["--cpus", "1.5x"], "failed to parse 1.5x as a rational number"),
    (["--cpus", "9999"], "Range of CPUs is from 0.01 to "),
    (["--cpus", "1", "--cpu-quota", "5000"], "Conflicting options: Nano CPUs and CPU Quota cannot both be set."),
    (["--pids-limit", "many"], "invalid argument"),
    (["--oom-score-adj", "1001"], "range for oom score adj is [-1000, 1000]"),
    (["--cgroup-parent", "/../up"], "is no path of a cgroup"),
]


@pytest.mark.parametrize(("flags", "told"), REFUSED)
def test_bad_limits(scow: Scow, flags: list[str], told: str) -> None:
    result = scow("run", "--rm", *flags, IMAGE, "true")
    assert result.exit_code == 125
    assert told in result.stderr


@pytest.mark.skipif(probe().rung != 1, reason="only root can be sure to limit")
def test_memory_is_limited_and_inspect_says_who_ran_out(scow: Scow) -> None:
    bounds = {
        "-m": "24m",
        "--memory-swap": "24m",
        "--cpus": "0.5",
        "-c": "512",
        "--pids-limit": "64",
        "--cpuset-cpus": "0",
    }
    flags = [word for pair in bounds.items() for word in pair]
    hungry = "dd if=/dev/zero of=/dev/null bs=64M count=1; exit 3"
    result = scow("run", "--name", "hungry", *flags, IMAGE, "sh", "-c", hungry)
    assert result.exit_code == 3, result.stderr
    state = json.loads(scow("inspect", "hungry").ok().stdout)[0]["State"]
    assert state["OOMKilled"] is True
    scow("run", "--name", "modest", "-m", "64m", IMAGE, "true").ok()
    assert json.loads(scow("inspect", "modest").ok().stdout)[0]["State"]["OOMKilled"] is False


def test_what_cannot_be_limited_is_told(tmp_path_factory: pytest.TempPathFactory, scow: Scow) -> None:
    if Path("/sys/fs/cgroup/blkio/blkio.weight").exists() or Path("/sys/fs/cgroup/cgroup.controllers").exists():
        pytest.skip("this kernel weighs block devices")
    refused = scow("run", "--rm", "--blkio-weight", "100", IMAGE, "true")
    assert refused.exit_code == 125
    assert "blkio" in refused.stderr


@pytest.mark.skipif(probe().rung != 1, reason="ordinary users have their cgroups elsewhere")
def test_nothing_is_left_after_everything_was_killed(scow: Scow) -> None:
    made = scow("run", "-d", "--name", "doomed", "--pids-limit", "9", IMAGE, "sleep", "300").ok().stdout.strip()
    places = [Path(one.root, "scow", made) for one in cgroups.hierarchies()]
    assert any(place.is_dir() for place in places)
    for pid in Path("/proc").glob("[0-9]*"):
        try:
            theirs = os.readlink(pid / "cwd").split("/")
        except OSError:
            continue
        if made in theirs:
            os.kill(int(pid.name), signal.SIGKILL)
    scow("rm", "-f", "doomed").ok()
    assert not [place for place in places if place.exists()]


@pytest.fixture(params=["sandbox", "runc", "crun"])
def running(scow: Scow, request: pytest.FixtureRequest) -> Iterator[str]:
    """A container without limits that runs, started by each runtime that is here."""
    made = scow("--runtime", request.param, "run", "-d", "--name", "free", IMAGE, "sleep", "1000")
    if "is not installed" in made.stderr:
        pytest.skip(made.stderr)
    yield made.ok().stdout.strip()
    scow("rm", "-f", "free")


def told(scow: Scow, controller: str, *files: str) -> list[str]:
    """What the cgroup of the container's first process says; by v1's name of a file, or v2's."""
    pid = scow("inspect", "-f", "{{.State.Pid}}", "free").ok().stdout.strip()
    home = next(Path(one.root + one.mine) for one in cgroups.hierarchies(pid) if one.has(controller))
    return next((home / file).read_text().split() for file in files if (home / file).exists())


@pytest.mark.skipif(probe().rung != 1, reason="only root can be sure to limit")
def test_update_of_a_running_container(scow: Scow, running: str) -> None:
    scow("update", "-m", "64m", "--pids-limit", "12", "--cpus", "0.5", "free").ok()
    for memory in ("128m", "32m"):  # each of the two limits of v1 is in the other's way once
        scow("update", "-m", memory, "free").ok()
        bytes_ = str(int(memory[:-1]) << 20)
        assert told(scow, "memory", "memory.limit_in_bytes", "memory.max") == [bytes_]
        assert scow("inspect", "-f", "{{.HostConfig.Memory}}", "free").ok().stdout.strip() == bytes_
        assert f"/ {memory[:-1]}MiB" in scow("stats", "--no-stream", "--format", "{{.MemUsage}}", "free").ok().stdout
    assert told(scow, "cpu", "cpu.cfs_quota_us", "cpu.max")[0] == "50000"
    forks = "i=0; while [ $i -lt 20 ]; do sleep 3 & i=$((i+1)); done"
    assert "can't fork" in scow("exec", "free", "sh", "-c", forks).stderr
    scow("update", "--pids-limit", "-1", "free").ok()
    assert told(scow, "pids", "pids.max") == ["max"]
    assert "can't fork" not in scow("exec", "free", "sh", "-c", forks).stderr
    scow("update", "--pids-limit", "9", "free").ok()
    scow("restart", "-t", "0", "free").ok()
    assert told(scow, "memory", "memory.limit_in_bytes", "memory.max") == [str(32 << 20)]
    assert told(scow, "pids", "pids.max") == ["9"]
    scow("rm", "-f", "free").ok()
    assert leftovers(running) == []


@pytest.mark.skipif(probe().rung != 1, reason="only root can be sure to limit")
def test_update_of_what_the_command_keeps(tmp_path: Path) -> None:
    """``run --rm`` has no monitor: its cgroups go all the same."""
    scow = make_box(tmp_path)
    process = popen_scow("run", "--rm", "--name", "free", IMAGE, "sleep", "1000", root=tmp_path / "store")
    try:
        made = until(lambda: scow("ps", "-q", "--no-trunc").stdout.strip())
        scow("update", "--pids-limit", "9", "free").ok()
        assert cgroups_of(made)
        scow("kill", "free").ok()
    finally:
        process.communicate()
    assert leftovers(made) == []


def test_update_of_a_stopped_container(scow: Scow) -> None:
    scow("create", "--name", "later", "-m", "64m", IMAGE, "true").ok()
    assert "Minimum memory limit allowed is 6MB" in scow("update", "-m", "1m", "later").stderr
    assert "one or more flags" in scow("update", "later").stderr
    scow("update", "--memory-swap", "96m", "--cpu-shares", "512", "later").ok()
    host = json.loads(scow("inspect", "later").ok().stdout)[0]["HostConfig"]
    assert (host["Memory"], host["MemorySwap"], host["CpuShares"]) == (64 << 20, 96 << 20, 512)
    scow("rm", "later").ok()


@pytest.mark.skipif(probe().rung != 1, reason="only root can be sure to have a cgroup")
@pytest.mark.parametrize("runtime", ["sandbox", "runc"])
def test_stats_are_what_the_kernel_counted(scow: Scow, runtime: str) -> None:
    """Memory that no process has resident, and (with runc, which makes a cgroup for it) time of processes long gone."""
    work = "head -c 30m /dev/zero > /dev/shm/held; while :; do head -c 100k /dev/zero | md5sum; done > /dev/null"
    flags = ("--name", "busy", "-m", "80m", "--pids-limit", "50")
    made = scow("--runtime", runtime, "run", "-d", *flags, IMAGE, "sh", "-c", work)
    if "is not installed" in made.stderr:
        pytest.skip(made.stderr)
    made.ok()
    try:
        until(lambda: scow("exec", "busy", "sh", "-c", "[ $(stat -c %s /dev/shm/held) = 31457280 ]").exit_code == 0)
        shown = scow("stats", "--no-stream", "--format", "{{.CPUPerc}} {{.MemUsage}} {{.PIDs}}", "busy").ok().stdout
        share, memory, _, _, pids = shown.split()
        assert memory.endswith("MiB")
        assert 30 <= float(memory[:-3]) < 60
        assert 1 <= int(pids) <= 6
        if runtime == "runc":
            assert float(share[:-1]) > 5
    finally:
        scow("rm", "-f", "busy")
