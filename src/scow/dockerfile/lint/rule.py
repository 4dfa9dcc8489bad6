"""What a rule is: data that the docs can print, and a small function over a Dockerfile that was read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from scow.dockerfile.lint.finding import Found, Severity
from scow.dockerfile.lint.linted import Linted

Check = Callable[[Linted], Iterable[Found]]


@dataclass(frozen=True, slots=True)
class Rule:
    """``name`` is ours; ``aliases`` are what hadolint (``DL3008``) and BuildKit (``UndefinedVar``) call it.

    ``title`` says what is found, ``why`` why it matters and what to do.
    """

    name: str
    severity: Severity
    title: str
    why: str
    check: Check = field(repr=False)
    aliases: tuple[str, ...] = ()
    fixable: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """All it is called."""
        return (self.name, *self.aliases)
