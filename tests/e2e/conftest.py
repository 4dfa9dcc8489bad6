"""Actors, and images that every file of this directory starts from."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.actors import Actor
from tests.support.users import User


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
