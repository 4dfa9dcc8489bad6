"""PURE. A report as Markdown, for a pull request or a wiki. Nothing in it can be more than text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from scow.oci.quoting import markdown
from scow.scan.advice import Advice
from scow.scan.finding import Report
from scow.scan.report import text
from scow.scan.report.terminal import advised
from scow.scan.report.text import Line

_HEAD: Final = ("Vulnerability", "Package", "Installed", "Fixed in", "Layer", "Title")
_TITLE: Final = 100
_ADVICE: Final = 5


def report(told: Report, advice: Sequence[Advice] = ()) -> str:
    """The tables of a report, a section for each severity."""
    rows = [f"## {escaped(told.catalog.subject)}", "", f"**{escaped(text.headline(told))}**"]
    warnings = list(text.warnings(told))
    rows += ["", *(f"> {escaped(warning)}  " for warning in warnings)] if warnings else []
    for word, lines in text.by_severity(told):
        rows += ["", f"### {word.capitalize()} ({text.total(lines)})", "", *_table(told, lines)]
    if advice:
        rows += ["", "### What removes most", "", *(f"- {escaped(advised(one))}" for one in advice[:_ADVICE])]
    asked = text.asked(told)
    rows += ["", f"<sub>{escaped(asked)}</sub>"] if asked else []
    return "\n".join(rows) + "\n"


def escaped(words: str) -> str:
    """One line that is only text."""
    return markdown(text.printable(words))


def _table(told: Report, lines: Sequence[Line]) -> Iterator[str]:
    yield f"| {' | '.join(_HEAD)} |"
    yield f"|{'---|' * len(_HEAD)}"
    for line in lines:
        finding = line.finding
        name = escaped(finding.name) + (" **exploited**" if finding.exploited else "")
        made = text.instruction(told.catalog, finding.package.layer)
        layer = f"{finding.package.layer}: {text.cut(made, 60)}" if finding.package.layer >= 0 else ""
        cells = (", ".join(line.packages), finding.package.version, finding.fixed or "—", layer)
        shown = [name, *map(escaped, cells), escaped(text.cut(finding.title, _TITLE))]
        yield f"| {' | '.join(shown)} |"
