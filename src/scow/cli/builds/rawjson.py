"""A build's events as BuildKit's ``SolveStatus`` documents, for ``--progress=rawjson``."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from scow.cli.builds.log import Log, Step
from scow.errors import ScowError

if TYPE_CHECKING:
    from scow.build.execute import Event


class RawJson(Log):
    """A document a line: ``vertexes`` are steps, ``logs`` is what their programs write."""

    def watch(self, event: Event) -> None:
        """Told by every stage."""
        super().watch(event)
        with self._lock:
            step, now = self.steps.of(event), time.time()
            self.write(log(step, event.output, now) if event.state == "output" else vertex(step, now))

    def close(self, error: BaseException | None) -> None:
        """What failed is told with its error."""
        failed = self.steps.failed
        if failed and isinstance(error, ScowError):
            self.write(vertex(failed, time.time(), error.problem))


def vertex(step: Step, now: float, error: str = "") -> str:
    """A step as it is now; ``now`` is in unix seconds."""
    ended = step.state in ("cached", "done", "failed")
    told: dict[str, Any] = {"digest": _digest(step), "name": step.name, "started": _time(now - step.seconds)}
    if ended:
        told["completed"] = _time(now)
    if step.state == "cached":
        told["cached"] = True
    if error:
        told["error"] = error
    return json.dumps({"vertexes": [told]})


def log(step: Step, data: bytes, now: float) -> str:
    """What a step's program wrote; both of its streams are one."""
    told = {"vertex": _digest(step), "stream": 1, "data": base64.b64encode(data).decode(), "timestamp": _time(now)}
    return json.dumps({"logs": [told]})


def _digest(step: Step) -> str:
    return f"sha256:{hashlib.sha256(f'{step.id} {step.name}'.encode()).hexdigest()}"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
