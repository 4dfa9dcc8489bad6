"""The small interpreters' beginning, where whoever wanted one has left."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest
from tests.support.cli import SOURCE

from scow.runtime.wire import CONTROL

MAIN = f"import sys; sys.path.insert(0, {str(SOURCE)!r}); from scow.runtime.entry import main; main('launch')"


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_SEQPACKET], ids=str)
def test_a_command_that_failed_early_leaves_no_traceback(kind: int) -> None:
    theirs, ours = socket.socketpair(socket.AF_UNIX, kind)
    theirs.close()
    done = subprocess.run(
        [sys.executable, "-I", "-c", MAIN], capture_output=True, check=False, close_fds=False,
        preexec_fn=lambda: os.dup2(ours.fileno(), CONTROL, inheritable=True),
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
