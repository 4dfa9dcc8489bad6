"""Ordinary users to run scow as, without and with subordinate ids. Creating them takes root."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.support.peers import need, need_root, path_of
from tests.support.processes import CLEAN_ENVIRONMENT
from tests.support.rootfs import cache_directory, locked

_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class User:
    """A throw-away user; ``home`` is the only directory it owns."""

    name: str
    uid: int
    gid: int
    home: Path

    @property
    def environment(self) -> dict[str, str]:
        """What a login would give, and nothing of the environment that the suite runs in."""
        own = {"HOME": str(self.home), "USER": self.name, "LOGNAME": self.name}
        return {**CLEAN_ENVIRONMENT, **own}


def as_user(
    user: User,
    argv: Sequence[str],
    env: Mapping[str, str] | None = None,
    *,
    stdin: bytes | None = None,
    timeout: float = 120,
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run ``argv`` as ``user`` in its home, with a clean environment and no group but its own."""
    return subprocess.run(
        list(argv), user=user.uid, group=user.gid, extra_groups=[], umask=0o022, cwd=cwd or user.home,
        env={**user.environment, **(env or {})}, capture_output=True, input=stdin or b"",
        timeout=timeout, check=False,
    )  # fmt: skip


def _run(program: str, *argv: str) -> None:
    subprocess.run([path_of(program), *argv], check=True, capture_output=True)


def _add_user(name: str, home: Path, *, subordinate: bool) -> User:
    # a system account: useradd gives those no subordinate ids of itself
    _run("useradd", "--system", "--user-group", "--no-create-home", "--home-dir", str(home), "--shell", "/bin/sh", name)
    account = pwd.getpwnam(name)
    if subordinate:
        first = 1_000_000 + account.pw_uid * 65_536
        span = f"{first}-{first + 65_535}"
        _run("usermod", "--add-subuids", span, "--add-subgids", span, name)
    os.chown(home, account.pw_uid, account.pw_gid)
    return User(name=name, uid=account.pw_uid, gid=account.pw_gid, home=home)


@contextmanager
def throw_away_user(*, subordinate: bool) -> Iterator[User]:
    """A user for the length of the block; it and all it owns are removed at the end."""
    need_root()
    need("useradd", *(["newuidmap"] if subordinate else []))
    lock = cache_directory() / ".users.lock"
    # not beneath pytest's own directory, which nobody but root may enter
    home = Path(tempfile.mkdtemp(prefix="scow-user-"))
    name = f"scowt{os.getpid()}-{next(_numbers)}"
    try:
        with locked(lock):  # useradd gives up at once when somebody else holds /etc/passwd
            user = _add_user(name, home, subordinate=subordinate)
        yield user
    finally:
        with locked(lock):
            subprocess.run([path_of("userdel"), name], capture_output=True, check=False)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def ordinary_user() -> Iterator[User]:
    """A user with no entry in /etc/subuid and /etc/subgid: one id is all it can map."""
    with throw_away_user(subordinate=False) as user:
        yield user


@pytest.fixture(scope="session")
def subordinate_user() -> Iterator[User]:
    """A user with 65 536 subordinate ids, as Debian's adduser gives to people."""
    with throw_away_user(subordinate=True) as user:
        yield user
