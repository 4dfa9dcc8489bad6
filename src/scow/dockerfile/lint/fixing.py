"""Apply the edits of findings: only those that leave the image as it is or smaller, until nothing is left to do."""

from __future__ import annotations

from bisect import bisect_left, insort
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
        if not any(_meets(edit, made) for edit in edits):
            for edit in edits:
                insort(made, edit, key=_place)
    pieces: list[str] = []
    at = 0
    for edit in made:
        pieces += [text[at : edit.start], edit.text]
        at = edit.end
    return "".join([*pieces, text[at:]])


def _place(edit: Edit) -> tuple[int, int]:
    return edit.start, edit.end


def _meets(edit: Edit, made: list[Edit]) -> bool:
    """Does it touch the characters of one that is made, or write at its place? Those are in order, and apart."""
    at = bisect_left(made, _place(edit), key=_place)
    return any(edit.start <= one.end and one.start <= edit.end for one in made[max(0, at - 1) : at + 1])


def _readable(text: str, source: str) -> bool:
    try:
        stages(parse(text, source))
    except Invalid:
        return False
    return True
