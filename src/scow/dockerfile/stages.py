"""Instructions -> build stages, and which of them a target needs.

Everything before the first FROM is an ARG of no stage; every FROM begins a stage that lasts up to the next one. A stage
is named by FROM's ``AS name`` (case does not matter) and numbered from 0.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from scow.dockerfile.instructions import Arg, Copy, From, Instruction, Run
from scow.dockerfile.parser import Dockerfile
from scow.dockerfile.shell import expand
from scow.dockerfile.span import Span, located
from scow.dockerfile.suggest import hint
from scow.errors import Invalid, NotFound

SCRATCH = "scratch"
_DIGITS = 10  # a longer number is no stage's


class Stage(msgspec.Struct, frozen=True):
    """``image`` and ``platform`` are FROM's, as written until :func:`expanded`. ``instructions`` are without FROM.
    ``files`` is the given context whose files it begins with, on scratch."""

    index: int
    name: str
    start: From
    image: str
    platform: str
    instructions: tuple[Instruction, ...] = ()
    files: str = ""

    @property
    def title(self) -> str:
        """Its name, or ``stage-0`` for one without."""
        return self.name or f"stage-{self.index}"


class Stages(msgspec.Struct, frozen=True):
    """``meta`` are the ARGs before the first FROM, ``named`` the numbers of the stages with a name, rising."""

    dockerfile: Dockerfile
    meta: tuple[Arg, ...]
    stages: tuple[Stage, ...]
    named: Mapping[str, Sequence[int]]

    def invalid(self, problem: str, span: Span, *, hint: str = "") -> Invalid:
        """The error to raise about a place in the Dockerfile."""
        return Invalid(problem, hint=hint, where=self.dockerfile.where(span))


def stages(dockerfile: Dockerfile) -> Stages:
    """The stages of a Dockerfile; Invalid for an instruction outside them.

    A name given twice means its last stage so far, as BuildKit has it.
    """
    meta: list[Arg] = []
    found: list[tuple[From, list[Instruction]]] = []
    for instruction in dockerfile.instructions:
        if isinstance(instruction, From):
            found.append((instruction, []))
        elif found:
            found[-1][1].append(instruction)
        elif isinstance(instruction, Arg):
            meta.append(instruction)
        else:
            where = dockerfile.where(instruction.span)
            raise Invalid("no build stage in current context", where=where, hint="FROM comes first, only ARG before it")
    if not found:
        raise Invalid("no build stage: FROM is missing", where=dockerfile.where(dockerfile.instructions[-1].span))
    made = tuple(
        Stage(index, start.name, start, start.image, start.platform, tuple(instructions))
        for index, (start, instructions) in enumerate(found)
    )
    named: dict[str, list[int]] = {}
    for stage in made:
        if stage.name:
            named.setdefault(stage.name, []).append(stage.index)
    return Stages(dockerfile, tuple(meta), made, named)


def meta_values(of: Stages, given: Mapping[str, str], predefined: Mapping[str, str]) -> dict[str, str]:
    """What the variables outside every stage are.

    ``given`` are the build arguments, which beat defaults; ``predefined`` are those every build has (``TARGETARCH`` …).
    """
    values = {name: given.get(name, value) for name, value in predefined.items()}
    for arg in of.meta:
        for definition in arg.definitions:
            if definition.name in given:
                values[definition.name] = given[definition.name]
            elif definition.default is not None:
                values[definition.name] = _expanded(of, arg, definition.default, values)
    return values


def _expanded(of: Stages, instruction: Instruction, word: str, values: Mapping[str, str]) -> str:
    try:
        return expand(word, values.get, of.dockerfile.directives.escape)
    except Invalid as error:
        raise located(error, of.dockerfile.where(instruction.span_of(word))) from None


def expanded(of: Stages, values: Mapping[str, str]) -> Stages:
    """The stages with the variables in FROM replaced by those of :func:`meta_values`."""
    return replace(of, stages=tuple(_expanded_stage(of, stage, values) for stage in of.stages))


def _expanded_stage(of: Stages, stage: Stage, values: Mapping[str, str]) -> Stage:
    start = stage.start
    image = _expanded(of, start, start.image, values)
    if not image:
        problem = f"base name ({start.image}) should not be blank"
        raise of.invalid(problem, start.span_of(start.image), hint="give its ARG a default before the first FROM")
    platform = _expanded(of, start, start.platform, values)
    if start.platform and not platform:
        raise of.invalid(f"empty platform value from expression {start.platform}", start.words[0].span)
    return replace(stage, image=image, platform=platform)


def find(of: Stages, reference: str, before: int | None = None) -> Stage | None:
    """The stage of that name, the last of several, or number; stages ``before`` an index come first."""
    if reference.isascii() and reference.isdigit():
        number = reference.lstrip("0") or "0"
        return of.stages[int(number)] if len(number) < _DIGITS and int(number) < len(of.stages) else None
    numbers = of.named.get(reference.lower(), ())
    earlier = len(numbers) if before is None else bisect_left(numbers, before)
    return of.stages[numbers[earlier - 1]] if numbers else None  # of none that is earlier, the last


def base(of: Stages, stage: Stage) -> Stage | None:
    """The earlier stage that ``stage`` is built on; None where it is on an image (or nothing).

    FROM wants the name in small letters, whatever AS and ``--from`` have, as BuildKit does.
    """
    numbers = of.named.get(stage.image, ())
    earlier = bisect_left(numbers, stage.index)
    return of.stages[numbers[earlier - 1]] if earlier else None


def is_number(instruction: Copy | Run, reference: str) -> bool:
    """Whether ``--from`` is a stage's number, whatever else has that name; a mount's ``from`` never is."""
    return isinstance(instruction, Copy) and reference.isascii() and reference.isdecimal()


def source(of: Stages, stage: Stage, instruction: Copy | Run, reference: str) -> Stage | None:
    """The earlier stage that ``--from`` or a mount's ``from`` in ``stage`` means; None: an image or a named context.

    Invalid for the stage itself or a later one, and where a mount has its number: to take an image of that name for it
    would be a trap.
    """
    found = find(of, reference, stage.index)
    span = _span_of_from(instruction, reference)
    if found is None:
        if is_number(instruction, reference):
            raise of.invalid(f"invalid stage index {reference}", span)
        return None
    if reference.isdecimal() and not is_number(instruction, reference):
        raise of.invalid(f"a mount takes no stage by its number {reference}", span, hint="FROM … AS gives it a name")
    if found.index == stage.index:
        raise of.invalid(f"circular dependency detected on stage: {stage.title}", span)
    if found.index > stage.index:
        problem = f'"{reference}" needs to be defined before current stage "{stage.title}"'
        raise of.invalid(problem, span, hint="a stage can only take from the stages above it")
    return found


def _span_of_from(instruction: Copy | Run, reference: str) -> Span:
    words = (word.span for word in instruction.words if word.text.startswith("--") and f"from={reference}" in word.text)
    return next(words, instruction.span)


def references(stage: Stage) -> tuple[tuple[Copy | Run, str], ...]:
    """What the instructions of a stage take files from, as written; the triggers of ONBUILD are not run here."""
    found: list[tuple[Copy | Run, str]] = []
    for instruction in stage.instructions:
        if isinstance(instruction, Copy) and instruction.from_:
            found.append((instruction, instruction.from_))
        elif isinstance(instruction, Run):
            found += [(instruction, mount.from_) for mount in instruction.mounts if mount.from_]
    return tuple(found)


def needs(of: Stages, stage: Stage, contexts: Collection[str] = ()) -> tuple[Stage, ...]:
    """The earlier stages that ``stage`` takes something from; names in ``contexts`` are contexts given by the user."""
    found = {} if stage.image in contexts else {one.index: one for one in (base(of, stage),) if one}
    for instruction, reference in references(stage):
        if is_number(instruction, reference) or reference not in contexts:
            one = source(of, stage, instruction, reference)
            found |= {one.index: one} if one else {}
    return tuple(found[index] for index in sorted(found))


def select(of: Stages, target: str | None) -> Stage:
    """The stage to build: the one of that name or number, else the last. NotFound with the nearest name."""
    if not target:
        return of.stages[-1]
    found = find(of, target)
    if found is None:
        names = [stage.name for stage in of.stages if stage.name]
        raise NotFound(f'target stage "{target}" could not be found', hint=hint(target, names))
    return found


def reachable(of: Stages, target: Stage, contexts: Collection[str] = ()) -> tuple[Stage, ...]:
    """The stages to build for ``target``, itself the last, each after those it needs; all others are never built."""
    wanted = {target.index}
    for index in range(target.index, -1, -1):  # a stage needs only earlier ones, so one pass downward is enough
        if index in wanted:
            wanted |= {stage.index for stage in needs(of, of.stages[index], contexts)}
    return tuple(of.stages[index] for index in sorted(wanted))
