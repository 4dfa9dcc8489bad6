"""A fresh store and an open registry, for what needs no more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scow import Engine
from scow.testing.registry import Registry


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """The library on a fresh store."""
    return Engine(tmp_path / "store")


@pytest.fixture
def registry() -> Iterator[Registry]:
    """An open registry in this process."""
    with Registry() as server:
        yield server
