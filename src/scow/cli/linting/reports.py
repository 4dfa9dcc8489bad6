"""Findings as people, editors and CI systems read them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from xml.sax.saxutils import quoteattr

from scow.cli import formats
from scow.cli.failing import caret
from scow.dockerfile.lint.finding import Finding, Severity
from scow.dockerfile.lint.linting import Looked
from scow.dockerfile.lint.table import RULES
from scow.errors import printable

_SARIF = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note", Severity.STYLE: "note"}
_GITHUB = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice", Severity.STYLE: "notice"}
_GITLAB = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.INFO: "minor", Severity.STYLE: "info"}
_CHECKSTYLE = {**_GITHUB, Severity.INFO: "info", Severity.STYLE: "info"}
_ESCAPES = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})

Report = Callable[[Sequence[Looked]], str]


def _all(looked: Iterable[Looked]) -> list[tuple[Looked, Finding]]:
    return [(one, finding) for one in looked for finding in one.findings]


def text(looked: Sequence[Looked]) -> str:
    """A finding with its line and a caret, and what they add up to."""
    found = _all(looked)
    return "\n".join([*(_told(one, finding) for one, finding in found), *_sum(found)])


def _told(one: Looked, finding: Finding) -> str:
    names = " ".join([finding.rule, *finding.aliases[-1:]])
    lines = [f"{one.source}:{finding.span.start_line}: {finding.severity.word}: {finding.message} [{names}]"]
    where = finding.span.where(one.source, one.text)
    lines += caret(where) if where.text else []
    return "\n".join([*map(printable, [*lines, *([f"hint: {finding.hint}"] if finding.hint else [])]), ""])


def _sum(found: list[tuple[Looked, Finding]]) -> list[str]:
    if not found:
        return []
    counts = Counter(finding.severity for _, finding in found)
    parts = [f"{counts[severity]} {severity.word}" for severity in sorted(counts, reverse=True)]
    mended = sum(bool(finding.edits) for _, finding in found)
    more = f"; --fix mends {mended}" if mended else ""
    return [f"{len(found)} finding{'s' * (len(found) > 1)}: {', '.join(parts)}{more}\n"]


def as_json(looked: Sequence[Looked]) -> str:
    """A list; ``code``, ``level``, ``file``, ``line``, ``column`` and ``message`` are as hadolint has them."""
    return _dumped([
        {
            "file": one.source, "line": finding.span.start_line, "column": finding.span.column,
            "endLine": finding.span.end_line, "width": finding.span.width, "level": finding.severity.word,
            "code": finding.rule, "aliases": list(finding.aliases), "message": finding.message, "hint": finding.hint,
            "fixable": bool(finding.edits),
        }
        for one, finding in _all(looked)
    ])  # fmt: skip


def _dumped(document: Any) -> str:
    return formats.as_json(document) + "\n"


def sarif(looked: Sequence[Looked]) -> str:
    """SARIF 2.1.0, as code scanning takes it."""
    from scow import __version__

    found = _all(looked)
    used = {finding.rule for _, finding in found}
    rules = [
        {"id": rule.name, "shortDescription": {"text": rule.title}, "fullDescription": {"text": rule.why},
         "defaultConfiguration": {"level": _SARIF.get(rule.severity, "none")}}
        for rule in RULES if rule.name in used
    ]  # fmt: skip
    driver = {"name": "scow", "version": __version__, "rules": rules}
    results = [_result(one, finding) for one, finding in found]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return _dumped({"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]})


def _result(one: Looked, finding: Finding) -> dict[str, Any]:
    span = finding.span
    region = {"startLine": span.start_line, "startColumn": span.column}
    if span.start_line == span.end_line:
        region["endColumn"] = span.column + span.width
    else:
        region["endLine"] = span.end_line
    place = {"physicalLocation": {"artifactLocation": {"uri": one.source}, "region": region}}
    message = f"{finding.message}\n{finding.hint}" if finding.hint else finding.message
    return {
        "ruleId": finding.rule,
        "level": _SARIF[finding.severity],
        "message": {"text": message},
        "locations": [place],
    }


def github(looked: Sequence[Looked]) -> str:
    """Workflow commands: annotations of a pull request."""
    return "".join(f"{_annotation(one, finding)}\n" for one, finding in _all(looked))


def _annotation(one: Looked, finding: Finding) -> str:
    span = finding.span
    values = {"file": one.source, "line": span.start_line, "endLine": span.end_line, "col": span.column}
    values["title"] = " ".join([finding.rule, *finding.aliases[-1:]])
    told = ",".join(f"{key}={_property(str(value))}" for key, value in values.items())
    return f"::{_GITHUB[finding.severity]} {told}::{finding.message.translate(_ESCAPES)}"


def _property(value: str) -> str:
    return value.translate(_ESCAPES).replace(":", "%3A").replace(",", "%2C")


def gitlab(looked: Sequence[Looked]) -> str:
    """GitLab's Code Quality report; a fingerprint does not change when lines above a finding do."""
    seen: Counter[str] = Counter()
    entries = []
    for one, finding in _all(looked):
        line = finding.span.where(one.source, one.text).text
        told = "\0".join((one.source, finding.rule, finding.message, line.strip()))
        seen[told] += 1
        entries.append({
            "description": finding.message, "check_name": finding.rule, "severity": _GITLAB[finding.severity],
            "fingerprint": hashlib.sha256(f"{told}\0{seen[told]}".encode()).hexdigest(),
            "location": {"path": one.source, "lines": {"begin": finding.span.start_line}},
        })  # fmt: skip
    return _dumped(entries)


def checkstyle(looked: Sequence[Looked]) -> str:
    """Checkstyle's XML."""
    lines = ["<?xml version='1.0' encoding='UTF-8'?>", "<checkstyle version='4.3'>"]
    for one in looked:
        lines.append(f"<file name={quoteattr(one.source)}>")
        lines += (_error(finding) for finding in one.findings)
        lines.append("</file>")
    return "\n".join([*lines, "</checkstyle>", ""])


def _error(finding: Finding) -> str:
    values = {
        "line": str(finding.span.start_line), "column": str(finding.span.column), "message": finding.message,
        "severity": _CHECKSTYLE[finding.severity], "source": finding.rule,
    }  # fmt: skip
    return f"<error {' '.join(f'{key}={quoteattr(value)}' for key, value in values.items())} />"


#: ``--format`` and how it is written.
REPORTS: dict[str, Report] = {
    "text": text,
    "json": as_json,
    "sarif": sarif,
    "github": github,
    "gitlab": gitlab,
    "checkstyle": checkstyle,
}
