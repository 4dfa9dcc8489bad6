"""Fewer rights than root has: without CAP_SYS_ADMIN, without namespaces, in a container or a pod of somebody else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.boxes import IMAGE, make_box
from tests.support.cli import Result, Scow, environment, python_of, run_scow
from tests.support.peers import need_root
from tests.support.rootfs import busybox_tar_path
from tests.support.users import User

ROOT = Path(__file__).resolve().parents[2]
_CONFINED = """
from scow.runtime.kernel import linux
from scow.runtime.probe import probe
kept = probe().capabilities & ~(1 << 21)
linux.prctl(linux.PR_CAPBSET_DROP, 21)
linux.capset(kept, kept)
probe.cache_clear()
"""
_LOWEST = "from tests.runtime.driver import give_up_namespaces; give_up_namespaces()"
_REMAPPED = "from scow.runtime.kernel import idmap; assert idmap.enter()"
_HIDDEN = """
from scow.runtime.kernel import linux
linux.unshare(linux.CLONE_NEWNS)
linux.mount(None, "/", None, linux.MS_PRIVATE | linux.MS_REC)
linux.mount("/dev/null", "/proc/meminfo", None, linux.MS_BIND)  # as container engines do
"""
_MAIN = "import sys; from scow.cli.main import main; sys.argv[0] = 'scow'; sys.exit(main(own_process=True))"
# one is the user's own, one has another owner and is nobody else's to read
_LOOK = "id -u; ls /home/app && su app -c 'touch /home/app/mine' && stat -c %u /home/app/mine; true < /dev/null"


@pytest.fixture(scope="module")
def scow(directory: Path) -> Scow:
    need_root()
    return make_box(directory)


def _run_with(rights: str, directory: Path, *argv: str, python: str = sys.executable, **env: str) -> Result:
    path = os.pathsep.join([str(ROOT), *filter(None, [env.pop("PYTHONPATH", "")])])
    done = subprocess.run(
        [python, "-c", f"{rights}\n{_MAIN}", *argv], cwd=ROOT, capture_output=True, check=False,
        env={**environment(directory / "store", directory), "PYTHONPATH": path, **env},
    )  # fmt: skip
    return Result(done.returncode, done.stdout, done.stderr.decode())


@pytest.mark.parametrize(
    ("rights", "rung"),
    [(_CONFINED, 2), (_LOWEST, 4), (_REMAPPED, 2), (_HIDDEN + _CONFINED, 4)],
    ids=["no CAP_SYS_ADMIN", "no namespaces", "root of a user namespace", "parts of /proc hidden"],
)
def test_run_and_build(scow: Scow, directory: Path, rights: str, rung: int) -> None:
    scow("run", "--rm", IMAGE, "true").ok()  # its layers are unpacked for whoever may mount
    context = directory / "context"
    context.mkdir(exist_ok=True)
    (context / "Dockerfile").write_text(f"FROM {IMAGE}\nRUN id -u > /made && test $(cat /made) = 0\n")
    assert _run_with(rights, directory, "info", "--format", "{{.Isolation.Rung}}").ok().stdout == f"{rung}\n"
    told = _run_with(rights, directory, "run", "--rm", IMAGE, "sh", "-ec", _LOOK).ok().stdout
    assert told.splitlines() == ["0", "1000"]
    assert _run_with(rights, directory, "build", "-q", "--no-cache", str(context)).ok().stdout.startswith("sha256:")


def test_whoever_can_have_no_proc_is_told_so(scow: Scow, directory: Path, ordinary_user: User) -> None:
    python, own = python_of(ordinary_user)
    home = ordinary_user.home
    gid, uid = ordinary_user.gid, ordinary_user.uid
    become = f"import os; os.setgroups([]); os.setresgid({gid}, {gid}, {gid}); os.setresuid({uid}, {uid}, {uid})"
    run_scow(
        "import", "-", "box", root=home / "store", home=home, user=ordinary_user, stdin=busybox_tar_path().read_bytes()
    ).ok()
    told = _run_with(f"{_HIDDEN}\n{become}", home, "run", "--rm", "box", "true", python=python, **own)
    assert told.exit_code == 125
    assert told.stderr.startswith("scow: /proc: parts of this machine's /proc are hidden")


def test_root_of_a_container_cannot_write_what_started_it(scow: Scow, directory: Path) -> None:
    """root there is root here, though it may not mount (CVE-2019-5736)."""
    held = _run_with(_CONFINED, directory, "run", "-d", "--name", "held", IMAGE, "sleep", "60").ok().stdout.strip()
    try:
        around = [entry for entry in Path("/proc").glob("[0-9]*/cmdline") if b"scow.runtime.entry" in _read(entry)]
        ours = [
            entry.parent for entry in around if f"SCOW_ROOT={directory}/".encode() in _read(entry.with_name("environ"))
        ]
        assert ours
        for process in ours:
            assert os.statvfs(process / "exe").f_flag & os.ST_RDONLY
    finally:
        _run_with(_CONFINED, directory, "rm", "-f", held).ok()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has ended
        return b""
