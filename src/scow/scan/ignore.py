"""PURE. What somebody has looked at and wants left out: ``.scowignore``, ``.trivyignore``, OpenVEX documents.

An ignore file has a rule a line::

    # why
    CVE-2024-1234
    GHSA-xxxx-yyyy-zzzz exp:2025-12-31          until that day
    CVE-2024-5678 pkg:openssl pkg:libssl3       only in these packages

A rule that has ended ignores nothing. An OpenVEX statement counts with status ``not_affected`` or ``fixed``; of several
on the same thing, the last.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final

import msgspec

from scow.errors import Invalid, Where
from scow.scan.finding import Finding, Report
from scow.scan.package import Catalog, Package
from scow.scan.vex import Statement, is_about, when

_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z", re.ASCII)
_LINES_LIMIT: Final = 100_000
_SILENCING: Final = ("not_affected", "fixed")


class Rule(msgspec.Struct, frozen=True, omit_defaults=True):
    """Leave out ``id`` (of ``packages`` only, if there are any) until the day ``until``, the last on which it holds."""

    id: str
    packages: tuple[str, ...] = ()
    until: str = ""
    reason: str = ""


class Ignoring(msgspec.Struct, frozen=True, omit_defaults=True):
    """All rules and statements, in the order in which they were given."""

    rules: tuple[Rule, ...] = ()
    statements: tuple[Statement, ...] = ()


def left_out(report: Report, ignoring: Ignoring, today: str) -> Report:
    """The report without the findings that somebody wants left out, which it has apart. ``today`` is ``YYYY-MM-DD``."""
    told = _Told(ignoring, report.catalog, today)
    several = [msgspec.structs.replace(one, ignored=told.reason(one)) for one in report.findings]
    findings, ignored = (tuple(one for one in several if bool(one.ignored) is left) for left in (False, True))
    return msgspec.structs.replace(report, findings=findings, ignored=ignored)


class _Told:
    """What is said of one image on one day, by the names of vulnerabilities: files have thousands of them."""

    def __init__(self, ignoring: Ignoring, catalog: Catalog, today: str) -> None:
        self._catalog = catalog
        self._rules: dict[str, list[Rule]] = {}
        self._statements: dict[str, list[tuple[int, Statement]]] = {}
        for rule in ignoring.rules:
            if not rule.until or today <= rule.until:
                self._rules.setdefault(rule.id, []).append(rule)
        rising = sorted(ignoring.statements, key=when)  # where times are equal, in the order of the files
        for place, statement in enumerate(rising):
            for name in statement.names:
                self._statements.setdefault(name, []).append((place, statement))

    def reason(self, finding: Finding) -> str:
        """Why a finding is left out; empty when it is not."""
        for rule in (rule for name in finding.ids for rule in self._rules.get(name, ())):
            if not rule.packages or {finding.package.name, finding.package.source} & {*rule.packages}:
                return rule.reason or "ignored"
        said = filter(None, (self._last(name, finding.package) for name in finding.ids))
        _, last = max(said, key=lambda one: one[0], default=(0, None))
        return last.reason if last and last.status in _SILENCING else ""

    def _last(self, name: str, package: Package) -> tuple[int, Statement] | None:
        told = reversed(self._statements.get(name, ()))
        return next((one for one in told if is_about(one[1], package, self._catalog)), None)


def joined(several: Iterable[Ignoring]) -> Ignoring:
    """All of them as one."""
    parts = list(several)
    return Ignoring(
        tuple(rule for part in parts for rule in part.rules), tuple(one for part in parts for one in part.statements)
    )


# -- ignore files -----------------------------------------------------------------------------------------------------


def parse_ignore(text: str, source: str) -> Ignoring:
    """Read an ignore file. Raises :class:`~scow.errors.Invalid` with the place of what is no rule."""
    lines = text.splitlines()
    if len(lines) > _LINES_LIMIT:
        raise Invalid(f"has more than {_LINES_LIMIT} lines", subject=source)
    rules, comment = [], ""
    for number, line in enumerate(lines, 1):
        told, _, remark = line.partition("#")
        words = told.split()
        if words:
            rules.append(
                _rule(words, remark.strip() or comment, Where(source, number, text=line, width=len(told.rstrip())))
            )
        comment = remark.strip() if not words else comment if line.strip() else ""
    return Ignoring(tuple(rules))


def _rule(words: Sequence[str], reason: str, where: Where) -> Rule:
    until, packages = "", []
    for word in words[1:]:
        kind, colon, value = word.partition(":")
        if kind == "exp" and _is_day(value):
            until = value
        elif kind == "pkg" and colon and value:
            packages.append(value)
        else:
            raise Invalid(f"{word!r} is neither exp:YYYY-MM-DD nor pkg:NAME", where=where)
    return Rule(words[0], tuple(packages), until, reason)


def _is_day(text: str) -> bool:
    """``YYYY-MM-DD``, of a day that there is: 2025-02-30 would never come to its end, or too late."""
    try:
        return _DATE.match(text) is not None and bool(date.fromisoformat(text))
    except ValueError:
        return False
