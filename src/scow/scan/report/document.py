"""PURE. A report as plain values, for ``--format json`` and for templates. Names are stable."""

from __future__ import annotations

from typing import Any

from scow.scan.advice import Advice, advise
from scow.scan.compare import Difference
from scow.scan.finding import Finding, Report, Undecided
from scow.scan.package import Package
from scow.scan.report.text import instruction, place

Document = dict[str, Any]


def document(report: Report) -> Document:
    """Everything. ``Findings`` are in the report's order, the worst first."""
    catalog = report.catalog
    return {
        "Target": catalog.subject,
        "Digest": catalog.digest,
        "Distribution": str(catalog.distribution) if catalog.distribution else "",
        "Packages": len(catalog.packages),
        "Severities": report.counts,
        "Findings": [_finding(report, one) for one in report.findings],
        "Ignored": [_finding(report, one) for one in report.ignored],
        **_gaps(report),
        "Advisories": [
            {"Ecosystem": one.ecosystem, "Count": one.advisories, "Newest": one.modified, "Imported": one.imported}
            for one in report.coverage
        ],
        "Advice": [_advice(one) for one in advise(report)],
        "Layers": [{"DiffID": layer.diff_id, "CreatedBy": layer.created_by} for layer in catalog.layers],
    }


def comparison_document(difference: Difference) -> Document:
    """What is different, each finding as :func:`document` has it; ``Before`` is what the old one's do not speak of."""
    old, new = difference.old, difference.new
    return {
        "Old": old.catalog.subject,
        "New": new.catalog.subject,
        "Gone": [_finding(old, one) for one in difference.gone],
        "Brought": [_finding(new, one) for one in difference.brought],
        "Stayed": [_finding(new, one) for one in difference.stayed],
        **_gaps(new),
        "Before": _gaps(old),
    }


def _gaps(report: Report) -> Document:
    """What the findings do not speak of."""
    return {
        "Undecided": [_undecided(one) for one in report.undecided],
        "Uncovered": [{"What": one.what, "Packages": one.packages, "Reason": one.reason} for one in report.uncovered],
        "Unread": [
            {"Path": place(one.path), "Reason": one.reason, "Layer": one.layer} for one in report.catalog.unread
        ],
        "Notes": list(report.notes),
    }


def _finding(report: Report, one: Finding) -> Document:
    return {
        "Name": one.name,
        "IDs": list(one.ids),
        "CVEs": list(one.cves),
        "Severity": one.severity,
        "State": one.state,
        "Score": one.score,
        "Vector": one.vector,
        "Title": one.title,
        "Package": _package(one.package),
        "Fixed": one.fixed,
        "Upgrade": one.upgrade,
        "Layer": one.package.layer,
        "CreatedBy": instruction(report.catalog, one.package.layer),
        "Published": one.published,
        "URL": one.url,
        "Exploited": one.exploited,
        "Likelihood": one.likelihood,
        "Ignored": one.ignored,
    }


def _package(package: Package) -> Document:
    return {
        "Name": package.name,
        "Version": package.version,
        "Kind": package.kind,
        "Ecosystem": package.ecosystem,
        "Source": package.source,
        "PURL": package.purl,
        "Location": place(package.location),
    }


def _undecided(one: Undecided) -> Document:
    return {"Package": _package(one.package), "IDs": list(one.ids), "Reason": one.reason}


def _advice(one: Advice) -> Document:
    return {
        "What": one.what,
        "To": one.to,
        "Removes": one.removes,
        "Worst": one.worst,
        "Packages": list(one.packages),
    }
