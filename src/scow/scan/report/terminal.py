"""PURE. A report for a terminal of 80 columns or more: grouped by severity, what can be fixed first.

A line stands for all binaries of one source package. Layers are told by number, and explained once at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from scow.scan.report import text

if TYPE_CHECKING:
    from scow.scan.advice import Advice
    from scow.scan.compare import Difference
    from scow.scan.finding import Finding, Report
    from scow.scan.report.text import Line

#: Words in a colour of :data:`_COLOURS`, or as they are.
Paint = Callable[[str, str], str]
_COLOURS = {
    "critical": "1;31", "high": "31", "medium": "33", "low": "36", "negligible": "2", "unknown": "2",
    "unimportant": "2", "note": "33", "good": "32",
}  # fmt: skip
_HEAD = ("VULNERABILITY", "PACKAGE", "INSTALLED", "FIXED IN", "LAYER", "TITLE")
_GAP = 2
_NARROW = 12
_READABLE = 16
_ADVICE = 3
_WARNINGS = 20
#: what somebody may want to copy stays on one line
_COMMAND = "scow db update "
_UNBROKEN = _COMMAND.replace(" ", "\N{NO-BREAK SPACE}")


def report(told: Report, advice: Sequence[Advice] = (), *, width: int = 100, colour: bool = False) -> str:
    """The whole report, with its last newline."""
    paint = _paint if colour else _plain
    rows = [*_head(told, width), *_warnings(text.warnings(told), width, paint), *_groups(told, width, paint)]
    rows += [*_advice(advice, width), *_foot(told, width)]
    return "\n".join(row.rstrip() for row in rows) + "\n"


def comparison(told: Difference, *, width: int = 100, colour: bool = False) -> str:
    """What a rebuild fixed and what it brought."""
    paint = _paint if colour else _plain
    rows = [f"{text.printable(told.old.catalog.subject)} → {text.printable(told.new.catalog.subject)}"]
    rows.append(f"{len(told.gone)} gone, {len(told.brought)} new, {len(told.stayed)} still there")
    rows += _warnings(text.compared_warnings(told.old, told.new), width, paint)
    for title, findings in (("NEW", told.brought), ("GONE", told.gone)):
        if findings:
            rows += ["", paint(f"{title} ({len(findings)})", "note" if title == "NEW" else "good")]
            cells = [_cells(line) for line in text.lines(findings)]
            widths = _widths(cells, width)
            rows += [_row(row, widths) for row in (_HEAD, *cells)]
    return "\n".join(row.rstrip() for row in rows) + "\n"


def _plain(words: str, _colour: str) -> str:
    return words


def _paint(words: str, colour: str) -> str:
    return f"\x1b[{_COLOURS[colour]}m{words}\x1b[0m"


def _head(told: Report, width: int) -> Iterator[str]:
    catalog = told.catalog
    what = [str(catalog.distribution)] if catalog.distribution else []
    what.append(text.number(len(catalog.packages), "package"))
    yield text.printable(f"{catalog.subject}: {', '.join(what)}")
    yield from _wrapped(text.headline(told), width)


def _warnings(several: Iterable[str], width: int, paint: Paint) -> Iterator[str]:
    shown = list(several)
    for warning in shown[:_WARNINGS]:
        whole = text.printable(warning).replace(_COMMAND, _UNBROKEN)
        for line in _wrapped(f"! {whole}", width):
            yield paint(line.replace(_UNBROKEN, _COMMAND), "note")
    if len(shown) > _WARNINGS:
        yield paint(f"! … and {len(shown) - _WARNINGS} more (all of them: --format json)", "note")


def _groups(told: Report, width: int, paint: Paint) -> Iterator[str]:
    groups = [(word, text.total(lines), [_cells(line) for line in lines]) for word, lines in text.by_severity(told)]
    widths = _widths([row for *_, rows in groups for row in rows], width)
    if groups:
        yield ""
        yield _row(_HEAD, widths)
    for word, count, rows in groups:
        yield paint(f"{word.upper()} ({count})", word)
        yield from (_row(row, widths) for row in rows)


def _cells(line: Line) -> tuple[str, ...]:
    finding = line.finding
    layer = str(finding.package.layer) if finding.package.layer >= 0 else ""
    cells = (_named(finding), line.named, finding.package.version, finding.fixed or "-", layer, finding.title)
    return tuple(map(text.printable, cells))


def _named(finding: Finding) -> str:
    """The name, with ``!`` when it is known to be exploited, and how likely that is."""
    likely = f" {100 * finding.likelihood:.0f}%" if finding.likelihood and finding.likelihood >= 0.01 else ""
    return finding.name + (" !" if finding.exploited else "") + likely


def _widths(rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """As wide as what is in them, 0 where there is nothing; the widest give way until a line fits. The title has what
    is left, if that is enough to read."""
    *widths, title = (_widest(at, rows) for at in range(len(_HEAD)))
    while sum(widths) + _GAP * len(widths) > width and max(widths) > _NARROW:
        widths[widths.index(max(widths))] -= 1
    left = width - sum(widths) - _GAP * (len(widths) + 1)
    return [*widths, min(title, left) if left >= _READABLE else 0]


def _widest(at: int, rows: Sequence[Sequence[str]]) -> int:
    widest = max([text.wide(row[at]) for row in rows], default=0)
    return max(widest, len(_HEAD[at])) if widest else 0


def _row(cells: Iterable[str], widths: Sequence[int]) -> str:
    shown = (text.fitted(cell, wide) for cell, wide in zip(cells, widths, strict=True) if wide)
    return "  " + (" " * _GAP).join(shown).rstrip()


def _advice(advice: Sequence[Advice], width: int) -> Iterator[str]:
    if advice:
        yield ""
        yield "What removes most"
    for one in advice[:_ADVICE]:
        yield text.cut(text.printable(f"  {advised(one)}"), width)


def advised(one: Advice) -> str:
    """``openssl to 3.0.15-1: 4 findings, the worst critical``."""
    return f"{one.what} to {one.to}: {text.number(one.removes, 'finding')}, the worst {one.worst}"


def _foot(told: Report, width: int) -> Iterator[str]:
    used = sorted({one.package.layer for one in told.findings if one.package.layer >= 0})
    explained = [(number, made) for number in used if (made := text.instruction(told.catalog, number))]
    if explained:
        yield ""
        yield "Layers"
    for number, made in explained:
        yield text.cut(text.printable(f"  {number:>3}  {made}"), width)
    if any(one.exploited for one in told.findings):
        yield ""
        yield "!  known to be exploited (CISA KEV)"
    if asked := text.asked(told):
        yield ""
        yield from _wrapped(text.printable(asked), width)


def _wrapped(words: str, width: int) -> Sequence[str]:
    if words.isascii() and len(words) <= width:
        return [words]
    from textwrap import wrap

    return wrap(words, width, subsequent_indent="  ")
