"""The Markdown reference says every verb, and says it the same every time."""

from __future__ import annotations

import subprocess
import sys

from tests.support.cli import SOURCE

from scow.cli.main import VERBS
from scow.cli.reference import reference


def test_every_verb_is_told() -> None:
    text = reference()
    for name, lazy in VERBS.items():
        assert lazy.hidden or f"\n## scow {name}\n" in text
    assert "## scow system prune\n" in text
    assert "      --read-only" in text
    assert "--device-read-bps" not in text


def test_it_is_the_same_in_any_environment() -> None:
    printed = {
        subprocess.run(
            [sys.executable, "-m", "scow.cli.reference"], capture_output=True, text=True, check=True,
            env={"PYTHONPATH": str(SOURCE), **env},
        ).stdout
        for env in ({"COLUMNS": "40", "PYTHONHASHSEED": "1"}, {"COLUMNS": "200", "HOME": "/x", "SCOW_ROOT": "/y"})
    }  # fmt: skip
    assert printed == {reference()}
