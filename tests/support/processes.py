"""Servers that a test starts: wait until they answer, keep their log, stop them for certain."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

#: what a program sees of the machine's environment: nothing that would change its answers
CLEAN_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
}


class NotStarted(Exception):
    """A server ended, or did not answer in time; the message ends with the last lines of its log."""


def free_port() -> int:
    """A loopback port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def last_lines(log: Path, count: int = 30) -> str:
    """The end of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-count:]) if log.exists() else ""


def _wait_until_ready(process: subprocess.Popen[bytes], ready: Callable[[], bool], log: Path, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        if process.poll() is not None:
            raise NotStarted(f"{process.args!r} ended with {process.returncode}\n{last_lines(log)}")
        if time.monotonic() > deadline:
            raise NotStarted(f"{process.args!r} did not answer within {seconds:.0f} s\n{last_lines(log)}")
        time.sleep(0.05)


def stop(process: subprocess.Popen[bytes], seconds: float = 20) -> None:
    """Ask the process to end, then make it."""
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(seconds)


@contextmanager
def started(
    argv: Sequence[str],
    *,
    log: Path,
    ready: Callable[[], bool],
    env: Mapping[str, str] | None = None,
    seconds: float = 30,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server for the length of the block; NotStarted when ``ready`` does not come true in time."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**CLEAN_ENVIRONMENT, **(env or {})},
            start_new_session=True,
            cwd=os.fspath(log.parent),
        )
    try:
        _wait_until_ready(process, ready, log, seconds)
        yield process
    finally:
        stop(process)
