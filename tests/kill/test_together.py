"""Eight processes on one store, pulling, pushing, building, tagging, removing, pruning and loading: none gets in the
way of another, no name is lost, and nothing that somebody needs is collected. ``SCOW_TEST_MIXES`` sets how many
commands each runs: 25 makes 200 in all."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.engine.places import Made
from tests.kill import mixer
from tests.layer import tars
from tests.layer.tars import item
from tests.support.processes import CLEAN_ENVIRONMENT

from scow import Engine
from scow.testing.registry import Registry

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

PROCESSES = 8
MIXES = int(os.environ.get("SCOW_TEST_MIXES", "10"))


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    engine = Engine(tmp_path / "maker")
    engine.images.import_(io.BytesIO(tars.write([item("loaded", data=b"x" * 50_000)])), mixer.LOADED)
    with (tmp_path / "loaded.tar").open("wb") as file:
        engine.images.save([mixer.LOADED], file)
    return tmp_path / "loaded.tar"


def started(root: Path, registry: str, archive: Path, seed: int, count: int) -> subprocess.Popen[str]:
    argv = [sys.executable, mixer.__file__, str(root), registry, str(archive), str(seed), str(count)]
    return subprocess.Popen(
        argv, env={**CLEAN_ENVIRONMENT, "HOME": str(root.parent)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def prepare(root: Path, registry: Registry) -> Engine:
    engine = Engine(root)
    engine.images.import_(io.BytesIO(tars.write([item("base", data=b"x" * 50_000)])), mixer.BASE)
    for number in range(mixer.REMOTE):
        Made(bulk=100_000 * (number + 1)).at(engine, f"{registry.host}/shared/app:{number}")
    return engine


def test_nobody_is_in_the_way(archive: Path, tmp_path: Path) -> None:
    with Registry() as registry:
        engine = prepare(tmp_path / "store", registry)
        running = [started(engine.root, registry.host, archive, seed, MIXES) for seed in range(PROCESSES)]
        names = {mixer.BASE}
        for process in running:
            said, wrong = process.communicate(timeout=600)
            assert process.returncode == 0, wrong
            names |= set(json.loads(said))
        judge(engine, names)


def test_nor_is_one_that_is_killed(archive: Path, tmp_path: Path) -> None:
    """Half of the processes are killed in the middle; what the others leave is whole."""
    with Registry() as registry:
        engine = prepare(tmp_path / "store", registry)
        running = [started(engine.root, registry.host, archive, seed, MIXES) for seed in range(100, 100 + PROCESSES)]
        names = {mixer.BASE}
        time.sleep(2)
        for process in running[::2]:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            time.sleep(0.3)
        for process in running[1::2]:
            said, wrong = process.communicate(timeout=600)
            assert process.returncode == 0, wrong
            names |= set(json.loads(said))
        judge(engine, names)


def judge(engine: Engine, names: set[str]) -> None:
    """Every name is there and can be read to its last file; the store is sound, and no part is left behind."""
    found = engine.system.check()
    assert found.sound, [fault for fault in found.faults if fault.damage]
    known = {name for image in engine.images.list() for name in image.names}
    assert names <= known, names - known
    for number, name in enumerate(sorted(names)):
        engine.images.checkout(name, engine.root.parent / f"out{number}")
    engine.system.prune()
    assert [fault for fault in engine.system.check().faults if fault.kind == "unneeded"] == []
