"""PURE. A report as SARIF 2.1.0 (OASIS errata 01): a vulnerability is a rule, a finding a result.

A location is the file in the image that says that the package is installed: SARIF wants one, and there is no source.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final
from urllib.parse import quote

from scow.scan.finding import Finding, Report
from scow.scan.report.text import instruction, place, printable, warnings

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS: Final = {"critical": "error", "high": "error", "medium": "warning", "low": "note", "negligible": "note"}
#: what code hosts sort by, where there is no score
_SCORES: Final = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "2.0", "negligible": "0.0"}
_ADVISORY: Final = "https://osv.dev/vulnerability/"

Document = dict[str, Any]


def sarif(report: Report, version: str) -> Document:
    """The log; ``version`` is that of scow, who wrote it."""
    told = [*report.findings, *report.ignored]
    rules = {finding.name: _rule(finding) for finding in reversed(told)}
    numbers = {name: at for at, name in enumerate(rules)}
    driver = {
        "name": "scow",
        "version": version,
        "rules": list(rules.values()),
    }
    run: Document = {
        "tool": {"driver": driver},
        "results": [_result(report, finding, numbers[finding.name]) for finding in told],
        "columnKind": "utf16CodeUnits",
        "properties": {"image": report.catalog.subject, "digest": report.catalog.digest},
    }
    gaps = list(_notifications(warnings(report)))
    run["invocations"] = [{"executionSuccessful": True, "toolExecutionNotifications": gaps}]
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(finding: Finding) -> Document:
    title = printable(finding.title) or finding.name
    score = f"{finding.score:.1f}" if finding.score is not None else _SCORES.get(finding.severity)
    properties: Document = {"tags": ["security", "vulnerability", finding.severity], "precision": "very-high"}
    if score is not None:
        properties["security-severity"] = score
    return {
        "id": finding.name,
        "name": "VulnerablePackage",
        "shortDescription": {"text": f"{finding.name} in {finding.origin}"},
        "fullDescription": {"text": title},
        "helpUri": advisory_url(finding),
        "help": {"text": f"{title}\n{', '.join(finding.ids)}\n{advisory_url(finding)}"},
        "defaultConfiguration": {"level": _LEVELS.get(finding.severity, "none")},
        "properties": properties,
    }


def _result(report: Report, finding: Finding, number: int) -> Document:
    package = finding.package
    made = instruction(report.catalog, package.layer)
    fix = f"fixed in {finding.fixed}" if finding.fixed else "no fix is known"
    result: Document = {
        "ruleId": finding.name,
        "ruleIndex": number,
        "level": _LEVELS.get(finding.severity, "none"),
        "message": {"text": printable(f"{package.name} {package.version}: {finding.name} ({finding.severity}), {fix}")},
        "locations": [_location(package.location, made)],
        "partialFingerprints": {"finding/v1": " ".join(finding.key)},
        "properties": {"purl": package.purl, "state": finding.state, "fixed": finding.fixed, "layer": package.layer},
    }
    if finding.ignored:
        result["suppressions"] = [{"kind": "external", "justification": printable(finding.ignored)}]
    return result


def _location(path: bytes, made: str) -> Document:
    uri = quote(place(path).lstrip("/") or "unknown")
    location: Document = {"artifactLocation": {"uri": uri}, "region": {"startLine": 1}}
    told: Document = {"physicalLocation": location}
    if made:
        told["message"] = {"text": printable(f"layer made by {made}")}
    return told


def _notifications(gaps: Iterable[str]) -> Iterator[Document]:
    for gap in gaps:
        yield {"level": "warning", "message": {"text": printable(gap)}}


def advisory_url(finding: Finding) -> str:
    """Where to read about it."""
    return finding.url or _ADVISORY + quote(finding.ids[-1] if finding.ids else finding.name)
