"""The limits of ``scow run``, from the command line down to the kernel."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from tests.cli.boxes import IMAGE, make_box
from tests.support.cli import Scow

from scow.runtime import cgroups
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
    flags = [
        "-m",
        "24m",
        "--memory-swap",
        "24m",
        "--cpus",
        "0.5",
        "-c",
        "512",
        "--pids-limit",
        "64",
        "--cpuset-cpus",
        "0",
    ]
    result = scow(
        "run", "--name", "hungry", *flags, IMAGE, "sh", "-c", "head -c 64m /dev/zero | tail -c 64m > /dev/null; exit 3"
    )
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
