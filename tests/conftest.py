"""Registers the suite's fixtures; they live in ``tests/support``, a file for each kind of ground to stand on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

_REPOSITORY = str(Path(__file__).resolve().parents[1])
if _REPOSITORY not in sys.path:  # `tests.support` is imported by name, from tests and from the bench
    sys.path.insert(0, _REPOSITORY)

#: what is imported by another comes first: pytest rewrites asserts only in what it imports itself
pytest_plugins = [
    "tests.support.rootfs",
    "tests.support.users",
    "tests.support.cli",
    "tests.support.registries",
    "tests.support.daemons",
    "tests.support.containers",
]

# how fast a machine is tells nothing about the code; and a change is judged by the same examples as the one before it
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("new", deadline=None)
settings.load_profile("same")


def pytest_configure(config: pytest.Config) -> None:
    """Who is told to end tears down what it has set up, as at Ctrl-C: users, mounts and servers are the machine's."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def nothing_is_left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """When all else is torn down no process and no mount uses the suite's directory."""
    yield
    from tests.support.leftovers import held

    place, end = tmp_path_factory.getbasetemp(), time.monotonic() + 30
    while (left := held(place)) and time.monotonic() < end:  # what was told to end may be at it
        time.sleep(0.1)
    if os.geteuid() != 0:  # files of subordinate ids become the user's: pytest could not remove them
        own = ["unshare", "--map-root-user", "--map-auto", "chown", "-hR", "0:0", str(place)]
        subprocess.run(own, check=False, capture_output=True)
    assert not left, "\n".join(["left behind:", *left])


@pytest.fixture
def deep_path(tmp_path: Path) -> Iterator[Path]:
    """A directory whose trees may be deeper than pytest removes: one of those ends each later run in a traceback."""
    from scow.layer.removal import remove

    place = tmp_path / "deep"
    place.mkdir()
    yield place
    remove(place)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Workers take whole files: those with slow tests come first, then the larger ones, so that all end together."""
    if not hasattr(config, "workerinput"):
        return
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    tests = Counter(item.path for item in items)
    items.sort(key=lambda item: (-slow[item.path], -tests[item.path], str(item.path)))
