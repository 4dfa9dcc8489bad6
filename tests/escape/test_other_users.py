"""Other users of the machine reach nothing of a container's or an image's files in root's store: CVE-2021-41091."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.cli import Scow, bound_scow
from tests.support.peers import need_root

pytestmark = [pytest.mark.peers]

SUID = "cp /bin/busybox {0}/su && chmod 4755 {0}/su"
DOCKERFILE = f"""FROM busybox:1
RUN --mount=type=cache,target=/c mkdir /o && {SUID.format("/c")} && {SUID.format("/o")}
"""


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that everybody may look into, as /var/lib is one."""
    need_root()
    place = Path(tempfile.mkdtemp(prefix="scow-open-"))
    place.chmod(0o755)
    yield place
    shutil.rmtree(place)


def test_a_setuid_program_is_nobody_else_s(open_directory: Path, busybox_tar: Path) -> None:
    scow: Scow = bound_scow(open_directory / "store", open_directory)
    scow("import", str(busybox_tar), "busybox:1").ok()
    (open_directory / "context").mkdir()
    (open_directory / "context/Dockerfile").write_text(DOCKERFILE)
    scow("build", "-t", "made:1", str(open_directory / "context")).ok()
    script = f"{SUID.format('/v')}; {SUID.format('/tmp')}"
    scow("run", "--name", "kept", "-v", "vol:/v", "made:1", "sh", "-c", script).ok()
    scow("run", "--name", "other", "--read-only", "made:1", "true").ok()
    programs = [
        path for path in (open_directory / "store").rglob("su")
        if stat.S_ISREG(path.lstat().st_mode) and path.stat().st_mode & stat.S_ISUID
    ]  # fmt: skip
    assert {"volumes", "containers", "cache"} <= {
        path.relative_to(open_directory / "store").parts[0] for path in programs
    }
    for path in programs:
        tried = subprocess.run(["test", "-e", str(path)], user=54321, group=54321, extra_groups=[], check=False)
        assert tried.returncode == 1, path
    shown = subprocess.run(
        ["find", str(open_directory / "store"), "-name", "su"], user=54321, group=54321, extra_groups=[], check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    assert shown.stdout == ""
    assert os.access(open_directory / "store", os.X_OK)


def test_what_an_earlier_scow_left_open_is_closed(open_directory: Path, busybox_tar: Path) -> None:
    scow: Scow = bound_scow(open_directory / "store", open_directory)
    scow("import", str(busybox_tar), "busybox:1").ok()
    for name in ("volumes", "layers"):
        (open_directory / "store" / name).mkdir(exist_ok=True)
        (open_directory / "store" / name).chmod(0o755)
    scow("images").ok()
    for name in ("volumes", "layers"):
        assert stat.S_IMODE((open_directory / "store" / name).stat().st_mode) == 0o700


def test_a_store_that_another_user_made_is_refused(open_directory: Path, busybox_tar: Path) -> None:
    """SCOW_ROOT=/tmp/x, which somebody made before: what is in there would be started as us."""
    scow: Scow = bound_scow(open_directory / "store", open_directory)
    (open_directory / "store").mkdir()
    os.chown(open_directory / "store", 54321, 54321)
    for words in (["images"], ["ps"], ["import", str(busybox_tar), "busybox:1"], ["run", "--rm", "busybox:1", "true"]):
        done = scow(*words)
        assert done.exit_code
        assert "the store belongs to another user (id 54321)" in done.stderr
        assert "SCOW_ROOT" in done.stderr
    assert not list((open_directory / "store").iterdir())
