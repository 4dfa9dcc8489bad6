"""PURE. Which findings of a report somebody wants to see, and which are bad enough to fail."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from scow.scan.finding import Finding, Report
from scow.scan.severity import rank


class Wish(msgspec.Struct, frozen=True, omit_defaults=True):
    """What to show of a report: ``severities`` (none: all), and only what has a fix."""

    severities: tuple[str, ...] = ()
    fixable: bool = False
    unimportant: bool = True


def chosen(report: Report, wish: Wish) -> Report:
    """The report with the findings that are wished for."""

    def wanted(finding: Finding) -> bool:
        if finding.state == "unimportant" and not wish.unimportant:
            return False
        if wish.fixable and finding.state != "fixable":
            return False
        return not wish.severities or finding.severity in wish.severities

    return msgspec.structs.replace(report, findings=tuple(filter(wanted, report.findings)))


def at_least(findings: Iterable[Finding], severity: str) -> tuple[Finding, ...]:
    """The findings of ``severity`` and worse; what is unimportant in its package does not count."""
    bar = rank(severity)
    return tuple(one for one in findings if rank(one.severity) <= bar and one.state != "unimportant")
