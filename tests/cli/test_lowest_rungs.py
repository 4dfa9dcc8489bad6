"""The same store with fewer rights than it was made with: root without CAP_SYS_ADMIN, with and without namespaces."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.boxes import IMAGE, make_box
from tests.support.cli import Scow, environment
from tests.support.peers import need_root

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
_MAIN = "import sys; from scow.cli.main import main; sys.argv[0] = 'scow'; sys.exit(main(own_process=True))"


@pytest.fixture(scope="module")
def scow(directory: Path) -> Scow:
    need_root()
    return make_box(directory)


@pytest.mark.parametrize("rights", [_CONFINED, _LOWEST], ids=["no CAP_SYS_ADMIN", "no namespaces"])
def test_run_and_build(scow: Scow, directory: Path, rights: str) -> None:
    scow("run", "--rm", IMAGE, "true").ok()  # its layers are unpacked for whoever may mount
    context = directory / "context"
    context.mkdir(exist_ok=True)
    (context / "Dockerfile").write_text(f"FROM {IMAGE}\nRUN id -u > /made && test $(cat /made) = 0\n")
    for argv in (["run", "--rm", IMAGE, "id", "-u"], ["build", "-q", "--no-cache", str(context)]):
        done = subprocess.run(
            [sys.executable, "-c", f"{rights}\n{_MAIN}", *argv], cwd=ROOT, capture_output=True, text=True, check=False,
            env={**environment(directory / "store", directory), "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("sha256:")
