"""Pulls, pushes and copies through a network where everything goes wrong, in front of a real registry.

Each run is a seed: what goes wrong, how often, and in which command. It ends in success or in an error that is right
for what happened, the store is sound after it, no credentials went to another host, and a registry never has a tag that
cannot be pulled. ``SCOW_TEST_FAULTS`` sets the number of slow runs: 1000 is the whole of it.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.engine.places import Made
from tests.support.faults import FAULTS, FaultyProxy, Plan
from tests.support.registries import Registry

from scow import Engine
from scow.errors import Invalid, Limit, NotFound, ScowError, Unavailable
from scow.image.image import load
from scow.oci import media_types
from scow.oci.descriptor import Descriptor
from scow.oci.digest import Digest
from scow.oci.platform import Platform
from scow.oci.reference import Reference
from scow.registry.credentials import CredentialStore
from scow.registry.hosts import Hosts
from scow.registry.transport import Transport

pytestmark = pytest.mark.peers

RUNS = 40
SLOW_RUNS = int(os.environ.get("SCOW_TEST_FAULTS", "100"))
PATIENCE, PATIENT = 0.4, 60
AMD = "linux/amd64"


class Ground:
    """A faulty way to a registry with a password, an image there, and one here."""

    def __init__(self, registry: Registry, proxy: FaultyProxy, directory: Path) -> None:
        self.proxy, self.directory = proxy, directory
        auths = {
            host: {"username": registry.username, "password": registry.password} for host in (proxy.host, registry.host)
        }
        (directory / "config.json").write_text(json.dumps({"auths": auths}))
        self.straight = registry.host
        self.made = Made(bulk=300_000)
        self.kept = self.engine("kept", PATIENT)
        self.made.at(self.kept, f"{registry.host}/origin/app:1")
        self.kept.registries.copy(f"docker://{registry.host}/origin/app:1", "store:local", platforms=[AMD])
        self.ends: Counter[str] = Counter()

    def engine(self, name: str, patience: float = PATIENCE) -> Engine:
        """An engine that waits for nothing between tries, and for ``patience`` seconds for an answer."""
        engine = Engine(self.directory / name, credentials=lambda: CredentialStore((self.directory / "config.json",)))
        engine.workplace.transport = Transport(
            Hosts(), timeout=patience, connect_timeout=patience, sleep=lambda seconds: None, jitter=lambda: 0.5
        )
        return engine

    def run(self, seed: int) -> None:
        """One seed; again with more patience where it was the machine that was slow."""
        assert any(self.ends_right(seed, patience) for patience in (PATIENCE, 10 * PATIENCE, PATIENT)), f"seed {seed}"

    def ends_right(self, seed: int, patience: float) -> bool:
        """Whether it was not just late: nothing went wrong that makes an answer come too late."""
        dice = random.Random(seed)
        faults = tuple(dice.sample(sorted(FAULTS), dice.randint(1, 3)))
        plan = Plan(dice, faults, chance=dice.choice([0.1, 0.3, 1.0]), left=dice.choice([1, 3, 8, 1000]))
        command = dice.choice([self.pull, self.push, self.copy])
        engine, late = self.engine(f"run{seed}", patience), False
        self.proxy.patience = patience
        try:
            with self.proxy.spoiling(plan):
                command(engine, seed)
        except ScowError as error:
            right = tuple({kind for name in plan.happened for kind in FAULTS[name]})
            late = isinstance(error, Unavailable) and not isinstance(error, right)
            assert late or isinstance(error, right), (
                f"seed {seed}: {dict(plan.happened)} led to {type(error).__name__}: {error}"
            )
            assert str(error).isprintable()
            self.ends["error"] += not late
        else:
            self.ends["well"] += 1
        assert self.proxy.leaks == [], f"seed {seed}: credentials went to another host"
        found = engine.system.check()
        assert found.sound, f"seed {seed}: {[fault for fault in found.faults if fault.damage]}"
        self.judge(engine, seed)
        engine.workplace.transport.close()
        shutil.rmtree(engine.root)
        return not late

    def pull(self, engine: Engine, seed: int) -> None:
        engine.images.pull(f"{self.proxy.host}/origin/app:1", platform=AMD)
        assert (
            engine.images.find(f"{self.proxy.host}/origin/app:1").image.descriptor.digest
            == self.made.images[AMD].digest
        )

    def push(self, engine: Engine, seed: int) -> None:
        engine.registries.copy(f"oci:{self.kept.root}:local", "store:local", platforms=[AMD])
        engine.registries.copy("store:local", f"docker://{self.proxy.host}/target/app:{seed}")

    def copy(self, engine: Engine, seed: int) -> None:
        engine.registries.copy(
            f"docker://{self.proxy.host}/origin/app:1", f"docker://{self.proxy.host}/target/app:{seed}", every=True
        )

    def judge(self, engine: Engine, seed: int) -> None:
        """A tag that is there can be pulled, whatever happened while it was made: as long as the registry takes."""
        engine = self.engine(engine.root.name, PATIENT)
        name = f"docker://{self.straight}/target/app:{seed}"
        try:
            engine.registries.digest(name.removeprefix("docker://"))
        except NotFound:
            return
        engine.registries.copy(name, "store:judged", platforms=[AMD])
        image = engine.images.find("judged").image
        assert image.diff_ids == load(self.made.memory, self.made.images[AMD], Platform.parse(AMD)).diff_ids


@pytest.fixture(scope="module")
def ground(password_registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    registry = password_registry
    with FaultyProxy(registry.host, registry.username, registry.password, patience=PATIENCE) as proxy:
        yield Ground(registry, proxy, tmp_path_factory.mktemp("faults"))


def test_every_run_ends_well_or_with_the_right_error(ground: Ground) -> None:
    for seed in range(RUNS):
        ground.run(seed)
    assert min(ground.ends["well"], ground.ends["error"]) > RUNS // 8


@pytest.mark.slow
@pytest.mark.timeout(max(1800, 10 * SLOW_RUNS))
def test_many_runs(ground: Ground) -> None:
    before = ground.ends.copy()
    for seed in range(1000, 1000 + SLOW_RUNS):
        ground.run(seed)
    ended = ground.ends - before
    assert min(ended["well"], ended["error"]) > SLOW_RUNS // 8


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_once_is_got_over(ground: Ground, fault: str, tmp_path: Path) -> None:
    """One bad moment costs no pull, unless what came was a lie."""
    engine = ground.engine(f"once-{fault.replace(' ', '-')}", 10 * PATIENCE)
    ground.proxy.patience = 10 * PATIENCE
    plan = Plan(random.Random(1), (fault,), chance=1.0, left=1)
    try:
        with ground.proxy.spoiling(plan):
            ground.pull(engine, 0)
    except ScowError as error:
        assert fault in ("401", "loop", "wrong content", "wrong length", "endless"), f"{fault}: {error}"
    assert plan.happened[fault] == 1
    ground.pull(engine, 0)
    assert engine.system.check().sound


@pytest.mark.parametrize("depth", [2, 7, 12, 40])
def test_indexes_within_indexes(ground: Ground, depth: int) -> None:
    """A few are fine; a registry cannot make us go down for ever."""
    memory, root = Made().memory, ground.made.index
    for digest, data in ground.made.memory.blobs.items():
        memory.blobs[digest] = data
    for _ in range(depth):
        root = memory.index([root])
    engine = ground.engine(f"deep{depth}", PATIENT)
    repository = engine.workplace.registry.repository(Reference(ground.straight, "deep/app"), push=True)
    for digest, data in memory.blobs.items():
        kind = media_types.OCI_INDEX if b'"manifests"' in data[:60] else "application/octet-stream"
        if b'"layers"' in data[:2000] and b'"schemaVersion"' in data[:60]:
            kind = media_types.OCI_MANIFEST
        memory.names[digest] = Descriptor(kind, Digest(digest), len(data))
    order = sorted(memory.names.values(), key=lambda one: list(memory.blobs).index(one.digest))
    for blob in [one for one in order if not media_types.is_document(one.media_type)]:
        repository.push(blob, memory)
    for document in [one for one in order if media_types.is_document(one.media_type)]:
        repository.push(document, memory)
    repository.tag(root, f"depth{depth}")
    name = f"{ground.straight}/deep/app:depth{depth}"
    if depth == 2:
        engine.images.pull(name, platform=AMD)
    else:
        with pytest.raises((Limit, Invalid)):
            engine.images.pull(name, platform=AMD)
    if depth > 7:
        with pytest.raises((Limit, Invalid)):
            engine.registries.copy(f"docker://{name}", "store:deep", every=True)
    assert engine.system.check().sound
