"""PURE. What every report shares: harmless text, shared lines, and the words for what was not looked at."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from scow.errors import CONTROLS
from scow.layer.entry import shown
from scow.scan.finding import Finding, Report
from scow.scan.package import Catalog
from scow.scan.severity import SEVERITIES

_CONTROLS = dict.fromkeys(CONTROLS, " ")
#: what builders write before an instruction's own text
_BUILDERS = ("/bin/sh -c #(nop) ", "/bin/sh -c ")


class Line(msgspec.Struct, frozen=True):
    """The ``count`` findings that differ in their package alone: the binaries of one source, ``packages``."""

    finding: Finding
    packages: tuple[str, ...]
    count: int = 1

    @property
    def named(self) -> str:
        """``libssl3``, or ``libssl3 +2``."""
        more = len(self.packages) - 1
        return self.packages[0] + (f" +{more}" if more else "")


def lines(findings: Iterable[Finding]) -> tuple[Line, ...]:
    """The findings as lines, in their order."""
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for one in findings:
        package = one.package
        key = (one.name, one.origin, package.version, one.fixed, package.layer, package.kind)
        groups.setdefault(key, []).append(one)
    return tuple(
        Line(several[0], tuple(sorted({one.package.name for one in several})), len(several))
        for several in groups.values()
    )


def by_severity(report: Report) -> Iterator[tuple[str, tuple[Line, ...]]]:
    """Severity → its lines, the worst first; first what is exploited, then what can be fixed.

    What is unimportant is a group of its own.
    """
    shown = lines(sorted(report.findings, key=lambda one: (not one.exploited, one.state != "fixable")))
    for word in SEVERITIES:
        several = tuple(one for one in shown if one.finding.severity == word and one.finding.state != "unimportant")
        if several:
            yield word, several
    if unimportant := tuple(one for one in shown if one.finding.state == "unimportant"):
        yield "unimportant", unimportant


def total(several: Iterable[Line]) -> int:
    """How many findings the lines stand for."""
    return sum(line.count for line in several)


def headline(report: Report) -> str:
    """How many findings there are, and in how much of what is there: what was not checked has none, and means none.
    What was left out is counted."""
    return _found(report) + (f"; {len(report.ignored)} ignored" if report.ignored else "")


def _found(report: Report) -> str:
    whole, checked = len(report.catalog.packages), report.checked
    if not checked:
        return "nothing could be checked" if whole else "nothing to check"
    return counted(report.findings, f" in {checked} of {whole} packages" if checked != whole else "")


def counted(findings: Sequence[Finding], where: str = "") -> str:
    """``12 findings: 1 critical, 4 high, 7 low; 3 unimportant``."""
    serious = [one for one in findings if one.state != "unimportant"]
    words = [one.severity for one in serious]
    parts = ", ".join(f"{words.count(word)} {word}" for word in SEVERITIES if word in words)
    rest = len(findings) - len(serious)
    text = f"{number(len(serious), 'finding')}{where}" + (f": {parts}" if parts else "")
    return text + (f"; {rest} unimportant" if rest else "")


def number(count: int, word: str) -> str:
    """``1 package``, ``2 packages``, ``no packages``."""
    plural = word[:-1] + "ies" if word.endswith("y") else word + "s"
    return f"{count or 'no'} {word if count == 1 else plural}"


def warnings(report: Report) -> Iterator[str]:
    """What the findings do not speak of: a line for each gap."""
    for gap in report.uncovered:
        yield f"no data for {gap.what}: {number(gap.packages, 'package')} not checked ({gap.reason})"
    for doubt in report.undecided:
        name = f"{doubt.package.name} {doubt.package.version}"
        yield f"{name}: {number(len(doubt.ids), 'advisory')} could not be compared: {doubt.reason}"
    for one in report.catalog.unread:
        yield f"{shown(one.path)} could not be read: {one.reason}"
    yield from report.notes


def compared_warnings(old: Report, new: Report) -> Iterator[str]:
    """Those of the new image, and the old one's own: what was not looked at there need not be new here."""
    told = list(warnings(new))
    yield from told
    known = {*told}
    yield from (f"{old.catalog.subject}: {warning}" for warning in warnings(old) if warning not in known)


def asked(report: Report) -> str:
    """Which advisories were asked, and of which day they are; empty for none."""
    parts = [
        f"{one.ecosystem} ({one.advisories}, of {one.imported[:10] or 'an unknown day'})" for one in report.coverage
    ]
    return f"Advisories: {', '.join(parts)}" if parts else ""


def place(path: bytes) -> str:
    """A path of the image as text."""
    return path.decode("utf-8", "backslashreplace")


def instruction(catalog: Catalog, layer: int) -> str:
    """The instruction that made a layer, without what its builder writes around it; empty when it is not known."""
    if not 0 <= layer < len(catalog.layers):
        return ""
    text = " ".join(catalog.layers[layer].created_by.split())
    for prefix in _BUILDERS:
        text = text.removeprefix(prefix)
    return text.removesuffix("# buildkit").strip()


def printable(text: str) -> str:
    """One line that moves no cursor and turns no writing direction: the text may be somebody else's."""
    return text if text.isascii() and text.isprintable() else text.translate(_CONTROLS)


def wide(text: str) -> int:
    """Columns on a terminal."""
    return len(text) if text.isascii() else sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def cut(text: str, columns: int) -> str:
    """At most ``columns`` columns, the last of them ``…`` where something was cut."""
    if wide(text) <= columns:
        return text
    kept = text[: columns - 1]
    while wide(kept) > columns - 1:
        kept = kept[:-1]
    return kept + "…"


def fitted(text: str, columns: int) -> str:
    """Exactly ``columns`` columns: cut, or with spaces at the end."""
    if text.isascii() and len(text) <= columns:
        return text.ljust(columns)
    kept = cut(text, columns)
    return kept if text.isascii() else kept + " " * (columns - wide(kept))
