"""Targets under Atheris, which looks for inputs that reach new code: ``python -m tests.fuzz.coverage_guided layer
-max_total_time=60``, or ``all`` of them, told apart by their first byte: instrumenting the source takes longer than a
few seconds of fuzzing. Whatever is found is written to the current directory."""

from __future__ import annotations

import importlib
import sys
import tempfile
from pathlib import Path
from typing import Any

atheris: Any = importlib.import_module("atheris")

with atheris.instrument_imports(include=["scow"], enable_loader_override=False):
    from tests.fuzz.targets import TARGETS, Target, feed


def main() -> None:
    """Fuzz until told to stop."""
    name, *flags = sys.argv[1:]
    target = all_of_them() if name == "all" else TARGETS[name]
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(target.seeds):
            Path(corpus, f"seed{number}").write_bytes(seed)
        atheris.Setup([name, *flags, corpus], lambda data: feed(target, data))
        atheris.Fuzz()


def all_of_them() -> Target:
    """One target that stands for every other."""
    targets = list(TARGETS.values())

    def read(data: bytes) -> None:
        if data:
            targets[data[0] % len(targets)].read(data[1:])

    return Target(read, tuple(bytes([at]) + seed for at, one in enumerate(targets) for seed in one.seeds))


if __name__ == "__main__":
    main()
