"""PURE. A catalog and what the database has on it → the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from shlex import quote

import msgspec

from scow.scan.concern import covers, is_extended
from scow.scan.ecosystem import root
from scow.scan.finding import Finding, Report, Uncovered
from scow.scan.holding import MARKS, Holding
from scow.scan.match import Records, match
from scow.scan.package import SYSTEM_KINDS, Catalog
from scow.scan.severity import share

#: Kind of mark → CVE → the mark.
Marks = Mapping[str, Mapping[str, str]]


def assess(catalog: Catalog, records: Records, holdings: Sequence[Holding]) -> Report:
    """Everything the records say of the catalog."""
    findings, undecided = match(catalog.packages, records)
    wanted = (*catalog.ecosystems, *MARKS)
    return Report(
        catalog,
        findings=findings,
        undecided=undecided,
        uncovered=tuple(uncovered(catalog, holdings)),
        coverage=tuple(one for one in holdings if one.ecosystem in wanted),
    )


def marked(report: Report, marks: Marks) -> Report:
    """The report with what is known of each CVE beyond its advisories."""
    exploited, likely = (marks.get(kind, {}) for kind in MARKS)
    if not (exploited or likely):
        return report

    def told(finding: Finding) -> Finding:
        cves = cves_of(finding)
        since = min((exploited[cve] for cve in cves if cve in exploited), default="")
        chance = max((one for cve in cves if (one := share(likely.get(cve, ""))) is not None), default=None)
        return msgspec.structs.replace(finding, exploited=since, likelihood=chance)

    return msgspec.structs.replace(report, findings=tuple(map(told, report.findings)))


def cves_of(finding: Finding) -> tuple[str, ...]:
    """The CVEs that a finding is about."""
    return (*(name for name in finding.ids if name.startswith("CVE-")), *finding.cves)


def uncovered(catalog: Catalog, holdings: Sequence[Holding]) -> Iterator[Uncovered]:
    """The packages on which there is nothing to ask. Having found nothing there would mean nothing."""
    releases = {holding.ecosystem: holding.releases for holding in holdings}
    alike = Counter((one.ecosystem, one.kind, is_extended(one.version)) for one in catalog.packages)
    counts: Counter[tuple[str, str]] = Counter()
    for (ecosystem, kind, extended), count in alike.items():
        if reason := _not_covered(ecosystem, releases, extended=extended):
            counts[ecosystem or _without_ecosystem(kind, catalog), reason] += count
    for (what, reason), count in sorted(counts.items(), key=lambda one: (-one[1], one[0])):
        yield Uncovered(what, count, reason)


def _not_covered(ecosystem: str, releases: Mapping[str, Sequence[str]], *, extended: bool) -> str:
    if not ecosystem:
        return "OSV has no advisories of it"
    base = root(ecosystem)
    if base not in releases:
        return f"not in the advisory database: scow db update {quote(base)}"
    if not any(covers(ecosystem, told, extended) for told in releases[base]):
        return f"the advisories of {base} that are here are of other releases"
    return ""


def _without_ecosystem(kind: str, catalog: Catalog) -> str:
    if kind in SYSTEM_KINDS and catalog.distribution:
        return str(catalog.distribution)
    return f"packages of kind {kind}"
