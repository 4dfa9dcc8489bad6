"""Names for containers that nobody named: always another."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scow import Engine
from scow.engine import naming
from scow.runtime.spec.options import Options


def test_every_name_is_had_before_a_digit_is() -> None:
    taken: set[str] = set()
    while (name := naming.name(len(taken), taken)).isascii() and not name[-1].isdigit():
        assert name not in taken
        taken.add(name)
    assert len(taken) > 3000
    assert naming.name(0, taken) == naming.name(0) + "1"


def test_a_name_that_is_taken_is_not_given_again(
    tmp_path: Path, busybox_tar: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever chance says: here it always says the same."""
    engine = Engine(tmp_path / "store")
    with busybox_tar.open("rb") as tar:
        engine.images.import_(tar, "busybox:1", changes=["CMD sh"])
    chance = os.urandom
    monkeypatch.setattr(os, "urandom", lambda count: bytes(count) if count == 4 else chance(count))
    names = {engine.containers.create("busybox:1", Options()).settings.name for _ in range(5)}
    assert len(names) == 5
