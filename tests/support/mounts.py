"""A script where something is mounted that only it sees: a full disk, a read-only one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support.peers import need_root, path_of

_ROOT = Path(__file__).resolve().parents[2]


def in_a_mount(mount: str, script: str, tmp_path: Path) -> None:
    """Run a Python script where ``mount`` (a shell command) was done first; it prints "well" at its end."""
    need_root()
    command = f'{mount}; exec "$0" -c "$1" "$2"'
    argv = [path_of("unshare"), "--mount", "--propagation", "private", "sh", "-ec", command, sys.executable, script]
    env = {**os.environ, "PYTHONPATH": str(_ROOT / "src"), "AT": str(tmp_path)}
    done = subprocess.run([*argv, str(tmp_path)], capture_output=True, text=True, env=env, check=False)
    assert done.stdout.strip().endswith("well"), done.stderr
