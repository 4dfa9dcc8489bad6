"""The tools and what each is told: a table of command lines, docker's words where a tool has them."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.support.cli import environment
from tests.support.containers import tool
from tests.support.daemons import dockerd, unmount_beneath
from tests.support.peers import find

IDLE = ("sleep", "86399")
"""What the container of the row ``kept`` does; no other process on the machine has these words."""

THEN = "&&"
"""Between two commands that are one measure."""
_DOCKER_WORDS: Mapping[str, Sequence[str]] = {
    "pull": ("pull", "{base}"),
    "build": ("build", "--network", "host", "--build-arg", "BASE={base}", "-t", "{app}", "{context}"),
    "ignored": ("build", "--build-arg", "BASE={base}", "{ignored}"),
    "large": ("build", "--build-arg", "BASE={base}", "{large}"),
    "push": ("push", "{app}"),
    "build --push": (
        "build",
        "--no-cache",
        "--network",
        "host",
        "--build-arg",
        "BASE={base}",
        "-t",
        "{sent}",
        "{context}",
        THEN,
        "push",
        "{sent}",
    ),
    "save": ("save", "-o", "{file}", "{base}"),
    "load": ("load", "-i", "{archive}"),
    "run": ("run", "--rm", "--network", "host", "{base}", "true"),
    "exec": ("exec", "bench", "true"),
    "fifty": ("run", "-d", "--network", "host", "{base}", "true"),
    "kept": ("run", "-d", "--name", "idle", "--network", "host", "{base}", *IDLE),
    "images": ("images",),
}
#: what a pull fetches, and nothing unpacked
_BLOBS = ("copy", "docker://{base}", "oci:{store}/blobs:1")
#: verb -> what is done, unmeasured, before and after it
BEFORE: Mapping[str, Sequence[str]] = {
    "exec": ("run", "-d", "--name", "bench", "--network", "host", "{base}", "sleep", "600"),
    "scan matched": ("db", "import", "-q", "{advisories}"),
}
AFTER: Mapping[str, Sequence[str]] = {"exec": ("rm", "-f", "bench"), "kept": ("rm", "-f", "idle")}
#: verb -> tool -> what is on the first screen; the verb is measured until then
SCREENS: Mapping[str, Mapping[str, str]] = {"explore": {"scow": "after layer 4", "dive": "Current Layer Contents"}}
#: tool -> verb -> arguments; a verb that is missing does not apply
WORDS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "scow": {
        **_DOCKER_WORDS,
        "build --push": ("build", "--push", *_DOCKER_WORDS["build --push"][1:-3]),
        "sbom": ("sbom", "{base}"),
        "analyze": ("analyze", "{base}"),
        "explore": ("explore", "{base}"),
        "db import": ("db", "import", "{advisories}"),
        **dict.fromkeys(("scan", "scan matched"), ("scan", "--offline", "oci:{packages}:1")),
        "copy": ("copy", "docker://{base}", "docker://{copied}"),
        "across": ("copy", "docker://{base}", "docker://{across}"),
        "blobs": _BLOBS,
    },
    "docker": _DOCKER_WORDS,
    "podman": _DOCKER_WORDS,
    "buildah": {
        **{verb: _DOCKER_WORDS[verb] for verb in ("pull", "push", "images")},
        **{verb: ("bud", "--layers", *_DOCKER_WORDS[verb][1:]) for verb in ("build", "ignored", "large")},
    },
    "dive": {  # has no store of its own: reads a docker archive whose layers are not compressed, each time
        "analyze": ("--ci", "docker-archive://{archive}"),
        "explore": ("docker-archive://{archive}",),
    },
    "skopeo": {
        "blobs": _BLOBS,
        "copy": ("copy", "docker://{base}", "docker://{copied}"),
        "across": ("copy", "docker://{base}", "docker://{across}"),
    },
}


class Store(Protocol):
    """A tool with a store of its own."""

    @property
    def environment(self) -> dict[str, str]:
        """The whole environment of its processes."""

    def argv(self, *argv: str) -> list[str]:
        """The full command line."""


@dataclass(frozen=True, slots=True)
class PlainStore:
    """A program as a user would type it, with SCOW_ROOT set to ``root``."""

    root: Path
    program: str

    @property
    def environment(self) -> dict[str, str]:
        """SCOW_ROOT and a home."""
        return environment(self.root, self.root.parent)

    def argv(self, *argv: str) -> list[str]:
        """The full command line."""
        return [self.program, *argv]


def scow_program() -> str | None:
    """The ``scow`` command of this interpreter's environment."""
    return shutil.which("scow", path=str(Path(sys.executable).parent))


def available(name: str) -> bool:
    """Whether ``name`` is installed."""
    if name == "scow":
        return scow_program() is not None and importlib.util.find_spec("scow.cli.main") is not None
    return all(find(part) for part in {"docker": ("docker", "dockerd")}.get(name, (name,)))


@contextmanager
def fresh_store(name: str, place: Path, *registries: str) -> Iterator[Store]:
    """``name`` with an empty store beneath ``place``; docker's daemon runs for the length of the block."""
    place.mkdir(parents=True)
    if name == "docker":
        with dockerd(place) as docker:
            yield docker
    elif name in ("scow", "dive"):
        yield PlainStore(place / name, (scow_program() if name == "scow" else find(name)) or name)
    else:
        one = tool(name, place)
        for registry in registries:
            one.trust(registry)
        yield one
        unmount_beneath(place)
