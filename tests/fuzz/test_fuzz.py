"""Strangers' bytes lead to an answer or to an error of ours, in bounded time; and never to anything else.

Mutations of good inputs by a seed, for every target, everywhere; and guided by coverage where Atheris can be imported
(it has wheels for Linux on x86-64; ``SCOW_TEST_FUZZ`` sets the seconds for all targets together).
"""

from __future__ import annotations

import importlib.util
import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.fuzz.targets import TARGETS, Target, feed
from tests.support.peers import refuse

INPUTS = {"tree": 60, "archive": 150}
USUAL = 500
LONGEST = 5.0
SECONDS = int(os.environ.get("SCOW_TEST_FUZZ", "30"))
REPOSITORY = Path(__file__).resolve().parents[2]


def mutated(dice: random.Random, target: Target) -> bytes:
    """A seed with a few changes: bytes and words in, out, twice, swapped."""
    data = bytearray(dice.choice(target.seeds))
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(data) + 1)
        end = min(at + dice.choice([1, 2, 8, 64, 512]), len(data))
        match dice.randrange(6):
            case 0 if data:
                data[min(at, len(data) - 1)] = dice.randrange(256)
            case 1:
                data[at:at] = dice.choice(target.words) if target.words else b"x"
            case 2:
                del data[at:end]
            case 3:
                data[at:at] = data[at:end] * dice.choice([1, 2, 50])
            case 4:
                data[at:end] = dice.choice(target.words) if target.words else b""
            case _:
                data[at:at] = dice.randbytes(dice.choice([1, 4, 20]))
    return bytes(data)


@pytest.mark.parametrize("name", TARGETS)
def test_mutations(name: str) -> None:
    target, dice = TARGETS[name], random.Random(name)
    for seed in target.seeds:
        target.read(seed)  # a good one is no error
    for number in range(INPUTS.get(name, USUAL)):
        data, began = mutated(dice, target), time.monotonic()
        try:
            feed(target, data)
        except BaseException as error:
            raise AssertionError(f"{name}, input {number}: {data[:2000]!r}") from error
        assert time.monotonic() - began < LONGEST, data[:2000]


@pytest.mark.slow
def test_guided_by_coverage(tmp_path: Path) -> None:
    if importlib.util.find_spec("atheris") is None:
        refuse("atheris is not installed (pip install atheris)")
    argv = [sys.executable, "-m", "tests.fuzz.coverage_guided", "all", f"-max_total_time={SECONDS}"]
    limits = ["-rss_limit_mb=1024", "-timeout=10", "-max_len=20000", "-verbosity=0", "-print_final_stats=1"]
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY), "TMPDIR": str(tmp_path)}  # it ends without a clean-up
    done = subprocess.run([*argv, *limits], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-5000:]
    assert (runs := re.search(r"number_of_executed_units: (\d+)", done.stderr)), done.stderr[-5000:]
    assert int(runs[1]) > 1000
