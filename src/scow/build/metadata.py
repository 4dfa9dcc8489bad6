"""``--change`` of import and commit: Dockerfile lines that set metadata, planned as a stage's would be. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scow.build.ops import CopyOp, RunOp
from scow.build.plan import Arguments, plan, select
from scow.dockerfile.parser import parse
from scow.dockerfile.stages import stages
from scow.errors import Invalid
from scow.oci.config import Config

_BASE = "base"


def changed_process(changes: Sequence[str], base: Config) -> dict[str, Any]:
    """The config object (docker's field names) after ``changes``. Raises :class:`Invalid` for other instructions."""
    text = "\n".join([f"FROM {_BASE}", *(line.replace("\n", " ") for line in changes)])
    found = stages(parse(text, "--change"))
    if len(found.stages) > 1:
        raise Invalid("FROM is not a valid change command", subject="--change")
    arguments = Arguments(path="")
    expanded, reachable, outside = select(found, arguments)
    stage = plan(expanded, reachable, outside, arguments, {_BASE: base}).stages[-1]
    for step in stage.steps:
        if isinstance(step.op, RunOp | CopyOp):
            raise Invalid(f"{step.title.split()[0].upper()} is not a valid change command", subject="--change")
    return dict(stage.process)
