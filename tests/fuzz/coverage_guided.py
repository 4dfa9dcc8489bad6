"""One target under Atheris, which looks for inputs that reach new code: ``python -m tests.fuzz.coverage_guided layer
-max_total_time=60 CORPUS``. Whatever it finds is written to the current directory."""

from __future__ import annotations

import importlib
import sys
import tempfile
from pathlib import Path
from typing import Any

atheris: Any = importlib.import_module("atheris")

with atheris.instrument_imports(include=["scow"], enable_loader_override=False):
    from tests.fuzz.targets import TARGETS, feed


def main() -> None:
    """Fuzz until told to stop."""
    name, *flags = sys.argv[1:]
    target = TARGETS[name]
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(target.seeds):
            Path(corpus, f"seed{number}").write_bytes(seed)
        atheris.Setup([name, *flags, corpus], lambda data: feed(target, data))
        atheris.Fuzz()


if __name__ == "__main__":
    main()
