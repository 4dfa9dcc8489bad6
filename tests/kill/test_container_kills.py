"""SIGKILL to all of a container, a full disk, a reboot: ``ps`` tells the truth, nothing leaks, ``rm -f`` works."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.boxes import IMAGE, make_box
from tests.support.cli import COMMAND, Scow, bound_scow, environment, popen_scow
from tests.support.leftovers import gone, leftovers, until
from tests.support.peers import need_root
from tests.support.rootfs import busybox_tar_path

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

KILLS = 12
RUNTIMES = ("sandbox", "runc", "crun")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kills")


@pytest.fixture(scope="module")
def box(directory: Path) -> Scow:
    return make_box(directory)


@pytest.fixture(params=RUNTIMES)
def victim(box: Scow, request: pytest.FixtureRequest) -> Iterator[str]:
    yield sleeping(box, request.param, "victim")
    box("rm", "-f", "victim")


def sleeping(box: Scow, runtime: str, name: str) -> str:
    """The id of a new container with two processes."""
    made = box("--runtime", runtime, "run", "-d", "--name", name, IMAGE, "sh", "-c", "sleep 1000 & sleep 1001")
    if "is not installed" in made.stderr:
        pytest.skip(made.stderr)
    return made.ok().stdout.strip()


def state(directory: Path, container_id: str) -> dict[str, object]:
    told: dict[str, object] = json.loads((directory / "store/containers" / container_id / "state.json").read_bytes())
    return told


def chain(directory: Path, container_id: str) -> dict[str, int]:
    """The processes from the monitor to the container."""
    monitor = int(str(state(directory, container_id)["monitor"]))
    launcher = _child(monitor)
    return {"monitor": monitor, "launcher": launcher, "supervisor": _child(launcher),
            "container": int(str(state(directory, container_id)["pid"]))}  # fmt: skip


def _child(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


@pytest.mark.parametrize("who", ["monitor", "launcher", "supervisor", "container"])
def test_kill_of(box: Scow, directory: Path, victim: str, who: str) -> None:
    os.kill(chain(directory, victim)[who], signal.SIGKILL)
    until(lambda: "Exited (137)" in box("ps", "-a", "--filter", "name=victim").stdout)
    gone(victim)
    assert box("exec", "victim", "true").exit_code == 1
    box("start", "victim").ok()  # and it can go on
    assert box("exec", "victim", "true").exit_code == 0
    os.kill(chain(directory, victim)["monitor"], signal.SIGKILL)
    box("rm", "-f", "victim").ok()  # at once, while it is still dying
    gone(victim)
    assert not (directory / "store/containers" / victim).exists()


def test_rm_of_what_does_not_listen(box: Scow, directory: Path) -> None:
    """It is waited for in vain, for seconds: by all three at once."""
    deaf = {runtime: sleeping(box, runtime, f"deaf-{runtime}") for runtime in RUNTIMES}
    for container_id in deaf.values():
        for name in ("monitor", "supervisor"):
            os.kill(chain(directory, container_id)[name], signal.SIGSTOP)
    removing = [popen_scow("rm", "-f", f"deaf-{runtime}", root=directory / "store") for runtime in deaf]
    told = [process.communicate(timeout=60) for process in removing]
    assert [process.returncode for process in removing] == [0, 0, 0], told
    for container_id in deaf.values():
        gone(container_id)


@pytest.mark.parametrize("words", [("run", "-d"), ("run",), ("run", "--rm")])
def test_kill_of_scow_at_any_moment(box: Scow, directory: Path, words: tuple[str, ...]) -> None:
    moments = random.Random(26)
    for number in range(KILLS):
        process = popen_scow(*words, "--name", f"cut{number}", IMAGE, "sleep", "1000", root=directory / "store")
        time.sleep(moments.uniform(0.05, 0.6))
        process.kill()
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe:
                pipe.close()
    everything = box("ps", "-aq", "--no-trunc").ok().stdout.split()
    for status in box("ps", "-a", "--format", "{{.Status}}").ok().stdout.splitlines():
        assert status.startswith(("Up", "Exited (137)", "Created"))
    if everything:
        box("rm", "-f", *everything).ok()
    assert box("ps", "-aq").ok().stdout == ""
    for one in everything:
        gone(one)
    assert [p for p in (directory / "store/containers").iterdir() if not p.name.startswith(".")] == []


def test_kill_of_rm_and_create(box: Scow, directory: Path) -> None:
    """What they were at goes with the next collection: no container, no volume, no draft of either is left."""
    store = directory / "store"
    moments = random.Random(4)
    box(
        "run", "--name", "many", "-v", "/anonymous", IMAGE, "sh", "-c", "for i in $(seq 900); do echo > /f$i; done"
    ).ok()
    for number in range(KILLS):
        for words in (("create", "--name", f"cut{number}", "-v", "/v", IMAGE), ("rm", "-v", f"cut{number}", "many")):
            process = popen_scow(*words, root=store)
            time.sleep(moments.uniform(0.1, 0.7))
            process.kill()
            process.communicate()
    if everything := box("ps", "-aq").ok().stdout.split():
        box("rm", "-v", *everything).ok()
    unfinished = [*(store / "containers").iterdir(), *(store / "volumes").glob(".?*-*")]
    assert [one for one in unfinished if not one.name.startswith(".")] == []
    (store / "containers/.of-a-kill").mkdir()
    for one in (*(store / "containers").iterdir(), *(store / "volumes").iterdir()):
        os.utime(one, (0, 0))  # what is younger than a minute may be written this moment
    box("image", "prune", "-f").ok()
    assert list((store / "containers").iterdir()) == []
    box("volume", "prune", "-f").ok()
    assert {one.name for one in (store / "volumes").iterdir()} <= {".lock"}


REBOOTED = """
mount -t tmpfs tmpfs /run && cat /proc/sys/kernel/random/uuid > /run/boot_id &&
mount --bind /run/boot_id /proc/sys/kernel/random/boot_id && exec "$@"
"""


def test_after_a_reboot(box: Scow, directory: Path, victim: str) -> None:
    """As after one: nothing runs, /run is empty, and the boot is another. The container is there to be started."""
    box("exec", "victim", "sh", "-c", "echo kept > /kept").ok()
    for pid in chain(directory, victim).values():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    ended(box, victim)

    def after(*words: str) -> str:
        command = ["unshare", "-m", "--propagation", "private", "sh", "-ec", REBOOTED, "sh", sys.executable, *COMMAND]
        env = environment(directory / "store", directory / "home")
        done = subprocess.run([*command, *words], env=env, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "Exited (137)" in after("ps", "-a", "--filter", "name=victim")
    assert after("ps", "-q") == ""
    after("start", "victim")
    assert after("exec", "victim", "cat", "/kept") == "kept\n"
    assert "Up " in box("ps").ok().stdout
    after("rm", "-f", "victim")
    gone(victim)
    assert not (directory / "store/containers" / victim).exists()


def ended(box: Scow, container_id: str) -> None:
    """Nothing of it runs any more, nor holds its lock, as a process does for a moment that /proc shows no more."""
    until(lambda: not [one for one in leftovers(container_id) if one.startswith("process")])
    until(lambda: "Exited" in box("ps", "-a", "--filter", f"id={container_id}").ok().stdout)


def test_reboot(box: Scow, directory: Path, victim: str) -> None:
    """Nothing runs any more, and every number that was written down belongs to somebody else."""
    path = directory / "store/containers" / victim / "state.json"
    told = state(directory, victim)
    os.kill(int(str(told["monitor"])), signal.SIGKILL)
    ended(box, victim)
    other = subprocess.Popen(["sleep", "100"])
    path.write_text(json.dumps({**told, "status": "running", "pid": other.pid, "monitor": other.pid}))
    try:
        assert "Exited (137)" in box("ps", "-a").ok().stdout
        assert box("kill", "victim").exit_code == 1
        assert box("rm", "-f", "victim").exit_code == 0
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    need_root()
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)], check=True)
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_full_disk(small: Path) -> None:
    box = bound_scow(small / "store", small)
    box("import", str(busybox_tar_path()), IMAGE).ok()
    fill = "dd if=/dev/zero of=/big bs=64k 2>/dev/null; for i in 1 2 3; do echo line $i; done; sleep 0.5; exit 7"
    box("run", "-d", "--name", "filler", IMAGE, "sh", "-c", fill).ok()
    until(lambda: "Exited" in box("ps", "-a").stdout, 60)
    assert "Exited (7)" in box("ps", "-a").ok().stdout
    assert box("logs", "filler").exit_code == 0
    assert box("rm", "filler").exit_code == 0
    assert box("run", "--rm", IMAGE, "echo", "room").ok().stdout == "room\n"


def test_a_disk_that_is_full_at_once(small: Path) -> None:
    box = bound_scow(small / "store", small)
    box("import", str(busybox_tar_path()), IMAGE).ok()
    box("run", "-d", "--name", "filler", IMAGE, "sh", "-c", "cat /dev/zero > /big; sleep 1000").ok()
    until(lambda: os.statvfs(small).f_bavail == 0, 60)
    assert box("ps", "--format", "{{.Names}} {{.State}}").ok().stdout == "filler running\n"
    assert box("exec", "filler", "true").exit_code == 0
    box("rm", "-f", "filler").ok()


def test_verbs_on_a_full_disk(small: Path) -> None:
    """Nothing new begins, and says why in a line; what is there can be looked at, stopped and removed."""
    store = small / "store"
    box = bound_scow(store, small)
    box("import", str(busybox_tar_path()), IMAGE).ok()
    running = box("run", "-d", "--name", "there", IMAGE, "sleep", "1000").ok().stdout.strip()
    before = sorted((store / "containers").iterdir())
    with contextlib.suppress(OSError), (small / "full").open("wb", buffering=0) as full:
        while True:
            full.write(bytes(4096))
    for code, *words in (
        (125, "run", "--rm", IMAGE, "true"),
        (125, "run", "-d", IMAGE, "true"),
        (1, "create", IMAGE, "true"),
    ):
        refused = box(*words)
        assert refused.exit_code == code, refused
        assert "no space left on the disk" in refused.stderr
        assert "Traceback" not in refused.stderr
    assert sorted((store / "containers").iterdir()) == before
    assert box("ps", "--format", "{{.Names}}").ok().stdout == "there\n"
    assert box("exec", "there", "true").exit_code == 0
    box("stop", "-t", "0", "there").ok()
    assert "Exited (137)" in box("ps", "-a").ok().stdout
    box("rm", "-f", "there").ok()
    gone(running)
    assert box("ps", "-aq").ok().stdout == ""
