"""A Dockerfile's text → its graph, without anything that exists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scow.build.ops import CopyOp, Graph, PlannedStage, RunOp
from scow.build.plan import Arguments, image_names, needed, plan, select, triggered
from scow.dockerfile.parser import parse
from scow.dockerfile.stages import stages
from scow.oci import config as configs
from scow.oci.config import Config
from scow.oci.documents import encode

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def config(**process: Any) -> Config:
    """An image's config; fields with docker's names."""
    document = {"architecture": "amd64", "os": "linux", "config": process, "rootfs": {"type": "layers", "diff_ids": []}}
    return configs.parse(encode(document))


def graph(text: str, arguments: Arguments | None = None, images: Mapping[str, Config] | None = None) -> Graph:
    """The graph of a Dockerfile; an image that ``images`` does not have is empty."""
    asked = arguments or Arguments()
    known = images or {}
    found, reachable, outside = select(stages(parse(text)), asked)
    bases = {name: known.get(name, config()) for name in image_names(found, reachable, asked.contexts)}
    found = triggered(found, bases)
    reachable = needed(found, asked)
    bases |= {name: known.get(name, config()) for name in image_names(found, reachable, asked.contexts)}
    return plan(found, reachable, outside, asked, bases)


def last(text: str, images: Mapping[str, Config] | None = None, **given: Any) -> PlannedStage:
    """The target stage; keywords are fields of :class:`Arguments`."""
    return graph(text, Arguments(**given), images).stages[-1]


def histories(stage: PlannedStage) -> list[str]:
    """What each step will be in history."""
    return [step.created_by for step in stage.steps]


def run_of(stage: PlannedStage, number: int = -1) -> RunOp:
    """One of the stage's RUNs."""
    return [step.op for step in stage.steps if isinstance(step.op, RunOp)][number]


def copy_of(stage: PlannedStage, number: int = -1) -> CopyOp:
    """One of the stage's COPYs."""
    return [step.op for step in stage.steps if isinstance(step.op, CopyOp)][number]
