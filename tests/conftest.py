"""Registers the suite's fixtures; they live in ``tests/support``, a file for each kind of ground to stand on."""

from __future__ import annotations

import sys
from collections import Counter
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


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Workers take whole files: those with slow tests come first, then the larger ones, so that all end together."""
    if not hasattr(config, "workerinput"):
        return
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    tests = Counter(item.path for item in items)
    items.sort(key=lambda item: (-slow[item.path], -tests[item.path], str(item.path)))
