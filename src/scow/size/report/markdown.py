"""An analysis as Markdown, for a pull request or a wiki. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from scow.errors import printable
from scow.oci.quoting import markdown
from scow.size.analysis import Analysis
from scow.size.budget import Verdict
from scow.size.compare import Comparison
from scow.size.report.text import Human, counted, path, percent, shortened, signed

_FILES: Final = 3
_PACKAGES: Final = 10
_CHANGES: Final = 50
_INSTRUCTION: Final = 80


def report(analysis: Analysis, verdicts: Sequence[Verdict], human: Human) -> str:
    """The tables of an analysis. Nothing that is in an image can be more than text in it."""
    share = analysis.wasted / analysis.size if analysis.size else 0.0
    lines = [
        f"## {escaped(analysis.name)}",
        "",
        f"**{human(analysis.size)}** in {counted(len(analysis.layers), 'layer')}; a container sees"
        f" {human(analysis.visible)}. **{human(analysis.wasted)}** ({percent(share)}) is waste;"
        f" efficiency {percent(analysis.efficiency.score)}.",
    ]
    lines += _section("Layers", ("Layer", "Size", "Waste", "Instruction"), "rrrl", _layers(analysis, human))
    lines += _section(
        "Waste", ("Bytes", "What", "Layer", "Instruction", "Files", "What to do"), "rlrlll", _waste(analysis, human)
    )
    packages = ((human(one.size), escaped(one.name)) for one in analysis.packages[:_PACKAGES])
    lines += _section("Packages", ("Size", "Package"), "rl", packages)
    lines += _section("Budget", ("", "Limit", "Allowed", "Is"), "llrr", _verdicts(verdicts, human))
    return "\n".join(lines) + "\n"


def comparison(found: Comparison, human: Human) -> str:
    """What is different in the second image, as tables."""
    lines = [
        f"## {escaped(found.b)} against {escaped(found.a)}",
        "",
        f"**{signed(found.after - found.before, human)}**: {human(found.before)} in"
        f" {counted(found.layers[0], 'layer')} before, {human(found.after)} in {counted(found.layers[1], 'layer')}"
        f" after, {found.shared} of them in common. {counted(len(found.changes), 'path')} changed.",
    ]
    growth = ((signed(one.size, human), escaped(path(one.path))) for one in found.growth)
    lines += _section("What grew", ("Bytes", "Directory"), "rl", growth)
    changes = [
        (signed(one.after - one.before, human), escaped(path(one.path)), ", ".join(one.what))
        for one in found.largest(_CHANGES)
    ]
    if len(found.changes) > _CHANGES:
        changes.append(("", f"and {len(found.changes) - _CHANGES} more", ""))
    lines += _section("What changed", ("Bytes", "Path", "What"), "rll", changes)
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """One line that is only text."""
    return markdown(printable(text))


def _section(title: str, head: Sequence[str], sides: str, rows: Iterable[Sequence[str]]) -> Iterator[str]:
    rows = list(rows)
    if not rows:
        return
    yield from ("", f"### {title}", "")
    yield f"| {' | '.join(head)} |"
    yield f"|{'|'.join('--:' if side == 'r' else '---' for side in sides)}|"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def _layers(analysis: Analysis, human: Human) -> Iterator[Sequence[str]]:
    for layer in analysis.layers:
        waste = human(layer.waste) if layer.waste else ""
        yield str(layer.number), human(layer.size), waste, _instruction(layer.instruction)


def _waste(analysis: Analysis, human: Human) -> Iterator[Sequence[str]]:
    for waste in analysis.waste:
        files = [escaped(path(one.path)) for one in waste.findings[:_FILES]]
        if waste.files > _FILES:
            files.append(f"and {waste.files - _FILES} more")
        made_by = _instruction(waste.instruction)
        if waste.cause not in (-1, waste.layer):
            made_by += f"<br>hidden by layer {waste.cause}: {_instruction(waste.caused_by)}"
        advice = escaped(waste.about.advice)
        yield human(waste.size), escaped(waste.about.title), str(waste.layer), made_by, "<br>".join(files), advice


def _verdicts(verdicts: Sequence[Verdict], human: Human) -> Iterator[Sequence[str]]:
    for verdict in verdicts:
        allowed, actual = (
            percent(value) if verdict.is_share else human(int(value)) for value in (verdict.allowed, verdict.actual)
        )
        yield "✅" if verdict.kept else "❌", verdict.limit, allowed, actual


def _instruction(text: str) -> str:
    return escaped(shortened(text, _INSTRUCTION)) or "?"
