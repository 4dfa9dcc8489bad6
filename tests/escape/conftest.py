"""The runtimes' own ground, and one more user on it: with subordinate ids (rung 2)."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from tests.runtime.conftest import BUSYBOX, ORDINARY, Driver, driver_of, runtime
from tests.support.users import throw_away_user

__all__ = ["driver", "runtime"]


@pytest.fixture(scope="session", params=["root", "mapped", "ordinary"])
def driver(request: pytest.FixtureRequest) -> Iterator[Driver]:
    """Rungs 1, 2 and 3."""
    if not os.access(BUSYBOX, os.X_OK):
        pytest.skip("busybox-static is not installed")
    if os.geteuid() != 0:
        pytest.skip("takes root to be everybody")
    if request.param == "mapped":
        with throw_away_user(subordinate=True) as user, driver_of(user.uid, mapped=True, group=user.gid) as made:
            yield made
        return
    with driver_of(0 if request.param == "root" else ORDINARY) as made:
        yield made
