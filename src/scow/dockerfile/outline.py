"""What a Dockerfile offers to who builds it: its targets, and the arguments, secrets and agents that a target takes.

BuildKit's ``frontend.targets`` and ``frontend.outline``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from scow.dockerfile.instructions import Arg, Definition, Run
from scow.dockerfile.shell import expand, names_of
from scow.dockerfile.span import Span
from scow.dockerfile.stages import Stage, Stages, meta_values, reachable, select
from scow.errors import Invalid


@dataclass(frozen=True, slots=True)
class Target:
    """A stage that can be asked for; ``base`` and ``platform`` as FROM has them."""

    name: str
    description: str
    default: bool
    base: str
    platform: str
    span: Span


@dataclass(frozen=True, slots=True)
class Argument:
    """A build argument that counts, and its value in this build."""

    name: str
    description: str
    value: str
    span: Span


@dataclass(frozen=True, slots=True)
class Wanted:
    """A secret or an agent that a RUN asks for, by id."""

    name: str
    required: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Outline:
    """What building ``name`` takes; each once, in the order written."""

    name: str
    description: str
    arguments: tuple[Argument, ...]
    secrets: tuple[Wanted, ...]
    agents: tuple[Wanted, ...]


def targets(of: Stages) -> tuple[Target, ...]:
    """Every stage."""
    last = of.stages[-1]
    return tuple(
        Target(
            stage.name, stage.start.comment, stage is last, stage.start.image, stage.start.platform, stage.start.span
        )
        for stage in of.stages
    )


def outline(
    of: Stages,
    target: str | None = None,
    given: Mapping[str, str] | None = None,
    predefined: Mapping[str, str] | None = None,
) -> Outline:
    """What the target takes; ``given`` are build arguments, ``predefined`` those that every build has.

    NotFound for a target that is not there, Invalid where its stages cannot be.
    """
    stage = select(of, target)
    needed = reachable(of, stage)
    return Outline(
        stage.name,
        stage.start.comment,
        _arguments(of, needed, given or {}, predefined or {}),
        _wanted(needed, "secret"),
        _wanted(needed, "ssh"),
    )


def _arguments(
    of: Stages, needed: tuple[Stage, ...], given: Mapping[str, str], predefined: Mapping[str, str]
) -> tuple[Argument, ...]:
    """One that only takes the value from before FROM is told where that stands; of ``predefined`` none is."""
    outside = meta_values(of, given, predefined)
    found: list[Argument] = []
    inherited: list[str] = []
    for stage in needed:
        values: dict[str, str] = {}
        for arg in (one for one in stage.instructions if isinstance(one, Arg)):
            for definition in arg.definitions:
                name = definition.name
                values[name] = _value(definition, given, values, outside, of.dockerfile.directives.escape)
                if definition.default is None and name not in given and name in outside:
                    inherited.append(name)
                else:
                    found.append(Argument(name, definition.comment, values[name], arg.span))
    used = _used_outside(of, needed, inherited)
    found += [
        Argument(definition.name, definition.comment, outside.get(definition.name, ""), arg.span)
        for arg in of.meta for definition in arg.definitions if definition.name in used
    ]  # fmt: skip
    first = {argument.name: argument for argument in sorted(found, key=lambda one: -one.span.start_line)}
    return tuple(sorted(first.values(), key=lambda one: one.span.start_line))


def _value(
    definition: Definition, given: Mapping[str, str], values: Mapping[str, str], outside: Mapping[str, str], escape: str
) -> str:
    """As the build would have it: given, the default, or what it was before FROM."""
    if definition.name in given:
        return given[definition.name]
    if definition.default is None:
        return outside.get(definition.name, "")
    try:
        return expand(definition.default, values.get, escape)
    except Invalid:
        return definition.default


def _used_outside(of: Stages, needed: tuple[Stage, ...], inherited: Iterable[str]) -> set[str]:
    """The names that FROM uses or a stage inherits, and those that their defaults use."""
    defaults = {d.name: d.default or "" for arg in of.meta for d in arg.definitions}
    waiting = [word for stage in needed for word in (stage.start.image, stage.start.platform)]
    waiting += [f"${{{name}}}" for name in inherited]
    used: set[str] = set()
    while waiting:
        for name in names_of(waiting.pop()) - used:
            used.add(name)
            waiting.append(defaults.get(name, ""))
    return used


def _wanted(needed: tuple[Stage, ...], kind: str) -> tuple[Wanted, ...]:
    found: dict[str, Wanted] = {}
    runs = (one for stage in needed for one in stage.instructions if isinstance(one, Run))
    for run in sorted(runs, key=lambda run: run.span.start_line):
        for mount in run.mounts:
            if mount.type == kind:
                name = mount.id or mount.source or mount.target.rpartition("/")[2] or "default"
                found.setdefault(name, Wanted(name, mount.required, run.span))
    return tuple(found.values())
