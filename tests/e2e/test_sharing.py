"""``--pid`` and ``--ipc`` of other containers and of this machine, as root and as ordinary users."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from tests.support.cli import Scow, bound_scow
from tests.support.leftovers import until
from tests.support.users import throw_away_user

IMAGE = "busybox:1"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

#: A process that is still there when the container's first one has ended, and how it is known.
_LEAVES_ONE = "setsid sleep {seconds} & "


@pytest.fixture(scope="module", params=["root", "subordinate", "ordinary"])
def box(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, busybox_tar: Path) -> Iterator[Scow]:
    """The command of some user, whose store has busybox in it."""
    tar = busybox_tar.read_bytes()
    if request.param == "root":
        place = tmp_path_factory.mktemp("sharing")
        scow = bound_scow(place / "store", place)
        scow("import", "-", IMAGE, stdin=tar).ok()
        yield scow
        return
    with throw_away_user(subordinate=request.param == "subordinate") as user:
        scow = partial(bound_scow(user.home / "store", user.home), user=user)
        scow("import", "-", IMAGE, stdin=tar).ok()
        yield scow


@contextlib.contextmanager
def running(scow: Scow, name: str, *words: str) -> Iterator[None]:
    scow("run", "-d", "--name", name, *words).ok()
    try:
        yield
    finally:
        scow("rm", "-f", name).ok()


def alive(command: str) -> bool:
    """Whether a process of this machine has that command line."""
    wanted = command.encode().replace(b" ", b"\0") + b"\0"
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if place.read_bytes() == wanted:
                return True
    return False


def test_processes_of_another(box: Scow) -> None:
    first, second = f"{os.getpid()}1", f"{os.getpid()}2"
    with running(box, "seen", IMAGE, "sleep", first):
        look = "tr '\\0' ' ' < /proc/1/cmdline"
        assert box("run", "--rm", "--pid", "container:seen", IMAGE, "sh", "-c", look).ok().stdout == f"sleep {first} "
        script = _LEAVES_ONE.format(seconds=second) + "exec sleep 1000"
        with running(box, "sees", "--pid", "container:seen", IMAGE, "sh", "-c", script):
            assert box("exec", "sees", "readlink", "/proc/self/root").ok().stdout == "/\n"
            assert f"sleep {second}" in box("top", "sees", "-o", "pid,args").ok().stdout
            box("stop", "-t", "0", "sees").ok()
            until(lambda: not alive(f"sleep {second}"))  # it was the other's child by then
            assert box("inspect", "-f", "{{.State.Running}}", "seen").ok().stdout == "true\n"
            box("start", "sees").ok()
            box("stop", "-t", "0", "seen").ok()
            assert box("wait", "sees").ok().stdout == "137\n"
            refused = box("start", "sees")
            assert "is not running" in refused.stderr
            assert refused.exit_code == 1


def test_processes_of_this_machine(box: Scow) -> None:
    mine = f"{os.getpid()}3"
    look = "readlink /proc/self/ns/pid"
    inside = box("run", "--rm", "--pid", "host", IMAGE, "sh", "-c", look).ok().stdout.strip()
    assert inside == str(Path("/proc/self/ns/pid").readlink())
    script = _LEAVES_ONE.format(seconds=mine) + "exec sleep 1000"
    with running(box, "host", "--pid", "host", IMAGE, "sh", "-c", script):
        assert f"sleep {mine}" in box("top", "host", "-o", "pid,args").ok().stdout
        masked = box("exec", "host", "sh", "-c", "head -c 1 /proc/kcore; echo x > /proc/sys/kernel/hostname")
        assert masked.exit_code != 0
    until(lambda: not alive(f"sleep {mine}"))


def test_memory_of_another(box: Scow) -> None:
    write = "echo theirs > /dev/shm/a; exec sleep 1000"
    with running(box, "donor", "--ipc", "shareable", IMAGE, "sh", "-c", write):
        script = "cat /dev/shm/a; echo ours > /dev/shm/b; readlink /proc/self/ns/ipc"
        shared = box("run", "--rm", "--ipc", "container:donor", IMAGE, "sh", "-c", script).ok().stdout.split()
        assert shared == ["theirs", box("exec", "donor", "readlink", "/proc/self/ns/ipc").ok().stdout.strip()]
        assert box("exec", "donor", "cat", "/dev/shm/b").ok().stdout == "ours\n"


@pytest.mark.parametrize("mode", ["", "private"])
def test_memory_that_is_not_shared(box: Scow, mode: str) -> None:
    with running(box, "keeps", "--ipc", mode, IMAGE, "sleep", "1000"):
        refused = box("run", "--rm", "--ipc", "container:keeps", IMAGE, "true")
        assert refused.exit_code == 125
        assert "non-shareable IPC" in refused.stderr
        assert "--ipc shareable" in refused.stderr


def test_memory_of_this_machine(box: Scow) -> None:
    name = f"scow-test-{os.getpid()}"
    Path("/dev/shm", name).touch()
    try:
        assert box("run", "--rm", "--ipc", "host", IMAGE, "ls", f"/dev/shm/{name}").exit_code == 0
    finally:
        Path("/dev/shm", name).unlink()
    assert box("run", "--rm", "--ipc", "none", IMAGE, "ls", "/dev/shm").exit_code == 1


@pytest.mark.parametrize("runtime", ["runc", "crun"])
def test_an_oci_runtime_shares_memory_but_no_processes(box: Scow, runtime: str) -> None:
    with running(box, "donor", "--ipc", "shareable", IMAGE, "sh", "-c", "echo hi > /dev/shm/a; exec sleep 1000"):
        shared = box("--runtime", runtime, "run", "--rm", "--ipc", "container:donor", IMAGE, "cat", "/dev/shm/a")
        if "is not installed" in shared.stderr:
            pytest.skip(shared.stderr)
        assert shared.ok().stdout == "hi\n"
        refused = box("--runtime", runtime, "run", "--rm", "--pid", "container:donor", IMAGE, "true")
        assert refused.exit_code == 125
        assert "--pid: is for the embedded sandbox" in refused.stderr


@pytest.mark.parametrize("words", [("--pid", "bogus"), ("--pid", "container:"), ("--ipc", "bogus")])
def test_modes_that_there_are_not(box: Scow, words: tuple[str, str]) -> None:
    refused = box("run", "--rm", *words, IMAGE, "true")
    assert refused.exit_code == 125
    assert f"invalid {words[0].strip('-').upper()} mode: {words[1]}" in refused.stderr
