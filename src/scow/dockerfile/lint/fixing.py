"""Apply the edits of findings: only those that leave the image as it is or smaller, until nothing is left to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from scow.dockerfile.lint.finding import Edit
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
        after = edited(text, (finding.edits for finding in look(text, source, settings, around).findings))
        if after == text or not _readable(after, source):
            break
        text = after
    return text


def edited(text: str, changes: Iterable[Sequence[Edit]]) -> str:
    """Make the changes, each all or not at all: of those that meet, the first."""
    made: list[Edit] = []
    for edits in changes:
        if not any(_meet(edit, one) for edit in edits for one in made):
            made += edits
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
