"""The plan of the house holds: imports run downward, no circles, pure rooms stay pure, local verbs start light."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.architecture import (
    cycle_complaints,
    floor_complaints,
    purity_complaints,
    read_source,
    runtime_complaints,
)
from tests.support.cli import COMMAND, environment

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "scow"

#: what a verb that looks only at the local store has no use for, and what it would cost at every start
HEAVY = (
    "asyncio",
    "email",
    "http",
    "logging",
    "rich",
    "sqlite3",
    "ssl",
    "subprocess",
    "tarfile",
    "unittest",
    "urllib3",
)


def told(complaints: list[str]) -> str:
    return "\n".join(complaints)


def test_imports_run_downward() -> None:
    complaints = floor_complaints(read_source(PACKAGE))
    assert not complaints, told(complaints)


def test_what_a_launcher_loads_imports_nothing_of_the_command() -> None:
    complaints = runtime_complaints(read_source(PACKAGE))
    assert not complaints, told(complaints)


def test_no_room_imports_in_a_circle() -> None:
    complaints = cycle_complaints(read_source(PACKAGE))
    assert not complaints, told(complaints)


def test_pure_rooms_do_not_touch_the_world() -> None:
    complaints = purity_complaints(read_source(PACKAGE))
    assert not complaints, told(complaints)


def house(tmp_path: Path, files: dict[str, str]) -> Path:
    """A small package to find fault with."""
    package = tmp_path / "scow"
    for name, text in {"__init__.py": "", **files}.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return package


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ({"oci/a.py": "from scow.cli import b\n", "cli/b.py": ""}, "oci/a.py:1: scow.oci.a imports scow.cli.b, upward"),
        (
            {"layer/a.py": "\nimport scow.content\n", "content/__init__.py": ""},
            "a.py:2: scow.layer.a imports scow.content, side",
        ),
        ({"oci/a.py": "def f():\n    from scow import Engine\n"}, "oci/a.py:2: scow.oci.a imports scow, upward"),
        (
            {
                "oci/a.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import scow.cli\n",
                "cli/__init__.py": "",
            },
            "oci/a.py:3: scow.oci.a imports scow.cli, upward",
        ),
        ({"cli/a.py": "from . import b\n"}, "cli/a.py:1: a relative import"),
        ({"utils/a.py": ""}, "utils/a.py:1: room 'utils' has no floor"),
    ],
)
def test_a_wrong_direction_is_named(tmp_path: Path, files: dict[str, str], complaint: str) -> None:
    assert complaint in told(floor_complaints(read_source(house(tmp_path, files))))


def test_a_wrong_direction_in_the_runtime_is_named(tmp_path: Path) -> None:
    files = {
        "runtime/bundle.py": "from scow.runtime.kernel import a\n",
        "runtime/kernel/a.py": "def f():\n    from scow.runtime import bundle\n",
    }
    complaints = runtime_complaints(read_source(house(tmp_path, files)))
    assert len(complaints) == 1
    assert "kernel/a.py:2: scow.runtime.kernel.a imports scow.runtime.bundle, upward" in complaints[0]


def test_the_right_directions_are_not(tmp_path: Path) -> None:
    files = {"cli/a.py": "from scow import __version__\nfrom scow.oci.b import c\nimport os\n", "oci/b.py": "c = 1\n"}
    assert floor_complaints(read_source(house(tmp_path, files))) == []


def test_a_circle_is_named_once(tmp_path: Path) -> None:
    files = {
        "oci/a.py": "from scow.oci.b import x\n",
        "oci/b.py": "import scow.oci.c\n",
        "oci/c.py": "def f():\n    from scow.oci import a\n",
        "oci/d.py": "import scow.oci.a\n",
    }
    complaints = cycle_complaints(read_source(house(tmp_path, files)))
    assert len(complaints) == 1
    assert "oci/a.py:1: scow.oci.a -> scow.oci.b -> scow.oci.c -> scow.oci.a" in complaints[0]


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        (
            {"oci/a.py": "import os.path\n", "oci/__init__.py": '"""A room. Pure."""'},
            "oci/a.py:1: scow.oci.a imports os.path",
        ),
        ({"oci/a.py": '"""PURE."""\nfrom pathlib import Path\n'}, "oci/a.py:2: scow.oci.a imports pathlib"),
        ({"oci/a.py": '"""Pure."""\ny = open("f")\n'}, "oci/a.py:2: scow.oci.a opens a file"),
        (
            {"oci/a.py": '"""Pure."""\nimport datetime\nx = datetime.datetime.now()\n'},
            "oci/a.py:3: scow.oci.a reads the clock",
        ),
        (
            {"layer/entry.py": '"""Pure."""\nimport scow.layer.b\n', "layer/b.py": "\nimport time\n"},
            "b.py:2: scow.layer.b imports time (",
        ),
    ],
)
def test_a_look_at_the_world_is_named(tmp_path: Path, files: dict[str, str], complaint: str) -> None:
    package = house(tmp_path, files)
    assert complaint in told(purity_complaints(read_source(package)))


def test_pure_paths_and_impure_rooms_are_fine(tmp_path: Path) -> None:
    pure = '"""Pure."""\nfrom pathlib import PurePosixPath\n'
    package = house(tmp_path, {"oci/a.py": pure, "layer/tree.py": "import os\n"})
    assert purity_complaints(read_source(package)) == []


@pytest.mark.parametrize("argv", [("version",), ("images",), ("ps",), ("--help",)], ids=" ".join)
def test_a_local_verb_imports_nothing_heavy(argv: tuple[str, ...], tmp_path: Path) -> None:
    if importlib.util.find_spec("scow.cli.main") is None:
        pytest.skip("there is no command yet")
    show = "import atexit, sys; atexit.register(lambda: print('loaded:', *sys.modules)); "
    env = environment(tmp_path / "store", tmp_path)
    code = [sys.executable, "-X", "frozen_modules=off", "-I", "-c", show + COMMAND[1], *argv]
    done = subprocess.run(code, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded = done.stdout.rpartition("loaded:")[2].split()
    assert "scow.cli.main" in loaded
    assert [name for name in loaded if name.split(".")[0] in HEAVY] == []
