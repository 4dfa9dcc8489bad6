"""What is found, how bad it is, and what would mend it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from scow.dockerfile.span import Span


class Severity(IntEnum):
    """How bad it is; ``IGNORE`` is a rule that is silent until somebody asks for it."""

    IGNORE = 0
    STYLE = 1
    INFO = 2
    WARNING = 3
    ERROR = 4

    @property
    def word(self) -> str:
        """The severity as it is written."""
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> Severity | None:
        """Read a severity; None for a word that is none."""
        return next((one for one in cls if one.word == word.lower()), None)


@dataclass(frozen=True, slots=True)
class Edit:
    """Put ``text`` in the place of the Dockerfile's characters from ``start`` up to ``end``."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Found:
    """What a check saw: the characters from ``start`` up to ``end``.

    ``edits`` mend it and leave the image as it is, or smaller. ``beyond``: BuildKit's check of that name does not.
    """

    message: str
    start: int
    end: int
    edits: tuple[Edit, ...] = ()
    hint: str = ""
    beyond: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule's complaint about a place. ``rule`` is its name; ShellCheck's are ``SC2086`` and the like."""

    rule: str
    severity: Severity
    message: str
    span: Span
    aliases: tuple[str, ...] = ()
    hint: str = ""
    edits: tuple[Edit, ...] = ()
    beyond: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """All that the rule is called."""
        return (self.rule, *self.aliases)
