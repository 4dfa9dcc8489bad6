"""PURE. A catalog and what the database has on it → the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from shlex import quote
from typing import Final

import msgspec

from scow.scan.concern import channel_of, covers
from scow.scan.ecosystem import root
from scow.scan.finding import Finding, Report, Uncovered
from scow.scan.holding import MARKS, Holding
from scow.scan.match import Records, match
from scow.scan.package import ECOSYSTEMS, SYSTEM_KINDS, Catalog
from scow.scan.severity import share

#: Kind of mark → CVE → the mark.
Marks = Mapping[str, Mapping[str, str]]
_NOWHERE: Final = "OSV has no advisories of it"


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
    alike = Counter((one.ecosystem, one.kind, channel_of(one.version)) for one in catalog.packages)
    counts: Counter[tuple[str, str]] = Counter()
    for (ecosystem, kind, channel), count in alike.items():
        if reason := _not_covered(ecosystem, releases, channel=channel):
            told = (ecosystem, reason) if ecosystem else _without_ecosystem(kind, catalog)
            counts[told] += count
    for (what, reason), count in sorted(counts.items(), key=lambda one: (-one[1], one[0])):
        yield Uncovered(what, count, reason)


def _not_covered(ecosystem: str, releases: Mapping[str, Sequence[str]], *, channel: str) -> str:
    if not ecosystem:
        return _NOWHERE
    base = root(ecosystem)
    if base not in releases:
        return f"not in the advisory database: scow db update {quote(base)}"
    if not any(covers(ecosystem, told, channel) for told in releases[base]):
        return f"the advisories of {base} that are here are of other releases"
    return ""


def _without_ecosystem(kind: str, catalog: Catalog) -> tuple[str, str]:
    """What the packages are of, and why nothing can be asked about them."""
    one = catalog.distribution
    if kind not in SYSTEM_KINDS or one is None:
        return f"packages of kind {kind}", _NOWHERE
    return str(one), _NOWHERE if one.version_id or one.id not in ECOSYSTEMS else "which release it is, is not told"
