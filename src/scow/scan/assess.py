"""PURE. A catalog and what the database has on it → the report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from shlex import quote

import msgspec

from scow.scan.advisory import root
from scow.scan.finding import Finding, Report, Uncovered
from scow.scan.holding import MARKS, Holding
from scow.scan.ignore import Ignoring
from scow.scan.match import Records, covers, match
from scow.scan.package import SYSTEM_KINDS, Catalog, Package
from scow.scan.severity import rank

#: Kind of mark → CVE → the mark.
Marks = Mapping[str, Mapping[str, str]]


def assess(
    catalog: Catalog,
    records: Records,
    holdings: Sequence[Holding],
    *,
    ignoring: Ignoring = Ignoring(),  # noqa: B008  (frozen)
    today: str = "",
) -> Report:
    """Everything the records say of the catalog. ``today`` is ``YYYY-MM-DD``: rules may have ended."""
    findings, undecided = match(catalog.packages, records)
    told = [msgspec.structs.replace(one, ignored=ignoring.reason(one, catalog, today)) for one in findings]
    roots = {root(package.ecosystem) for package in catalog.packages}
    return Report(
        catalog,
        findings=tuple(one for one in told if not one.ignored),
        ignored=tuple(one for one in told if one.ignored),
        undecided=undecided,
        uncovered=tuple(uncovered(catalog, holdings)),
        coverage=tuple(one for one in holdings if one.ecosystem in roots or one.ecosystem in MARKS),
    )


def marked(report: Report, marks: Marks) -> Report:
    """The report with what is known of each CVE beyond its advisories."""
    exploited, likely = (marks.get(kind, {}) for kind in MARKS)

    def told(finding: Finding) -> Finding:
        cves = cves_of(finding)
        since = min((exploited[cve] for cve in cves if cve in exploited), default="")
        chance = max((float(likely[cve]) for cve in cves if cve in likely), default=None)
        return msgspec.structs.replace(finding, exploited=since, likelihood=chance)

    both = (tuple(map(told, report.findings)), tuple(map(told, report.ignored)))
    return msgspec.structs.replace(report, findings=both[0], ignored=both[1])


def cves_of(finding: Finding) -> tuple[str, ...]:
    """The CVEs that a finding is about."""
    return (*(name for name in finding.ids if name.startswith("CVE-")), *finding.cves)


def needed(packages: Iterable[Package]) -> tuple[str, ...]:
    """The ecosystems whose advisories the packages need."""
    return tuple(sorted({root(package.ecosystem) for package in packages if package.ecosystem}))


def uncovered(catalog: Catalog, holdings: Sequence[Holding]) -> Iterator[Uncovered]:
    """The packages on which there is nothing to ask. Having found nothing there would mean nothing."""
    releases = {holding.ecosystem: holding.releases for holding in holdings}
    counts: dict[tuple[str, str], int] = {}
    for package in catalog.packages:
        reason = _not_covered(package, releases)
        if reason:
            what = package.ecosystem or _without_ecosystem(package, catalog)
            counts[what, reason] = counts.get((what, reason), 0) + 1
    for (what, reason), count in sorted(counts.items(), key=lambda one: (-one[1], one[0])):
        yield Uncovered(what, count, reason)


def _not_covered(package: Package, releases: Mapping[str, Sequence[str]]) -> str:
    if not package.ecosystem:
        return "OSV has no advisories of it"
    base = root(package.ecosystem)
    if base not in releases:
        return f"not in the advisory database: scow db update {quote(base)}"
    if not any(covers(package.ecosystem, told, package.version) for told in releases[base]):
        return f"the advisories of {base} that are here are of other releases"
    return ""


def _without_ecosystem(package: Package, catalog: Catalog) -> str:
    if package.kind in SYSTEM_KINDS and catalog.distribution:
        return str(catalog.distribution)
    return f"packages of kind {package.kind}"


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
