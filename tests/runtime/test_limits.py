"""What a container may use: the kernel's own answer from inside, whoever starts it on whatever."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.runtime.conftest import Driver

from scow.runtime.kernel import cgroups

MIB = 1 << 20


def shown(told: dict[str, Any]) -> list[str]:
    assert "error" not in told, told
    lines: list[str] = told["out"].split()
    return lines


@pytest.fixture
def delegated(driver: Driver) -> Iterator[Driver]:
    """The driver, in cgroups that its user may write to (root's are its own anyway)."""
    if os.geteuid() != 0:
        pytest.skip("delegating a cgroup takes root")
    if driver.user == 0:
        yield driver
        return
    with delegation(driver):
        yield driver


@contextlib.contextmanager
def delegation(driver: Driver) -> Iterator[None]:
    places = [Path(f"{one.root}/scow-test-{os.getpid()}") for one in cgroups.hierarchies() if one.controllers]
    driver.process = driver.process or driver.start()
    pid = str(driver.process.pid)
    for place in places:
        place.mkdir(exist_ok=True)
        for name in ("cpuset.cpus", "cpuset.mems"):
            if (place / name).exists():
                (place / name).write_text((place.parent / name).read_text())
        for file in (place, place / "cgroup.procs", place / "cgroup.subtree_control"):
            if file.exists():
                os.chown(file, driver.user, driver.user)
        (place / "cgroup.procs").write_text(pid)
    try:
        yield
    finally:
        assert driver.process and driver.process.stdin
        driver.process.stdin.close()
        driver.process.wait()
        driver.process = None
        for place in places:
            for left in sorted(place.rglob("*/"), reverse=True):
                left.rmdir()
            place.rmdir()


def test_the_kernel_keeps_them(delegated: Driver, runtime: str) -> None:
    options = {"limits": {"memory": 32 * MIB, "pids": 20, "cpu_quota": 20_000, "cpu_period": 100_000}}
    script = "i=0; while [ $i -lt 30 ]; do sleep 5 & i=$((i+1)); done 2>&1 | head -1; echo started"
    told = delegated.run(runtime, "sh", "-c", script, options=options)
    assert "can't fork" in told["out"] + told["err"], told


def test_too_much_memory_is_noted(delegated: Driver, runtime: str) -> None:
    place = str(delegated.directory / f"c-oom-{runtime}")
    options = {"limits": {"memory": 24 * MIB, "memory_swap": 24 * MIB}}
    told = delegated.run(
        runtime, "sh", "-c", "head -c 64m /dev/zero | tail -c 64m | wc -c; exit 5", options=options, place=place
    )
    assert "error" not in told, told
    assert Path(place, cgroups.OUT_OF_MEMORY).exists(), told
    told = delegated.run(runtime, "true", options=options, place=place)
    assert told["code"] == 0
    assert not Path(place, cgroups.OUT_OF_MEMORY).exists()


def test_no_cgroup_is_left(delegated: Driver, runtime: str) -> None:
    assert delegated.run(runtime, "true", options={"limits": {"pids": 50}})["code"] == 0
    assert delegated.process
    mine = f"{delegated.process.pid}-"
    walked = os.walk(cgroups.BASE)  # which passes over what other tests remove meanwhile
    assert [
        name for place, names, _ in walked if place.endswith("/scow") for name in names if name.startswith(mine)
    ] == []


def test_a_limit_that_cannot_be_kept_is_an_error(driver: Driver, runtime: str) -> None:
    if driver.user == 0:
        pytest.skip("root can set every limit")
    asked = {"limits": {"memory": 32 * MIB}}
    told = driver.run(runtime, "true", options=asked)
    assert told["error"] == "Unsupported"
    assert "memory" in told["message"]
    assert driver.run(runtime, "true", options={**asked, "best_effort_limits": True})["code"] == 0


def test_oom_score(driver: Driver, runtime: str) -> None:
    told = driver.run(runtime, "cat", "/proc/self/oom_score_adj", options={"oom_score_adj": 300})
    assert shown(told) == ["300"]


DELEGATED = """
import os, sys
from scow.runtime.kernel import cgroups
(second,) = [one for one in cgroups.hierarchies() if one.unified]
home = cgroups.place(second, "/scow/inside", True)
cgroups._make_directory(second, home, {sys.argv[1]}, True)
made = cgroups.Made([home])
child = os.fork()
if child == 0:
    made.enter()
    os._exit(0 if cgroups.read("/proc/self/cgroup").splitlines()[-1].endswith("/scow/inside") else 1)
_, status = os.waitpid(child, 0)
(after,) = [one for one in cgroups.hierarchies() if one.unified]
told = cgroups.read(f"{home}/cgroup.controllers").split()
mine = cgroups.read("/proc/self/cgroup").splitlines()[-1]
cgroups.remove([home], 2)
print(status, told, mine.endswith("/scow-outside"), after.mine == second.mine, os.path.exists(home))
"""


def test_version_2_of_an_ordinary_user(driver: Driver) -> None:
    """Delegated as systemd does it, with the controller that version 2 has here (beside version 1 that is hugetlb): it
    is handed on, who was there moves to a leaf, and a second look finds the same place."""
    second = next((one for one in cgroups.hierarchies() if one.unified and one.controllers), None)
    if os.geteuid() != 0 or driver.user == 0 or second is None:
        pytest.skip("needs root, another user, and a controller of version 2")
    controller, place = second.controllers[0], Path(second.root, f"scow-test-{os.getpid()}")
    with contextlib.suppress(OSError):  # it may be handed on already
        Path(second.root, "cgroup.subtree_control").write_text(f"+{controller}")
    place.mkdir()
    try:
        for file in (place, place / "cgroup.procs", place / "cgroup.subtree_control"):
            os.chown(file, driver.user, driver.user)
        enter = ["sh", "-c", f'echo $$ > {place}/cgroup.procs && exec "$@"', "sh"]
        who = ["setpriv", f"--reuid={driver.user}", f"--regid={driver.user}", "--clear-groups"]
        words = [*enter, *who, driver.python, "-c", DELEGATED, controller]
        done = subprocess.run(words, env=driver.environment, capture_output=True, text=True, check=False)
        assert done.stdout == f"0 ['{controller}'] True True False\n", done.stderr
    finally:
        for left in sorted(place.rglob("*/"), reverse=True):
            left.rmdir()
        place.rmdir()
