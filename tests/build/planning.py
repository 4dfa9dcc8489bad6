"""A Dockerfile's text → its graph, without anything that exists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scow.build.ops import Graph, PlannedStage
from scow.build.plan import Arguments, image_names, needed, plan, select, triggered
from scow.dockerfile.parser import parse
from scow.dockerfile.stages import stages
from scow.oci.config import Config, parse as parse_config
from scow.oci.documents import encode


def config(**process: Any) -> Config:
    """An image's config; fields with docker's names."""
    document = {"architecture": "amd64", "os": "linux", "config": process, "rootfs": {"type": "layers", "diff_ids": []}}
    return parse_config(encode(document))


def graph(text: str, arguments: Arguments | None = None, images: Mapping[str, Config] | None = None) -> Graph:
    """The graph of a Dockerfile; an image that ``images`` does not have is empty."""
    asked = arguments or Arguments()
    expanded, reachable, outside = select(stages(parse(text)), asked)
    bases = {name: (images or {}).get(name, config()) for name in image_names(expanded, reachable)}
    found = triggered(expanded, bases)
    reachable = needed(found, asked)
    bases |= {name: (images or {}).get(name, config()) for name in image_names(found, reachable)}
    return plan(found, reachable, outside, asked, bases)


def last(text: str, images: Mapping[str, Config] | None = None, **given: Any) -> PlannedStage:
    """The target stage; keywords are fields of :class:`Arguments`."""
    return graph(text, Arguments(**given), images).stages[-1]


def histories(stage: PlannedStage) -> list[str]:
    """What each step will be in history."""
    return [step.created_by for step in stage.steps]
