"""Which instruction made which layer, told as its Dockerfile had it. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from scow.layer.entry import Entry
from scow.oci.config import History

_BUILDKIT: Final = " # buildkit"
_NOT_RUN: Final = re.compile(r"^/bin/sh -c #\(nop\)\s+")
_SHELL: Final = re.compile(r"^(?:RUN )?(?:\|\d+ .*?)?/bin/(?:ba|da|a)?sh -c (?:set -o pipefail )?")
_ARGUMENTS: Final = re.compile(r"^RUN \|\d+ ")


class Layer(msgspec.Struct, frozen=True):
    """One layer to look at, lowest first: its ``entries``, what names it, and the step of history that made it.

    ``blob`` is what it takes compressed, in bytes; ``instruction`` is empty where history does not say.
    """

    diff_id: str
    entries: Sequence[Entry]
    blob: int = 0
    instruction: str = ""
    created: str = ""

    @property
    def size(self) -> int:
        """The content of its files."""
        return sum(entry.size for entry in self.entries)


def steps(history: Sequence[History] | None, count: int) -> list[History]:
    """The step that brought each of ``count`` layers; an empty one where history says too little."""
    brought = [step for step in history or () if not step.empty_layer][:count]
    return brought + [History()] * (count - len(brought))


def instruction(created_by: str) -> str:
    """A step as its Dockerfile had it: ``/bin/sh -c #(nop) COPY …``, ``RUN |1 A=b /bin/sh -c …`` and the like."""
    text = created_by.strip().removesuffix(_BUILDKIT)
    bare = _NOT_RUN.sub("", text)
    if bare != text:
        return bare
    shell = _SHELL.match(text)
    if shell:
        return "RUN " + text[shell.end() :].strip()
    return _ARGUMENTS.sub("RUN ", text)
