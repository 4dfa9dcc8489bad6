"""Every command that changes a store, with one system call of it refused: it ends well or with one line, the store is
sound and holds what it held or what it should, and the same command then ends as one that nothing disturbed.

``strace`` does the refusing. It counts calls by thread, so the calls that touch the store are found in an undisturbed
run first. ``SCOW_TEST_REFUSALS`` sets how many runs there are.
"""

from __future__ import annotations

import errno
import io
import os
import random
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.layer import tars
from tests.layer.tars import item
from tests.support.cli import PROGRAM, environment
from tests.support.peers import need

from scow import Engine

RUNS = int(os.environ.get("SCOW_TEST_REFUSALS", "40"))
pytestmark = [pytest.mark.slow, pytest.mark.peers, pytest.mark.timeout(max(600, 20 * RUNS))]

#: call -> what it may be refused with; what ends in 2 or 64 is the same to a user
FULL, BROKEN = ("ENOSPC", "EDQUOT"), ("EIO", "ESTALE")
REFUSALS = {
    "openat": (*FULL, *BROKEN, "EMFILE", "EACCES", "EROFS", "ENOMEM"), "write": (*FULL, "EIO"), "read": BROKEN,
    "pwrite64": (*FULL, "EIO"), "writev": (*FULL, "EIO"), "fsync": (*FULL, "EIO"), "rename": (*FULL, "EIO", "EROFS"),
    "link": ("EMLINK", "EPERM"), "linkat": ("EMLINK", "EPERM"), "unlink": ("EIO", "EROFS"), "unlinkat": ("EIO",),
    "mkdir": (*FULL, "EACCES"), "fchmod": ("EPERM", "EIO"), "flock": ("ENOLCK",), "ftruncate": (*FULL, "EIO"),
    "utimensat": ("EIO",), "getdents64": ("EIO", "ENOMEM"), "sendfile": (*FULL, "EIO"), "newfstatat": ("EIO",),
}  # fmt: skip
_CALL = re.compile(r"^(\d+) +(\w+)\(")


Held = tuple[Sequence[str], ...]


class Plain(NamedTuple):
    """A run that nothing disturbed: call -> which of a thread's calls touch, in every thread that makes so many, what
    the command works on; and what there is then."""

    calls: dict[str, list[int]]
    after: Held


@dataclass
class Ground:
    """A store to copy, and the commands to disturb in each copy."""

    directory: Path
    commands: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        engine = Engine(self.template)
        for name in ("here", "gone"):
            tar = tars.write([item("dir", "dir"), item(f"dir/{name}", data=name.encode() * 9000), item("file")])
            engine.images.import_(io.BytesIO(tar), f"{name}:1")
        (self.directory / "plain.tar").write_bytes(tar)
        with (self.directory / "gone.tar").open("wb") as file:
            engine.images.save(["gone:1"], file)
        engine.images.remove("gone:1")
        engine.volumes.create("kept")
        (self.directory / "context").mkdir()
        (self.directory / "context/Dockerfile").write_text("FROM here:1\nCOPY . /copied\nENV a=b\n")
        out, context = str(self.directory / "out.tar"), str(self.directory / "context")
        self.commands = {
            "load": ("load", "-q", "-i", str(self.directory / "gone.tar")),
            "import": ("import", str(self.directory / "plain.tar"), "new:1"),
            "build": ("build", "-q", "-t", "built:1", context),
            "tag": ("tag", "here:1", "other:1"),
            "save": ("save", "-o", out, "here:1"),
            "rmi": ("rmi", "-f", "here:1"),
            "prune": ("system", "prune", "-af", "--volumes"),
            "volume": ("volume", "create", "made"),
            "copy": ("copy", "-q", "store:here:1", f"oci:{self.directory / 'layout'}:1"),
        }

    @property
    def template(self) -> Path:
        return self.directory / "template"

    @property
    def home(self) -> Path:
        return self.directory / "home"

    @property
    def store(self) -> Path:
        return self.directory / "store"

    def reset(self) -> None:
        for made in (self.store, self.directory / "layout"):
            shutil.rmtree(made, ignore_errors=True)
        (self.directory / "out.tar").unlink(missing_ok=True)
        shutil.copytree(self.template, self.store, symlinks=True)

    def run(self, name: str, *strace: str) -> subprocess.CompletedProcess[str]:
        argv = [*strace, sys.executable, *PROGRAM, *self.commands[name]]
        return subprocess.run(
            argv, env=environment(self.store, self.home), text=True, capture_output=True, timeout=120, check=False
        )

    def holds(self) -> Held:
        """Names of images and volumes, and what was written elsewhere: times make digests of some."""
        engine = Engine(self.store)
        names = sorted(name for image in engine.images.list() for name in image.names)
        made = [one for one in ("out.tar", "layout/index.json") if (self.directory / one).exists()]
        return names, [one.name for one in engine.volumes.list()], made

    def undisturbed(self, name: str) -> Plain:
        self.reset()
        log = self.directory / "calls"
        done = self.run(name, "strace", "-f", "-qq", "-y", "-o", str(log), "-e", f"trace={','.join(REFUSALS)}")
        assert done.returncode == 0, done.stderr
        counted: dict[tuple[str, str], int] = defaultdict(int)
        found: dict[str, dict[int, bool]] = defaultdict(dict)
        lines = log.read_text(errors="replace").splitlines()
        for line in lines:
            if call := _CALL.match(line):
                number = counted[call[1], call[2]] = counted[call[1], call[2]] + 1
                ours = str(self.directory) in line and str(self.home) not in line
                found[call[2]][number] = ours and found[call[2]].get(number, True)
        main = lines[0].split()[0]
        written = range(1, counted[main, "write"])  # the next one may be the message
        calls = {call: sorted(n for n, ours in numbers.items() if ours) for call, numbers in found.items()}
        calls["write"] = [number for number in calls["write"] if number in written]
        return Plain({call: numbers for call, numbers in calls.items() if numbers}, self.holds())


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    need("strace")
    return Ground(tmp_path_factory.mktemp("refused"))


def test_a_refused_call(ground: Ground) -> None:
    dice = random.Random(2026)
    plain = {name: ground.undisturbed(name) for name in ground.commands}
    ended = [disturbed(ground, dice, name, plain[name]) for name in dice.choices(sorted(plain), k=RUNS)]
    assert 0 < sum(ended) < RUNS, "nothing was refused, or nothing was got over"


def disturbed(ground: Ground, dice: random.Random, name: str, plain: Plain) -> bool:
    """One run; whether it ended well."""
    ground.reset()
    before, after = ground.holds(), plain.after
    call = dice.choice(sorted(plain.calls))
    fault = f"{call}:error={dice.choice(REFUSALS[call])}:when={dice.choice(plain.calls[call])}"
    flags = ("-f", "-qq", "--seccomp-bpf", "-o", os.devnull, "-e", f"trace={call}", "-e", f"inject={fault}")
    done = ground.run(name, "strace", *flags)
    told = f"{name} with {fault}: {done.returncode} {done.stderr}"
    lines = [line for line in done.stderr.splitlines() if not line.startswith("hint: ")]
    assert done.returncode in (0, 1), told
    assert "Traceback" not in done.stderr, told
    assert len(lines) == 1 or done.returncode == 0, told
    assert ground.holds() in ([after] if done.returncode == 0 else [before, after]), told
    assert Engine(ground.store).system.check().sound, told
    if ground.holds() == before:
        assert ground.run(name).returncode == 0, told
    assert ground.holds() == after, told
    return done.returncode == 0


@pytest.mark.parametrize("call", ["read", "write"])
def test_an_interrupted_call_is_made_again(ground: Ground, call: str) -> None:
    number = ground.undisturbed("load").calls[call][-1]
    ground.reset()
    flags = ("-e", f"trace={call}", "-e", f"inject={call}:error={errno.errorcode[errno.EINTR]}:when={number}")
    done = ground.run("load", "strace", "-f", "-qq", "--seccomp-bpf", "-o", os.devnull, *flags)
    assert (done.returncode, done.stderr) == (0, "")
    assert Engine(ground.store).system.check().sound
