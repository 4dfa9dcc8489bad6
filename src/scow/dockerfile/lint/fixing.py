"""Apply the edits of findings: only those that leave the image as it is or smaller, until nothing is left to do."""

from __future__ import annotations

from collections.abc import Iterable

from scow.dockerfile.lint.finding import Edit, Finding
from scow.dockerfile.lint.linted import Around
from scow.dockerfile.lint.linting import look
from scow.dockerfile.lint.settings import Settings
from scow.dockerfile.parser import parse
from scow.dockerfile.stages import stages
from scow.errors import Invalid

#: Edits of one round may call for another round.
ROUNDS = 12


def fixed(text: str, source: str = "Dockerfile", settings: Settings | None = None, around: Around | None = None) -> str:
    """The text with its fixable findings mended, without a byte order mark; twice is once."""
    text = text.removeprefix("\ufeff")
    for _ in range(ROUNDS):
        after = edited(text, look(text, source, settings, around).findings)
        if after == text or not _readable(after, source):
            break
        text = after
    return text


def edited(text: str, findings: Iterable[Finding]) -> str:
    """One round: of edits that overlap the first is made."""
    made: list[Edit] = []
    for finding in findings:
        if finding.edits and not any(_meet(edit, one) for edit in finding.edits for one in made):
            made += finding.edits
    for edit in sorted(made, key=lambda edit: (edit.start, edit.end), reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def _meet(one: Edit, other: Edit) -> bool:
    """Do they touch the same characters, or write at one place?"""
    return one.start <= other.end and other.start <= one.end


def _readable(text: str, source: str) -> bool:
    try:
        stages(parse(text, source))
    except Invalid:
        return False
    return True
