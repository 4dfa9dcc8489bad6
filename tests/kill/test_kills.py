"""SIGKILL at random moments: what was in the store stays whole, and the same command then succeeds.

Each case kills one command :data:`KILLS` times (``SCOW_TEST_KILLS`` sets another number: 250 makes a thousand in all),
runs it to its end after every few kills, and looks at the whole store after each: every blob has its digest, every
image all its parts, every unpacked file its content. ``scow system check`` must find the same.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import signal
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.support.cli import popen_scow, run_scow
from tests.support.leftovers import until

from scow import Engine
from scow.image.store import Store
from scow.testing.registry import Registry

KILLS = int(os.environ.get("SCOW_TEST_KILLS", "26"))
pytestmark = [pytest.mark.slow, pytest.mark.timeout(max(900, 40 * KILLS))]
TO_THE_END_EVERY = 4


def layer_tar(seed: int, files: int = 120, size: int = 24_000) -> bytes:
    """A layer of files that compress by half, in a few directories."""
    made = random.Random(seed)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for number in range(files):
            data = made.randbytes(size // 2) + bytes(size - size // 2)
            member = tarfile.TarInfo(f"data{seed}/part{number % 7}/file{number}")
            member.size, member.mode, member.mtime = len(data), 0o644, 1_700_000_000
            tar.addfile(member, io.BytesIO(data))
    return out.getvalue()


@dataclass
class Place:
    """A store with an older image in it, and all that the commands under test need."""

    root: Path
    home: Path
    registry: str
    older: frozenset[str] = frozenset()
    moments: random.Random = field(default_factory=lambda: random.Random(20_26))

    def run(self, *argv: str) -> str:
        """A command that must succeed."""
        return run_scow(*argv, root=self.root, home=self.home).ok().stdout

    def ids(self) -> frozenset[str]:
        """The ids of all images."""
        return frozenset(str(one.id) for one in Engine(self.root).images.list())

    def check(self) -> None:
        """The store is whole, by our own judgement and by scow's."""
        check(self.root)
        found = Engine(self.root).system.check()
        assert found.sound, found.faults

    def kill(self, argv: tuple[str, ...], longest: float) -> float | None:
        """Start the command and kill it with all its children, at a random moment before ``longest``.

        How long it took, when it was faster than the kill.
        """
        began = time.monotonic()
        process = popen_scow(*argv, root=self.root, home=self.home)
        try:
            process.communicate(timeout=self.moments.uniform(0.02, longest))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return None
        return time.monotonic() - began

    def timed(self, argv: tuple[str, ...]) -> float:
        """Run the command to its end; how long it took."""
        began = time.monotonic()
        self.run(*argv)
        return time.monotonic() - began


def check(root: Path) -> None:
    """The store is whole: judged from its files, not by the code under test."""
    index = json.loads((root / "index.json").read_bytes())
    for path in (root / "blobs" / "sha256").iterdir():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name, f"blob {path.name} is not its digest"
    for entry in index["manifests"]:
        manifest = blob(root, entry)
        config = blob(root, manifest["config"])
        assert len(config["rootfs"]["diff_ids"]) == len(manifest["layers"])
        for layer in manifest["layers"]:
            assert (root / "blobs" / "sha256" / layer["digest"][7:]).stat().st_size == layer["size"]
    store = Store(root)
    for diff_id in store.layers:
        tree, found = store.layers.tree(diff_id), store.layers.index(diff_id)
        if tree is None:
            continue
        assert found is not None, "an unpacked tree without its index"
        for file in found:
            if file.kind == "file":
                content = (tree / os.fsdecode(file.path)).read_bytes()
                assert hashlib.sha256(content).digest() == file.digest, f"{file.path!r} is not what the layer holds"


def blob(root: Path, descriptor: dict[str, Any]) -> dict[str, Any]:
    """A JSON document that must be in the store."""
    path = root / "blobs" / "sha256" / descriptor["digest"][7:]
    document: dict[str, Any] = json.loads(path.read_bytes())
    return document


@pytest.fixture
def place(tmp_path: Path, busybox_tar: Path) -> Iterator[Place]:
    home = tmp_path / "home"
    home.mkdir()
    with Registry(tmp_path / "registry") as registry:
        made = Place(tmp_path / "store", home, registry.host)
        made.run("import", str(busybox_tar), "older:1")
        made.older = made.ids()
        yield made


@pytest.fixture
def big(place: Place, tmp_path: Path) -> str:
    """An image of four layers, in the registry and in an archive, not in the store under test."""
    context = tmp_path / "big"
    context.mkdir()
    lines = ["FROM scratch"]
    for seed in range(4):
        (context / f"{seed}.tar").write_bytes(layer_tar(seed))
        lines.append(f"ADD {seed}.tar /")
    (context / "Dockerfile").write_text("\n".join(lines))
    name = f"{place.registry}/big:1"
    maker = Place(tmp_path / "maker", place.home, place.registry)
    maker.run("build", "-q", "-t", name, str(context))
    maker.run("push", "-q", name)
    maker.run("save", "-o", str(tmp_path / "big.tar"), name)
    return name


def harass(place: Place, argv: tuple[str, ...], undo: Callable[[], None], done: Callable[[], bool]) -> None:
    """Kill the command many times; in between, let it succeed."""
    longest = place.timed(argv)
    assert done()
    undo()
    killed = 0
    for _ in range(6 * KILLS):
        if killed == KILLS:
            break
        took = place.kill(argv, longest)
        if took is not None:  # the machine's speed changes: the next moment is chosen from what it takes now
            longest = (longest + took) / 2
            undo()
            continue
        longest *= 1.02
        killed += 1
        place.check()
        assert place.older <= place.ids()
        if killed % TO_THE_END_EVERY == 0:
            place.run(*argv)
            assert done()
            place.check()
            assert place.run("run", "--rm", "older:1", "echo", "alive") == "alive\n"
            undo()
    assert killed == KILLS


def test_pull(place: Place, big: str) -> None:
    def undo() -> None:
        run_scow("rmi", big, root=place.root, home=place.home)

    harass(place, ("pull", big), undo, lambda: big in place.run("images", "--format", "{{.Repository}}:{{.Tag}}"))


def test_load(place: Place, big: str, tmp_path: Path) -> None:
    def undo() -> None:
        run_scow("rmi", big, root=place.root, home=place.home)

    argv = ("load", "-i", str(tmp_path / "big.tar"))
    harass(place, argv, undo, lambda: big in place.run("images", "--format", "{{.Repository}}:{{.Tag}}"))


def test_build(place: Place, tmp_path: Path) -> None:
    context = tmp_path / "context"
    context.mkdir()
    (context / "data.tar").write_bytes(layer_tar(9))
    (context / "Dockerfile").write_text(
        "FROM older:1 AS one\nCOPY data.tar /\nRUN cp /data.tar /copy.tar && rm /data.tar\n"
        "FROM older:1\nADD data.tar /\nCOPY --from=one /copy.tar /\nRUN ls -lR /data9 > /list\n"
    )

    def undo() -> None:
        run_scow("rmi", "built:1", root=place.root, home=place.home)
        place.run("builder", "prune", "-af")

    def done() -> bool:
        return "file1" in place.run("run", "--rm", "built:1", "cat", "/list")

    harass(place, ("build", "-q", "-t", "built:1", str(context)), undo, done)


def test_prune(place: Place, big: str) -> None:
    """The image that is pruned comes back; the one that a container stands on is never touched."""
    place.run("run", "--name", "keeper", "older:1", "true")

    def undo() -> None:
        place.run("pull", "-q", big)

    undo()
    harass(place, ("image", "prune", "-af"), undo, lambda: place.ids() == place.older)


def test_run_leaves_nothing_running(place: Place) -> None:
    """A killed ``run`` takes its container with it, and ``ps`` tells the truth."""
    seconds = f"97531.{os.getpid()}"  # other suites on this machine run the same test
    for _ in range(8):
        place.kill(("run", "--rm", "older:1", "sleep", seconds), 0.6)
    until(lambda: not sleepers(seconds))
    assert place.run("ps", "-q") == ""
    for container in place.run("ps", "-aq").split():
        place.run("rm", container)
    place.check()
    mounts = Path("/proc/self/mountinfo").read_text()
    assert str(place.root) not in mounts


def sleepers(seconds: str) -> list[str]:
    """The processes of the containers that sleep for so long."""
    found = []
    for directory in Path("/proc").iterdir():
        try:
            if directory.name.isdigit() and seconds.encode() in (directory / "cmdline").read_bytes().split(b"\0"):
                found.append(directory.name)
        except OSError:
            continue
    return found
