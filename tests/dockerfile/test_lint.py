"""Every rule by its golden folder: what it finds (``bad``), what it leaves alone (``good``), what it mends (``fixed``).

A folder ``tests/dockerfile/lint/<rule>`` may also hold ``settings.yaml``, a ``dockerignore``, and ``names`` of the
context. To see what a case gives, run this test and read the difference.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from scow.dockerfile.ignore import Patterns
from scow.dockerfile.lint import configuration
from scow.dockerfile.lint.finding import Finding
from scow.dockerfile.lint.fixing import fixed
from scow.dockerfile.lint.linted import Around
from scow.dockerfile.lint.linting import look
from scow.dockerfile.lint.settings import Settings
from scow.dockerfile.lint.table import RULES

HERE = Path(__file__).parent / "lint"
NAMES = [rule.name for rule in RULES]
FIXABLE = [rule.name for rule in RULES if rule.fixable]


def settings_of(folder: Path) -> Settings:
    """The folder's settings, and no rule but its own."""
    file = folder / "settings.yaml"
    read = configuration.settings(file.read_bytes(), file.name) if file.exists() else Settings()
    return replace(read, only=frozenset({folder.name}), pragmas=False)


def around_of(folder: Path) -> Around:
    """The context that the folder tells of."""
    ignore, names = folder / "dockerignore", folder / "names"
    patterns = Patterns.parse(ignore.read_bytes()) if ignore.exists() else None
    return Around(patterns, frozenset(names.read_text().split()) if names.exists() else frozenset())


def shown(finding: Finding, text: str) -> str:
    """A finding with its line and a caret."""
    span = finding.span
    line = text.split("\n")[span.start_line - 1]
    caret = " " * (span.column - 1) + "^" * span.width
    hint = f"hint: {finding.hint}\n" if finding.hint else ""
    return f"{span.start_line}: {finding.severity.word}: {finding.message}\n{line}\n{caret}\n{hint}"


def report(folder: Path, which: str) -> str:
    """What the folder's rule says of its good or bad Dockerfile."""
    looked = look((folder / which / "Dockerfile").read_bytes(), "Dockerfile", settings_of(folder), around_of(folder))
    return "\n".join(shown(finding, looked.text) for finding in looked.findings)


def mended(folder: Path, text: str) -> str:
    """The text with what the folder's rule can mend."""
    return fixed(text, "Dockerfile", settings_of(folder), around_of(folder))


def test_every_rule_has_a_folder_and_every_folder_a_rule() -> None:
    assert sorted(NAMES) == sorted(folder.name for folder in HERE.iterdir())
    assert len(NAMES) == len(set(NAMES)) >= 70


@pytest.mark.parametrize("rule", NAMES)
def test_bad_is_found(rule: str) -> None:
    expected = (HERE / rule / "expected.txt").read_text()
    assert expected
    assert report(HERE / rule, "bad") == expected


@pytest.mark.parametrize("rule", NAMES)
def test_good_is_left_alone(rule: str) -> None:
    assert report(HERE / rule, "good") == ""


@pytest.mark.parametrize("rule", FIXABLE)
def test_a_fix_mends_and_twice_is_once(rule: str) -> None:
    folder = HERE / rule
    expected = (folder / "fixed" / "Dockerfile").read_text()
    bad = (folder / "bad" / "Dockerfile").read_text()
    assert bad != expected
    assert mended(folder, bad) == expected
    assert mended(folder, expected) == expected


@pytest.mark.parametrize("rule", [rule.name for rule in RULES if not rule.fixable])
def test_what_cannot_be_mended_is_left_as_it_is(rule: str) -> None:
    bad = (HERE / rule / "bad" / "Dockerfile").read_text()
    assert mended(HERE / rule, bad) == bad
