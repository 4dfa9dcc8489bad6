"""Removing trees, also when somebody else removes them at the same time."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from scow.layer.removal import remove_at

DEEP = 150  # more than remove_at holds descriptors for


@pytest.fixture
def parent(tmp_path: Path) -> Path:
    """A directory with a tree ``t`` in it: wide, deep, with a link out of it and files nobody may read."""
    tree = tmp_path / "in" / "t"
    for number in range(12):
        for other in range(12):
            (tree / f"{number}/{other}").mkdir(parents=True)
            (tree / f"{number}/{other}/file").touch()
    (tree / "/".join(["d"] * DEEP)).mkdir(parents=True)
    (tree / "locked").mkdir(mode=0)
    (tmp_path / "outside").write_text("stays")
    (tree / "out").symlink_to(tmp_path)
    return tmp_path / "in"


def removed(parent: Path) -> None:
    fd = os.open(parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        remove_at(fd, b"t")
    finally:
        os.close(fd)


def test_all_of_it_and_nothing_else(parent: Path) -> None:
    removed(parent)
    assert list(parent.iterdir()) == []
    assert (parent.parent / "outside").read_text() == "stays"
    removed(parent)  # what is not there is fine


@pytest.mark.parametrize("attempt", range(4))
def test_two_at_once(parent: Path, attempt: int) -> None:
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(removed, parent) for _ in range(4)]:
            done.result()
    assert list(parent.iterdir()) == []
