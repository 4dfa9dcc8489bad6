"""What every test of the room may ask for."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from tests.image import images


@pytest.fixture(scope="module", params=["directories", "mountable files"])
def mounts(request: pytest.FixtureRequest) -> bool:
    """Whether the store's layers are files to mount: both kinds, where the machine knows both."""
    if request.param == "directories":
        return False
    images.need_mountable(Path(tempfile.gettempdir()))
    return True
