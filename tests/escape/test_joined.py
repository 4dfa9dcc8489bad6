"""A program that joins a container (exec, a health check) gets out no better than those that it was started with."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.escape.test_escapes import ATTEMPTS, attempts
from tests.support.cli import Scow, bound_scow
from tests.support.peers import need_root, path_of

pytestmark = [pytest.mark.peers]

#: what a process is given, but for what differs from one to the next
LOOK = """
grep -E '^(Cap|NoNewPrivs|Seccomp|Uid|Gid|Groups|Umask)' /proc/self/status
ulimit -a; cat /proc/self/oom_score_adj /proc/self/loginuid; ls /dev; cut -d' ' -f2- /proc/self/mounts
for fd in /proc/self/fd/*; do echo ${fd##*/}; done; env | sort; pwd; grep -c . /proc/keys
for n in pid mnt ipc uts net user cgroup; do readlink /proc/self/ns/$n | tr -d '0-9'; done
"""


@pytest.fixture(scope="module")
def scow(tmp_path_factory: pytest.TempPathFactory, busybox_tar: Path) -> Scow:
    need_root()
    place = tmp_path_factory.mktemp("joined")
    made = bound_scow(place / "store", place)
    made("import", str(busybox_tar), "busybox:1").ok()
    return made


@pytest.fixture(scope="module", params=["sandbox", "crun", "runc"])
def container(request: pytest.FixtureRequest, scow: Scow) -> Iterator[str]:
    """A container of each runtime's, by its name."""
    name = f"of-{request.param}"
    if request.param != "sandbox":
        path_of(request.param)
    scow("--runtime", request.param, "run", "-d", "--name", name, "busybox:1", "sleep", "1000").ok()
    yield name
    scow("rm", "-f", name).ok()


@pytest.mark.parametrize("user", ["0", "app"])
def test_it_is_given_the_same(scow: Scow, container: str, user: str) -> None:
    runtime = container.removeprefix("of-")
    ran = scow("--runtime", runtime, "run", "--rm", "-u", user, "--hostname", "h", "busybox:1", "sh", "-c", LOOK)
    joined = scow("exec", "-u", user, container, "sh", "-c", LOOK)
    first, second = (
        [line for line in done.ok().stdout.splitlines() if "HOSTNAME" not in line and "overlay" not in line]
        for done in (ran, joined)
    )
    assert first == second


def test_nothing_leads_out(scow: Scow, container: str, tmp_path: Path) -> None:
    (tmp_path / "canary").touch()
    with subprocess.Popen(["sleep", "600"], env={"SECRET": "canary"}) as victim:
        try:
            done = scow("exec", container, "sh", "-c", attempts(tmp_path, victim.pid, ATTEMPTS)).ok()
        finally:
            victim.kill()
    assert done.stdout.splitlines() == ["finished"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["canary"]
