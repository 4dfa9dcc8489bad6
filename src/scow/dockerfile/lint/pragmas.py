"""What comments say to the linter.

::

    # scow ignore=RULE[,RULE]              the next instruction; also "# hadolint ignore=…"
    # scow global ignore=RULE[,RULE]       the whole file; also "# hadolint global ignore=…"
    # hadolint shell=powershell            what reads RUN
    # check=skip=RULE[,RULE]|all;error=true;experimental=RULE[,RULE]|all        a directive, or above an instruction
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from scow.dockerfile.parser import Dockerfile
from scow.dockerfile.values import boolean
from scow.errors import Invalid

_PRAGMA = re.compile(r"\s*#\s*(?:scow|hadolint)\s+(?P<global>global\s+)?ignore\s*=\s*(?P<rules>[\w\-, ]+?)\s*(#.*)?\Z")
_SHELL = re.compile(r"\s*#\s*(?:scow|hadolint)\s+shell\s*=\s*(?P<shell>\S+)")
_CHECK = re.compile(r"\s*#\s*check\s*=\s*(?P<options>\S+)", re.IGNORECASE)
ALL = "all"


@dataclass(frozen=True, slots=True)
class Check:
    """The options of ``check=``: rules to skip (or all), silent ones to hear, whether a finding is an error."""

    skip: frozenset[str] = frozenset()
    experimental: frozenset[str] = frozenset()
    error: bool = False


@dataclass(frozen=True, slots=True)
class Pragmas:
    """``everywhere``: rules ignored in the file; ``lines``: line → rules ignored there; ``shell`` as a SHELL has it."""

    everywhere: frozenset[str]
    lines: Mapping[int, frozenset[str]]
    check: Check
    shell: tuple[str, ...] = ()

    def ignore(self, names: Iterable[str], line: int) -> bool:
        """Is a rule of these names ignored at the line?"""
        own = {*(name.lower() for name in names), ALL}
        return bool(own & self.everywhere or own & self.lines.get(line, frozenset()))


def check_options(text: str) -> Check:
    """Read ``skip=A,B;error=true;experimental=all``. Invalid for what is not of that form."""
    skip: frozenset[str] = frozenset()
    experimental: frozenset[str] = frozenset()
    error = False
    for part in filter(None, (part.strip() for part in text.split(";"))):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or key not in {"skip", "experimental", "error"}:
            raise Invalid(f'invalid check option "{part if not equals else key}"', hint="skip=, error=, experimental=")
        if key == "error":
            wanted = boolean(value)
            if wanted is None:
                raise Invalid(f'failed to parse check option "{part}"', hint="error=true")
            error = wanted
        elif key == "skip":
            skip = _rules(value)
        else:
            experimental = _rules(value)
    return Check(skip, experimental, error)


def _rules(text: str) -> frozenset[str]:
    return frozenset(name.strip().lower() for name in text.split(",") if name.strip())


def pragmas(read: Dockerfile) -> Pragmas:
    """The comments of a Dockerfile that are meant for the linter."""
    everywhere: set[str] = set()
    ranges: dict[tuple[int, int], frozenset[str]] = {}
    shell: tuple[str, ...] = ()
    for number, line in enumerate(read.text.split("\n"), 1):
        if "#" not in line:
            continue
        if found := _SHELL.match(line):
            shell = (found["shell"],)
        elif found := _PRAGMA.match(line):
            if found["global"]:
                everywhere |= _rules(found["rules"])
            else:
                _add(ranges, read, number, _rules(found["rules"]))
        elif number not in read.directives.lines and (found := _CHECK.match(line)):
            _add(ranges, read, number, _local(found["options"]))
    lines = {line: rules for (first, last), rules in ranges.items() for line in range(first, last + 1)}
    return Pragmas(frozenset(everywhere), lines, _directive(read), shell)


def _add(ranges: dict[tuple[int, int], frozenset[str]], read: Dockerfile, line: int, rules: frozenset[str]) -> None:
    place = _next(read, line)
    ranges[place] = ranges.get(place, frozenset()) | rules


def _next(read: Dockerfile, line: int) -> tuple[int, int]:
    """The lines of the instruction that follows a comment, or that it stands within."""
    at = bisect_left(read.instructions, line, key=lambda one: one.span.end_line)
    if at == len(read.instructions):
        return line, line
    span = read.instructions[at].span
    return span.start_line, span.end_line


def _local(options: str) -> frozenset[str]:
    try:
        return check_options(options).skip
    except Invalid:
        return frozenset()


def _directive(read: Dockerfile) -> Check:
    return check_options(read.directives.check) if read.directives.check else Check()
