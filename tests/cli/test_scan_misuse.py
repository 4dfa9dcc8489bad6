"""``scow scan`` when what is asked for cannot be: it says so before it scans anything, and what there is instead."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.conftest import Console
from tests.cli.test_scan_verbs import base
from tests.image.images import stored

from scow.image.store import Store


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The current directory, without ignore files."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


@pytest.fixture
def app(console: Console) -> str:
    stored(Store(console.store), [base(bash="5.2")], "app:1")
    return "app:1"


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--format", "jsn"], "jsn: no such format\nhint: there are table, json, template, sarif, "),
        (["--format", "template"], "--format template needs a --template"),
        (["--template", "{{.Target}}"], "--template goes with --format template"),
        (["--severity", "hihg"], "hihg: no such severity\nhint: there are critical, high, "),
        (["--severity", "high,,low"], ": no such severity"),
        (["--fail-on", ","], ",: no such severity"),
        (["--fail-on", "high,low"], "high,low: no such severity"),
        (["--exit-code", "300"], "300 is not in the range 0<=x<=255"),
        (["--compare", "app:1", "--format", "sarif"], "--compare cannot be shown as sarif"),
        (["--platform", "linux/s390x"], "image with reference app:1 was found but does not match linux/s390x"),
        (["--ignorefile", "nowhere"], "open nowhere: no such file or directory"),
    ],
)
def test_it_is_said(console: Console, app: str, argv: list[str], message: str) -> None:
    done = console("scan", "--offline", *argv, app)
    assert done.code != 0
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.output == b""


def test_an_image_of_another_platform_elsewhere(console: Console, app: str) -> None:
    done = console("scan", "--offline", "--platform", "linux/s390x", f"oci:{console.store}:{app}")
    assert (done.code, done.output) == (1, b"")
    assert "is for linux/amd64, not for linux/s390x" in done.stderr


def test_a_rule_that_is_none_is_shown_with_its_line(console: Console, app: str) -> None:
    Path(".scowignore").write_text("# fine\nCVE-1\nCVE-2 until tomorrow\n")
    done = console("scan", "--offline", app)
    assert ".scowignore:3: 'until' is neither exp:YYYY-MM-DD nor pkg:NAME" in done.stderr
    assert "3 | CVE-2 until tomorrow" in done.stderr


def test_offline_asks_no_registry(console: Console) -> None:
    done = console("scan", "--offline", "nosuch:1")
    assert done.code == 1
    assert done.stderr == "scow: No such image: nosuch:1\nhint: docker://nosuch:1 is the one at its registry\n"


def test_nothing_to_check_is_not_nothing_found(console: Console) -> None:
    assert console("scan", "--offline", "dir:.").ok().lines[1] == "nothing to check"


def test_pipes_are_wide_unless_columns_say_otherwise(console: Console, app: str) -> None:
    wide, narrow = (console("scan", "--offline", app, env=env).ok().lines for env in ({}, {"COLUMNS": "80"}))
    assert max(map(len, narrow)) <= 80 < max(map(len, wide))
    assert any(line.endswith("scow db update Debian)") for line in narrow)  # to be copied
