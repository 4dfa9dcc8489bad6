"""What a planned stage is made of. Text was instructions; these are values with every variable replaced. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from scow.dockerfile.span import Span


@dataclass(frozen=True, slots=True)
class FromStage:
    """Files come from an earlier stage."""

    index: int


@dataclass(frozen=True, slots=True)
class FromImage:
    """Files come from an image."""

    name: str


@dataclass(frozen=True, slots=True)
class FromContext:
    """Files come from the build context."""


Origin = FromStage | FromImage | FromContext


@dataclass(frozen=True, slots=True)
class RunOp:
    """Run ``argv`` in the file system so far. ``hidden`` variables (proxies) are set but in no key or history."""

    argv: tuple[str, ...]
    env: tuple[str, ...]
    cwd: str
    user: str
    network: str
    hidden: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CopyOp:
    """Copy ``sources`` (patterns) and ``files`` (name, content) of ``origin`` to ``target``, an absolute path.

    ``target`` ends in a slash when it must be a directory. ``unpack``: archives are unpacked (ADD).
    """

    origin: Origin
    sources: tuple[str, ...]
    target: str
    files: tuple[tuple[str, bytes], ...] = ()
    chown: str = ""
    chmod: str = ""
    exclude: tuple[str, ...] = ()
    unpack: bool = False


@dataclass(frozen=True, slots=True)
class MakeDirectoryOp:
    """WORKDIR: make the directory when it is not there."""

    path: str


Op = RunOp | CopyOp | MakeDirectoryOp


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction: its ``op`` (``None`` when it only sets metadata), and how history tells it."""

    title: str
    created_by: str
    span: Span
    op: Op | None = None
    author: str = ""


@dataclass(frozen=True, slots=True)
class PlannedStage:
    """``base`` is an image name, an earlier stage's index, or ``None`` for scratch. ``process`` is the config object
    at the end, with docker's field names."""

    index: int
    title: str
    base: str | int | None
    steps: tuple[Step, ...]
    process: Mapping[str, Any]
    author: str = ""

    @property
    def origins(self) -> tuple[Origin, ...]:
        """What its COPYs take from."""
        return tuple(step.op.origin for step in self.steps if isinstance(step.op, CopyOp))


@dataclass(frozen=True, slots=True)
class Graph:
    """The stages to build, each after those it needs; the last is the target. ``unused`` build arguments are told."""

    stages: tuple[PlannedStage, ...]
    unused: tuple[str, ...] = field(default=())


def key(kind: str, parts: Iterable[str | bytes]) -> str:
    """A cache key: the sha256 of length-prefixed parts, so that no two lists of parts run together."""
    digest = hashlib.sha256()
    for part in (kind, *parts):
        data = part.encode("utf-8", "surrogateescape") if isinstance(part, str) else part
        digest.update(b"%d:" % len(data))
        digest.update(data)
    return digest.hexdigest()
