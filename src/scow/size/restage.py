"""A Dockerfile of one stage → the same built in a stage, and a last stage that takes what came out. Pure.

The build stage is the old text. The last stage begins from the same image and keeps all but the steps that neither
install packages nor set something; their results are copied, and the tools for building are not installed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scow.dockerfile.instructions import Add, Copy, Instruction, Run
from scow.dockerfile.lint.checks.packages import APK, APT, DNF, YUM, Manager, wanted
from scow.dockerfile.lint.checks.size import BUILD_TOOLS
from scow.dockerfile.lint.finding import Edit
from scow.dockerfile.lint.linted import Linted, Step
from scow.dockerfile.lint.program import Program
from scow.size.packages import to_build_with

MANAGERS = (APT, APK, DNF, YUM)
#: Programs that install, beside those.
_INSTALLERS = {"pip": "install", "npm": "install", "gem": "install"}
#: What a RUN that installs may run beside it.
_BESIDE = frozenset(
    {"rm", "apt-get", "apt", "apk", "dnf", "yum", "set", "true", "echo", "npm", "pip", "gem", "sh", "cp"}
)


def packages(linted: Linted) -> frozenset[str]:
    """The packages for building that the last stage installs."""
    found = {
        word.text.partition("=")[0] for step in linted.steps if step.stage is linted.stages[-1]
        for program, _ in _installs(step) for word in wanted(program)
    }  # fmt: skip
    return frozenset(name for name in found if name in BUILD_TOOLS or to_build_with(name))


def _installs(step: Step) -> Iterator[tuple[Program, Manager]]:
    for program in step.programs:
        for manager in MANAGERS:
            if program.name in manager.programs and program.runs(*manager.install):
                yield program, manager


def installs(step: Step) -> bool:
    """Does a RUN install packages, and nothing else?"""
    asked = any(program.runs(_INSTALLERS.get(program.name, "")) for program in step.programs)
    only = all(program.name in _BESIDE for program in step.programs)
    return only and (asked or any(True for _ in _installs(step)))


def makes(one: Instruction, linted: Linted) -> bool:
    """Is it a step whose result the last stage copies: COPY, ADD, or a RUN that is no installation?"""
    if isinstance(one, Run):
        step = linted.step(one)
        return step is None or not installs(step)
    return isinstance(one, Copy | Add)


def restaged(linted: Linted, dropped: frozenset[str], paths: Sequence[str]) -> str | None:
    """The new text, or None where it cannot be written."""
    stage = linted.stages[-1]
    making = [one for one in stage.instructions if makes(one, linted)]
    if len(linted.stages) != 1 or not making or not paths or stage.name:
        return None
    copies = "".join(f"COPY --from=build {path} {path}\n" for path in paths)
    last: list[str] = [_lines(linted, stage.start)]
    for one in stage.instructions:
        if one is making[-1]:
            last.append(copies)
        elif one not in making:
            last.append(_without(linted, one, dropped))
    start = linted.page.offset(stage.start.span.start_line, 1)
    old = linted.read.text if linted.read.text.endswith("\n") else f"{linted.read.text}\n"
    at = linted.word(stage.start.words[-1])[1]
    return f"{old[:at]} AS build{old[at:]}\n{''.join(last)}" if start <= at else None


def _lines(linted: Linted, one: Instruction) -> str:
    first, last = one.span.start_line, one.span.end_line
    return "".join(f"{linted.page.line(number)}\n" for number in range(first, last + 1))


def _without(linted: Linted, one: Instruction, dropped: frozenset[str]) -> str:
    """The instruction's lines without those packages; nothing where it installed no other."""
    step = linted.step(one)
    if step is None:
        return _lines(linted, one)
    edits: list[Edit] = []
    left = 0
    for program, _ in _installs(step):
        for word in wanted(program):
            if word.text.partition("=")[0] in dropped:
                edits.append(Edit(*program.place(word), ""))
            else:
                left += 1
    if edits and not left:
        return ""
    offset = linted.page.offset(one.span.start_line, 1)
    text = _lines(linted, one)
    for edit in reversed(edits):
        before, after = text[: edit.start - offset], text[edit.end - offset :]
        begins = before.rstrip(" \t").endswith("\n")
        text = before + after.lstrip(" \t") if begins else before.rstrip(" \t") + after
    return text
