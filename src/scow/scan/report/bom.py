"""PURE. A report as a bill of materials with what is known to be wrong: CycloneDX 1.6, SPDX 2.3."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from scow.scan.bom.cyclonedx import cyclonedx as plain_cyclonedx
from scow.scan.bom.facts import identity
from scow.scan.bom.spdx import spdx as plain_spdx
from scow.scan.finding import Finding, Report
from scow.scan.package import Package
from scow.scan.report.sarif import advisory_url

_OSV: Final = {"name": "OSV", "url": "https://osv.dev"}
_WORDS: Final = {"negligible": "info"}
_METHODS: Final = (("CVSS:4.0", "CVSSv4"), ("CVSS:3.1", "CVSSv31"), ("CVSS:3.0", "CVSSv3"))
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z\Z", re.ASCII)
_VEX: Final = "VEX: "

Document = dict[str, Any]


def cyclonedx(report: Report, version: str) -> Document:
    """The catalog's document, and a vulnerability for each name, with the packages that it affects; what VEX says of
    others is one of its own."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in (*report.findings, *(one for one in report.ignored if one.ignored.startswith(_VEX))):
        groups.setdefault((finding.name, finding.ignored), []).append(finding)
    document = plain_cyclonedx(report.catalog, version)
    return {**document, "vulnerabilities": map(_vulnerability, groups.values())}


def _vulnerability(several: list[Finding]) -> Document:
    first = several[0]
    told: Document = {
        "bom-ref": f"vulnerability:{first.name}",
        "id": first.name,
        "source": {**_OSV, "url": advisory_url(first)},
        "references": [{"id": name, "source": _OSV} for name in first.ids if name != first.name],
        "ratings": [_rating(first)],
        "description": first.title,
        "recommendation": _recommendation(several),
        "affects": [_affected(finding) for finding in _of_each_package(several)],
    }
    if _MOMENT.match(first.published) and not first.published.startswith("0001-"):
        told["published"] = first.published
    if first.ignored:
        told["bom-ref"] += f":{identity(first.package)}"
        detail = first.ignored.removeprefix(_VEX)
        told["analysis"] = {"state": "resolved" if detail.startswith("fixed") else "not_affected", "detail": detail}
    return {key: value for key, value in told.items() if value}


def _of_each_package(several: Iterable[Finding]) -> Iterable[Finding]:
    return {identity(finding.package): finding for finding in several}.values()


def _rating(finding: Finding) -> Document:
    rating: Document = {"severity": _WORDS.get(finding.severity, finding.severity)}
    if finding.score is not None:
        method = next((name for prefix, name in _METHODS if finding.vector.startswith(prefix)), "CVSSv2")
        rating |= {"score": finding.score, "method": method, "vector": finding.vector}
    return rating


def _recommendation(several: Iterable[Finding]) -> str:
    fixes = {finding.origin: finding.fixed for finding in several if finding.fixed}
    return "; ".join(f"upgrade {name} to {fix}" for name, fix in fixes.items())


def _affected(finding: Finding) -> Document:
    status = "unaffected" if finding.ignored else "affected"
    return {"ref": identity(finding.package), "versions": [{"version": finding.package.version, "status": status}]}


def spdx(report: Report, version: str) -> Document:
    """The catalog's document; a package refers to the advisories on it (annex K, "Linking to an advisory")."""
    document = plain_spdx(report.catalog, version)
    told: dict[tuple[str, str], list[Finding]] = {}
    for finding in report.findings:
        told.setdefault(_key(finding.package), []).append(finding)
    return {**document, "packages": _advised(report.catalog.packages, document["packages"], told)}


def _advised(
    packages: Iterable[Package], written: Iterator[Document], told: Mapping[tuple[str, str], Sequence[Finding]]
) -> Iterator[Document]:
    yield next(written)  # the image
    for package, one in zip(packages, written, strict=True):
        key = package.kind, one["SPDXID"].rpartition("-")[2]
        yield {**one, "externalRefs": [*one["externalRefs"], *map(_advisory, told.get(key, ()))]}


def _key(package: Package) -> tuple[str, str]:
    return package.kind, identity(package)


def _advisory(finding: Finding) -> Document:
    fix = f"fixed in {finding.fixed}" if finding.fixed else "no fix is known"
    return {
        "referenceCategory": "SECURITY",
        "referenceType": "advisory",
        "referenceLocator": advisory_url(finding),
        "comment": f"{finding.name}, {finding.severity}: {fix}",
    }
