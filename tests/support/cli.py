"""The command as a user runs it: a process of its own, a store of its own, a clean environment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

import pytest
from tests.support.peers import refuse
from tests.support.processes import CLEAN_ENVIRONMENT
from tests.support.users import User, as_user

SOURCE = Path(__file__).resolve().parents[2] / "src"
#: how the command is started; what comes before is the interpreter
COMMAND = ("-c", "import sys; sys.argv[0] = 'scow'; from scow.cli.main import main; sys.exit(main(own_process=True))")
#: the same, gone at once at its end, as the installed command is
PROGRAM = ("-c", "import sys; sys.argv[0] = 'scow'; from scow.__main__ import program; program()")


@dataclass(frozen=True, slots=True)
class Result:
    """How a command ended. ``stdout`` and ``stderr`` are text; ``output`` is stdout's bytes."""

    exit_code: int
    output: bytes
    stderr: str

    @property
    def stdout(self) -> str:
        """The output as text."""
        return self.output.decode(errors="surrogateescape")

    def ok(self) -> Result:
        """This result, or an assertion that shows what the command said when it failed."""
        assert self.exit_code == 0, f"exit code {self.exit_code}\n{self.stdout}\n{self.stderr}"
        return self


class Scow(Protocol):
    """``scow("images", "-q", ...)``: run one command and wait for it."""

    def __call__(
        self,
        *argv: str,
        root: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes | None = None,
        user: User | None = None,
        timeout: float = 300,
        cwd: Path | None = None,
    ) -> Result: ...


@cache
def python_of(user: User) -> tuple[str, Mapping[str, str]]:
    """An interpreter that ``user`` can run scow with: ours, else the system's of the same version."""
    path = os.pathsep.join([str(SOURCE), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])
    system = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    interpreters: tuple[tuple[str, Mapping[str, str]], ...] = (
        (sys.executable, {}),
        (system, {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}),
    )
    for python, env in interpreters:
        try:
            tried = as_user(user, [python, "-c", "import scow, msgspec, click"], env)
        except (PermissionError, FileNotFoundError):
            continue
        if tried.returncode == 0:
            return python, env
    return refuse(f"an ordinary user can run scow with neither {sys.executable} nor {system}: not readable")


def environment(root: Path, home: Path) -> dict[str, str]:
    """The whole environment of a scow process: nothing of the machine's, credentials and stores beneath ``home``."""
    return {**CLEAN_ENVIRONMENT, "HOME": str(home), "SCOW_ROOT": str(root)}


def popen_scow(
    *argv: str, root: Path, home: Path | None = None, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> subprocess.Popen[bytes]:
    """Start one command and return at once, for tests that kill it. stdout and stderr are pipes; its own group.

    It hears every signal, also where the suite itself runs in the background or under nohup.
    """
    return subprocess.Popen(
        [sys.executable, *PROGRAM, *argv], env={**environment(root, home or root.parent), **(env or {})}, cwd=cwd,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        preexec_fn=_hear_signals,
    )  # fmt: skip


def _hear_signals() -> None:
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


def run_scow(
    *argv: str,
    root: Path,
    home: Path,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    user: User | None = None,
    timeout: float = 300,
    cwd: Path | None = None,
) -> Result:
    """Run one command on the store ``root`` and wait; ``user`` runs it as somebody else, in that user's home."""
    if user is not None:
        python, own = python_of(user)
        settings = {**own, "SCOW_ROOT": str(root), **(env or {})}
        done = as_user(user, [python, *COMMAND, *argv], settings, stdin=stdin, timeout=timeout, cwd=cwd)
    else:
        done = subprocess.run(
            [sys.executable, *COMMAND, *argv], env={**environment(root, home), **(env or {})}, cwd=cwd,
            capture_output=True, input=stdin or b"", timeout=timeout, check=False,
        )  # fmt: skip
    return Result(done.returncode, done.stdout, done.stderr.decode(errors="surrogateescape"))


def bound_scow(root: Path, home: Path) -> Scow:
    """:func:`run_scow` with its store and home chosen; for a ``user``, the store is beneath that user's home."""

    def scow(
        *argv: str,
        root: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes | None = None,
        user: User | None = None,
        timeout: float = 300,
        cwd: Path | None = None,
    ) -> Result:
        store = root or (user.home / "store" if user else default)
        return run_scow(*argv, root=store, home=home, env=env, stdin=stdin, user=user, timeout=timeout, cwd=cwd)

    default = root
    return scow


@pytest.fixture
def scow_root(tmp_path: Path) -> Path:
    """The store that the ``scow`` fixture works on; it does not exist yet."""
    return tmp_path / "scow"


@pytest.fixture
def scow(tmp_path: Path, scow_root: Path) -> Scow:
    """The command on a fresh store, with a fresh home: ``scow("pull", "debian:12").ok().stdout``."""
    home = tmp_path / "home"
    home.mkdir()
    return bound_scow(scow_root, home)


@pytest.fixture(scope="session")
def scow_at() -> Callable[[Path, Path], Scow]:
    """``scow_at(root, home)``: the command on a store of the test's own choosing."""
    return bound_scow
