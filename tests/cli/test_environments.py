"""Where something is missing that nearly every machine has: scow does without, or says in one line what it lacks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.boxes import IMAGE, make_box
from tests.support.cli import COMMAND, environment, python_of
from tests.support.peers import need_root
from tests.support.rootfs import busybox_tar_path
from tests.support.users import User, as_user

from scow.testing.registry import Registry

_NO_PROC = ("unshare", "-m", "sh", "-c", 'umount -l /proc && exec "$@"', "sh")
_NO_CAPABILITIES = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
#: what pods have when they drop all capabilities, and chroots when nobody mounted anything
_ABLE_TO_NOTHING = {
    _NO_PROC: ("there is no /proc, which containers need", "mount -t proc proc /proc"),
    _NO_CAPABILITIES: ("neither user namespaces nor CAP_SYS_CHROOT can be had", ""),
}
Done = subprocess.CompletedProcess[bytes]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with busybox in it, made by an ordinary root."""
    place = tmp_path_factory.mktemp("environments")
    make_box(place)
    return place / "store"


def run(wrapper: tuple[str, ...], root: Path, *argv: str, stdin: bytes = b"") -> Done:
    words = [*wrapper, sys.executable, *COMMAND, *argv]
    return subprocess.run(words, env=environment(root, root.parent), input=stdin, capture_output=True, check=False)


def run_as(user: User, wrapper: tuple[str, ...], *argv: str, **env: str) -> Done:
    python, own = python_of(user)
    settings = {**own, "SCOW_ROOT": str(user.home / "store"), **env}
    return as_user(user, [*wrapper, python, *COMMAND, *argv], settings)


def test_a_container_takes_few_descriptors(store: Path) -> None:
    assert run((), store, "run", "--rm", IMAGE, "true").returncode == 0  # its layers are unpacked, which takes more
    few = ("sh", "-c", 'ulimit -n 20; exec "$@"', "sh")
    done = run(few, store, "run", "--rm", IMAGE, "echo", "ran")
    assert (done.returncode, done.stdout) == (0, b"ran\n"), done.stderr


@pytest.mark.parametrize("wrapper", _ABLE_TO_NOTHING, ids=["no /proc", "no capabilities"])
def test_where_nothing_can_be_run_images_are_still_kept(store: Path, tmp_path: Path, wrapper: tuple[str, ...]) -> None:
    need_root()
    why, remedy = _ABLE_TO_NOTHING[wrapper]
    archive = tmp_path / "box.tar"
    run((), store, "save", "-o", str(archive), IMAGE)
    loaded = run(wrapper, tmp_path / "store", "load", "-i", str(archive))
    assert loaded.stdout == f"Loaded image: {IMAGE}\n".encode(), loaded.stderr
    refused = run(wrapper, tmp_path / "store", "run", "--rm", IMAGE, "true")
    assert refused.returncode == 125
    assert refused.stderr.decode().splitlines()[0] == f"scow: no container can be made here: {why}"
    page = run(wrapper, tmp_path / "store", "doctor").stdout.decode()
    assert page.startswith("This machine lets this user make no container.\n")
    assert remedy in page


def test_a_terminal_of_an_old_character_set(store: Path) -> None:
    done = run(("env", "PYTHONIOENCODING=latin-1"), store, "analyze", IMAGE)
    assert done.returncode == 0, done.stderr
    assert b"?" in done.stdout


def test_another_users_home_is_as_good_as_none(ordinary_user: User, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with Registry() as registry:
        done = run_as(ordinary_user, (), "pull", f"{registry.host}/none:1", HOME=str(closed))
        there = run_as(ordinary_user, (), "pull", f"{registry.host}/none:1", HOME=str(closed), SCOW_ROOT="")
    assert b"not found" in done.stderr, done.stderr
    assert b"permission denied" not in done.stderr
    assert b"hint: name a directory for the store" in there.stderr, there.stderr
    (ordinary_user.home / "Dockerfile").write_text("FROM scratch\nUSER 1\n")
    looked = run_as(ordinary_user, (), "lint", str(ordinary_user.home / "Dockerfile"), HOME=str(closed))
    assert b"permission denied" not in looked.stderr


def test_a_user_namespace_with_one_id_and_no_further_ones(ordinary_user: User) -> None:
    """As a container of another tool's ordinary user has it: a root directory can be had."""
    inside = ("unshare", "-U", "-r", "sh", "-c", 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"', "sh")
    archive = ordinary_user.home / "root.tar"
    archive.write_bytes(busybox_tar_path().read_bytes())
    archive.chmod(0o644)
    made = run_as(ordinary_user, inside, "import", str(archive), IMAGE)
    assert made.returncode == 0, made.stderr
    done = run_as(ordinary_user, inside, "run", "--rm", IMAGE, "echo", "ran")
    assert (done.returncode, done.stdout) == (0, b"ran\n"), done.stderr


def test_no_thread_to_be_had_is_one_line(ordinary_user: User) -> None:
    alone = ("prlimit", "--nproc=1")
    archive = ordinary_user.home / "root.tar"
    archive.write_bytes(busybox_tar_path().read_bytes())
    archive.chmod(0o644)
    done = run_as(ordinary_user, alone, "import", str(archive), "new:1")
    assert done.returncode == 1
    assert done.stderr.startswith(b"scow: this process is given no more processes or threads (")
    assert done.stderr.count(b"\n") == 1
