"""Stages and arguments → the graph of what to do. Nothing runs until the whole graph exists. Pure.

Every instruction class has its function in one table; what cannot be built is refused here, with its place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace

from scow.build import epoch
from scow.build.draft import DEFAULT_PATH, DEFAULT_SHELL, Arguments, Draft, context
from scow.build.files import add, copy
from scow.build.ops import Graph, PlannedStage
from scow.build.programs import run
from scow.build.settings import SETTINGS
from scow.build.variables import PROXIES
from scow.dockerfile import instructions as ins
from scow.dockerfile import stages as st
from scow.dockerfile.parser import parse_trigger
from scow.dockerfile.span import located
from scow.dockerfile.stages import SCRATCH, Stage, Stages
from scow.errors import Invalid
from scow.oci.config import Config
from scow.oci.platform import Platform, wanted

__all__ = ["DEFAULT_PATH", "DEFAULT_SHELL", "Arguments", "image_names", "needed", "plan", "select", "triggered"]

_APPLY: Final[Mapping[type, Callable[[Draft, Any], None]]] = {**SETTINGS, ins.Run: run, ins.Copy: copy, ins.Add: add}


def select(stages: Stages, arguments: Arguments) -> tuple[Stages, tuple[Stage, ...], dict[str, str]]:
    """The stages with FROM's variables replaced, those the target needs, and the values of the variables outside."""
    predefined = platform_arguments(arguments.platform, arguments.build_platform)
    predefined["TARGETSTAGE"] = arguments.target or stages.stages[-1].name or "default"
    outside = st.meta_values(stages, arguments.given, predefined)
    found = st.expanded(stages, outside)
    found = replace(found, stages=tuple(_on_context(found, stage, arguments) for stage in found.stages))
    found = replace(found, stages=tuple(_on_platform(found, stage, arguments) for stage in found.stages))
    return found, needed(found, arguments), outside


def _on_context(stages: Stages, stage: Stage, arguments: Arguments) -> Stage:
    """The stage, its image (or all of it) replaced where the user gave a context of that name."""
    name = context(arguments.contexts, stage.image)
    if stage.name in arguments.contexts:
        name, stage = stage.name, replace(stage, instructions=())
    elif name is None or stage.image == SCRATCH or st.base(stages, stage):
        return stage
    image = arguments.contexts[name]
    return replace(stage, image=SCRATCH, files=name) if image is None else replace(stage, image=image)


def _on_platform(stages: Stages, stage: Stage, arguments: Arguments) -> Stage:
    """The stage; of an image for another platform than the target's, its key."""
    if not stage.platform:
        return stage
    try:
        asked = wanted(stage.platform, arguments.build_platform)
    except Invalid as error:
        raise located(error, stages.dockerfile.where(stage.start.span)) from None
    stage = replace(stage, platform=str(asked))
    if asked == arguments.platform.normalised() or stage.image == SCRATCH or st.base(stages, stage):
        return stage
    return replace(stage, image=image_key(stage.image, stage.platform))


def image_key(name: str, platform: str) -> str:
    """What an image is called in a plan where its platform is not the target's; else it is its name."""
    return f"{name} {platform}"


def image_of(key: str) -> tuple[str, str]:
    """The name and the platform (empty: the target's) that :func:`image_key` was made of."""
    name, _, platform = key.partition(" ")
    return name, platform


def needed(stages: Stages, arguments: Arguments) -> tuple[Stage, ...]:
    """The stages that the target needs, each after those it needs."""
    return st.reachable(stages, st.select(stages, arguments.target), arguments.contexts)


def triggered(stages: Stages, bases: Mapping[str, Config]) -> Stages:
    """The stages with the ONBUILD triggers of the images and stages they stand on before their own instructions."""
    return replace(stages, stages=tuple(_triggered(stages, stage, bases) for stage in stages.stages))


def _triggered(stages: Stages, stage: Stage, bases: Mapping[str, Config]) -> Stage:
    below = st.base(stages, stage)
    if below is None:
        config = bases.get(stage.image)
        expressions = (config.process.on_build or ()) if config else ()
    else:
        expressions = tuple(one.expression for one in below.instructions if isinstance(one, ins.Onbuild))
    triggers = tuple(parse_trigger(text, f"ONBUILD of {stage.image}") for text in expressions)
    return replace(stage, instructions=(*triggers, *stage.instructions))


def image_names(stages: Stages, reachable: Sequence[Stage], contexts: Mapping[str, str | None]) -> dict[str, Stage]:
    """The images that the stages stand on or take files from, with the stage that names each first."""
    names: dict[str, Stage] = {}
    for stage in reachable:
        if stage.image != SCRATCH and st.base(stages, stage) is None:
            names.setdefault(stage.image, stage)
        for instruction, reference in st.references(stage):
            if name := context(contexts, reference, instruction):
                image = contexts[name]
            else:
                image = reference if st.source(stages, stage, instruction, reference) is None else None
            if image is not None and image != SCRATCH:
                names.setdefault(image, stage)
    return names


def plan(
    stages: Stages,
    reachable: Sequence[Stage],
    outside: Mapping[str, str],
    arguments: Arguments,
    bases: Mapping[str, Config],
) -> Graph:
    """The graph for the last of ``reachable``; ``bases`` are the configs of the images the stages stand on."""
    planned: list[PlannedStage] = []
    drafts: dict[int, Draft] = {}
    for stage in reachable:
        draft = Draft.begin(stages, stage, outside, arguments, bases, drafts)
        for instruction in stage.instructions:
            draft.instruction = instruction
            _APPLY[type(instruction)](draft, instruction)
        drafts[stage.index] = draft
        base = st.base(stages, stage)
        origin = base.index if base else None if stage.image == SCRATCH else stage.image
        steps, platform = tuple(draft.steps), str(draft.platform)
        planned.append(PlannedStage(stage.index, stage.title, origin, steps, draft.process, draft.author, platform))
    return Graph(tuple(planned), _unused(stages, arguments), epoch.asked(arguments.given, outside))


def _unused(stages: Stages, arguments: Arguments) -> tuple[str, ...]:
    declared = {
        definition.name
        for instruction in stages.dockerfile.instructions
        if isinstance(instruction, ins.Arg)
        for definition in instruction.definitions
    }
    given = {name for name in arguments.given if not name.startswith("BUILDKIT_")}
    return tuple(sorted(given - declared - PROXIES - {epoch.NAME}))


def platform_arguments(target: Platform, builder: Platform) -> dict[str, str]:
    """``TARGETPLATFORM``, ``BUILDARCH`` and the like: what is built for, and what builds."""
    values: dict[str, str] = {}
    for prefix, platform in (("TARGET", target), ("BUILD", builder)):
        values |= {
            f"{prefix}PLATFORM": str(platform),
            f"{prefix}OS": platform.os,
            f"{prefix}OSVERSION": platform.os_version or "",
            f"{prefix}ARCH": platform.architecture,
            f"{prefix}VARIANT": platform.variant or "",
        }
    return values
