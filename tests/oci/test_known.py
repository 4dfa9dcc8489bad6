"""Documents of one type, decoded for the first time by several threads at once."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import msgspec
import pytest

from scow.engine.containers import records
from scow.layer import entry, index
from scow.oci import config, descriptor, manifest, platform
from scow.runtime.spec import keeping, options, ports

_RACE = """
import sys, threading
from typing import Literal
import msgspec
from scow.oci.documents import decode

sys.setswitchinterval(1e-7)
several = threading.Barrier(6)
failed = []

def work(kind):
    several.wait()
    try:
        decode(b'{"path": "a", "kind": "file"}', kind, "a test")
    except Exception as error:
        failed.append(error)

for number in range(400):
    pairs = tuple[tuple[str, str], ...]
    kind = msgspec.defstruct("Fresh", [("path", str), ("kind", Literal["file", "dir"]), ("pairs", pairs, ())])
    threads = [threading.Thread(target=work, args=(kind,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
sys.exit(len(failed))
"""


def test_threads_that_meet_at_a_type_that_is_new() -> None:
    """In an interpreter of its own: it would take this one down (msgspec 0.22 without ``known``: every time)."""
    done = subprocess.run([sys.executable, "-c", _RACE], capture_output=True, check=False)
    assert done.returncode == 0, done


def test_nothing_is_decoded_otherwise() -> None:
    """Decoders made while a module is loaded are safe: one thread loads it."""
    typed = re.compile(r"msgspec\.(?:convert\(|\w+\.decode\(.*type=|\w+\.Decoder\()(?!.*known\()")
    source = Path(__file__).parents[2] / "src/scow"
    found = [
        f"{path.relative_to(source)}: {line.strip()}"
        for path in sorted(source.rglob("*.py"))
        if path.name != "known.py"
        for line in path.read_text().splitlines()
        if typed.search(line) and line.startswith(" ")
    ]
    assert found == []


@pytest.mark.parametrize(
    "module", [config, descriptor, entry, index, keeping, manifest, options, platform, ports, records], ids=str
)
def test_no_annotation_is_left_to_compile(module: ModuleType) -> None:
    """They are 170 in an everyday command, which would take a twentieth of it."""
    kinds = [kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, msgspec.Struct)]
    assert kinds
    assert not [told for kind in kinds for told in kind.__annotations__.values() if isinstance(told, str)]
