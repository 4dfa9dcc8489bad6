"""Actors, and images that every file of this directory starts from."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.actors import Actor
from tests.support.cli import Scow, bound_scow
from tests.support.rootfs import debian_tar_path
from tests.support.users import User, throw_away_user

DEBIAN = "debian:12"


@pytest.fixture
def caller(tmp_path: Path) -> Actor:
    """Whoever runs the suite (root in CI), in a directory of this test's own."""
    return Actor(tmp_path)


@pytest.fixture
def ordinary(ordinary_user: User) -> Iterator[Actor]:
    """A user without privileges and without subordinate ids, in a directory of this test's own."""
    directory = Path(tempfile.mkdtemp(dir=ordinary_user.home))
    actor = Actor(directory, ordinary_user)
    actor.own(directory)
    yield actor
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(params=["caller", "ordinary"])
def actor(request: pytest.FixtureRequest) -> Actor:
    """The test runs twice: as whoever runs the suite, and as an ordinary user."""
    chosen: Actor = request.getfixturevalue(request.param)
    return chosen


@pytest.fixture(scope="session")
def busybox(tmp_path_factory: pytest.TempPathFactory, busybox_tar: Path) -> Path:
    """``busybox:1`` as an archive that ``load`` takes."""
    actor = Actor(tmp_path_factory.mktemp("busybox"))
    actor("import", "-c", 'CMD ["sh"]', str(busybox_tar), "busybox:1").ok()
    actor("save", "-o", str(actor.directory / "busybox.tar"), "busybox:1").ok()
    return actor.directory / "busybox.tar"


@pytest.fixture
def stocked(caller: Actor, busybox: Path) -> Actor:
    """A store that has ``busybox:1``."""
    caller("load", "-i", str(busybox)).ok()
    return caller


@pytest.fixture(scope="session", params=["root", "subordinate", "ordinary"])
def debian(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scow]:
    """The command of some user, whose store has Debian in it."""
    if request.param == "root":
        place = tmp_path_factory.mktemp("life")
        yield _with_debian(bound_scow(place / "store", place))
        return
    with throw_away_user(subordinate=request.param == "subordinate") as user:
        yield _with_debian(_as(user))


def _as(user: User) -> Scow:
    command = bound_scow(user.home / "store", user.home)

    def scow(*argv: str, **rest: object) -> object:
        return command(*argv, user=user, **rest)  # type: ignore[arg-type]

    return scow  # type: ignore[return-value]


def _with_debian(scow: Scow) -> Scow:
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        shutil.copy(debian_tar_path(), f"{place}/debian.tar")
        os.chmod(f"{place}/debian.tar", 0o644)
        scow("import", f"{place}/debian.tar", DEBIAN).ok()
    return scow
