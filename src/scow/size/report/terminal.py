"""An analysis as plain text, with bars and a tree. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from scow.errors import printable
from scow.size.analysis import Analysis
from scow.size.budget import Verdict
from scow.size.compare import Comparison
from scow.size.report.text import Human, bar, branches, columns, counted, path, percent, shortened, signed
from scow.size.waste import Waste

_BAR: Final = 20
_FILES: Final = 3
_PACKAGES: Final = 10
_CHANGES: Final = 50
_SHARE: Final = 0.02
_DEPTH: Final = 4


def report(analysis: Analysis, verdicts: Sequence[Verdict], human: Human, width: int = 100) -> str:
    """Everything worth a look, in lines of about ``width`` characters."""
    parts = [
        _head(analysis, human),
        _layers(analysis, human, width),
        _waste(analysis, human, width),
        _tree(analysis, human),
        _packages(analysis, human),
        _verdicts(verdicts, human),
    ]
    return "\n\n".join(text for part in parts if (text := "\n".join(part))) + "\n"


def _head(analysis: Analysis, human: Human) -> Iterator[str]:
    share = analysis.wasted / analysis.size if analysis.size else 0.0
    yield f"Image       {printable(analysis.name)}  {analysis.id[7:19]}  {printable(analysis.platform)}".rstrip()
    layers, visible = counted(len(analysis.layers), "layer"), human(analysis.visible)
    yield f"Size        {human(analysis.size)} in {layers}; a container sees {visible}"
    yield f"Waste       {human(analysis.wasted)} ({percent(share)})"
    yield (
        f"Efficiency  {percent(analysis.efficiency.score)}"
        f" ({human(analysis.efficiency.wasted)} in paths that more than one layer has)"
    )


def _layers(analysis: Analysis, human: Human, width: int) -> Iterator[str]:
    largest = max((layer.size for layer in analysis.layers), default=0) or 1
    rows = [("LAYER", "SIZE", "WASTE", "", "INSTRUCTION")]
    rows += [
        (
            str(layer.number),
            human(layer.size),
            human(layer.waste) if layer.waste else "",
            bar(layer.size / largest, _BAR),
            shortened(layer.instruction or "(history does not say)", width - _BAR - 30),
        )
        for layer in analysis.layers
    ]
    return columns(rows, "rrrll")


def _waste(analysis: Analysis, human: Human, width: int) -> Iterator[str]:
    if not analysis.waste:
        return
    yield "WASTE"
    for waste in analysis.waste:
        yield from _one(waste, human, width)


def _one(waste: Waste, human: Human, width: int) -> Iterator[str]:
    yield f"{human(waste.size):>8}  {waste.about.title} ({waste.kind}, {counted(waste.files, 'file')})"
    yield f"{'':10}in layer {waste.layer}: {shortened(waste.instruction or '?', width - 22)}"
    if waste.cause not in (-1, waste.layer):
        yield f"{'':10}by layer {waste.cause}: {shortened(waste.caused_by or '?', width - 22)}"
    for one in waste.findings[:_FILES]:
        also = f"  [{one.also}]" if one.also else ""
        like = f"  = {path(one.like)}" if one.like else ""
        yield f"{'':10}{human(one.size):>8}  {path(one.path)}{like}{also}"
    if waste.files > _FILES:
        yield f"{'':10}{'':8}  and {waste.files - _FILES} more"
    yield f"{'':10}→ {waste.about.advice}"


def _tree(analysis: Analysis, human: Human) -> Iterator[str]:
    if analysis.tree.children:
        yield "DIRECTORIES"
        yield f"{human(analysis.visible):>8}  /"
        yield from branches(analysis.tree, human, analysis.tree.size * _SHARE, _DEPTH)


def _packages(analysis: Analysis, human: Human) -> Iterator[str]:
    if analysis.packages:
        yield f"PACKAGES (the largest of {len(analysis.packages)})"
        for package in analysis.packages[:_PACKAGES]:
            yield f"{human(package.size):>8}  {printable(package.name)}"


def _verdicts(verdicts: Sequence[Verdict], human: Human) -> Iterator[str]:
    if verdicts:
        yield "BUDGET"
        yield from (verdict_line(verdict, human) for verdict in verdicts)


def verdict_line(verdict: Verdict, human: Human) -> str:
    """``PASS  max-size  allowed 100MB, is 80MB``."""

    def told(value: float) -> str:
        return percent(value) if verdict.is_share else human(int(value))

    word = "PASS" if verdict.kept else "FAIL"
    return f"    {word}  {verdict.limit}: allowed {told(verdict.allowed)}, is {told(verdict.actual)}"


def comparison(comparison: Comparison, human: Human) -> str:
    """What is different in the second image."""
    delta = comparison.after - comparison.before
    lines = [
        f"A  {printable(comparison.a)}  {human(comparison.before)} in {counted(comparison.layers[0], 'layer')}",
        f"B  {printable(comparison.b)}  {human(comparison.after)} in {counted(comparison.layers[1], 'layer')}",
        f"   {signed(delta, human)}; {counted(comparison.shared, 'layer')} in common;"
        f" {counted(len(comparison.changes), 'path')} changed",
    ]
    if comparison.growth:
        lines += ["", "GREW"]
        lines += [f"{signed(one.size, human):>9}  {path(one.path)}" for one in comparison.growth]
    if comparison.changes:
        lines += ["", "CHANGED"]
        lines += [
            f"{signed(one.after - one.before, human):>9}  {path(one.path)}  ({', '.join(one.what)})"
            for one in comparison.largest(_CHANGES)
        ]
        if len(comparison.changes) > _CHANGES:
            lines.append(f"{'':9}  and {len(comparison.changes) - _CHANGES} more")
    return "\n".join(lines) + "\n"
