"""What would make an image smaller, as changes to its Dockerfile and ignore file, with the bytes each would save. Pure.

::

    clean      remove a cache in the RUN that filled it
    join       delete a file in the RUN that made it
    stage      build in a stage of its own, and leave the tools for building there
    base       begin from the smaller variant of the base image
    ignore     keep what no image needs out of the context
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from scow.dockerfile.instructions import Add, Copy, Instruction, Run
from scow.dockerfile.lint import mending
from scow.dockerfile.lint.checks.copying import BAGGAGE
from scow.dockerfile.lint.finding import Edit
from scow.dockerfile.lint.linted import Linted, Step
from scow.layer.entry import shown
from scow.oci.config import History
from scow.size.layers import instruction as written
from scow.size.restage import packages
from scow.size.waste import KINDS, Finding, Waste

#: What begins a name of an image whose smaller variant is known, and that variant's tag.
SLIM: Final = ("debian", "python", "node", "ruby", "php", "rust", "openjdk", "eclipse-temurin", "perl")
_MOST_PATHS: Final = 12
_PLAIN: Final = re.compile(r"[\w./+-]+")


class Restage(msgspec.Struct, frozen=True):
    """Build in a stage: which ``packages`` the last one goes without, and which ``paths`` it takes instead."""

    packages: frozenset[str]
    paths: tuple[str, ...]


class Proposal(msgspec.Struct, frozen=True):
    """One change. ``saves`` are bytes of the image's layers, measured; None where no image was there to measure.

    ``edits`` change the Dockerfile, ``ignore`` are lines for the ignore file. A proposal with none of these is advice
    that a person has to follow.
    """

    kind: str
    title: str
    why: str
    line: int = 0
    saves: int | None = None
    edits: tuple[Edit, ...] = ()
    ignore: tuple[str, ...] = ()
    restage: Restage | None = None

    @property
    def applies(self) -> bool:
        """Can it be done by a program?"""
        return bool(self.edits or self.ignore or self.restage)


class Seen(msgspec.Struct, frozen=True):
    """An image that the Dockerfile made: its waste, which layer each line made, and what its last stage could copy.

    ``artifacts`` are the paths that came from steps which install nothing; None where they could not be copied.
    ``tools``: layer → bytes of its packages that only serve to build. ``bases``: smaller bases → what the image loses.
    """

    waste: tuple[Waste, ...]
    layers: Mapping[int, int] = {}
    artifacts: tuple[str, ...] | None = None
    tools: Mapping[int, int] = {}
    bases: Mapping[str, int] = {}


class Sent(msgspec.Struct, frozen=True):
    """The build context: bytes beneath each path at its top, and of those in it that are known to weigh."""

    sizes: Mapping[str, int]


def made_by(linted: Linted, history: Sequence[History]) -> dict[int, int]:
    """Line of an instruction → layer, from the end of history back; lines that history does not tell are left out."""
    last = linted.stages[-1]
    stages = [last, *linted.lineage(last)]
    instructions = [one for stage in stages for one in reversed(stage.instructions)]
    layer = sum(not step.empty_layer for step in history) - 1
    steps = list(history)
    found: dict[int, int] = {}
    for one in instructions:
        if not steps or _keyword(steps[-1]) != one.keyword:
            continue  # an ARG, or a step that left no trace
        if not steps.pop().empty_layer:
            found[one.span.start_line] = layer
            layer -= 1
    return found


def _keyword(step: History) -> str:
    return written(step.created_by or "").split(" ", 1)[0].upper()


def of_image(waste: Iterable[Waste]) -> tuple[Proposal, ...]:
    """What to do about the waste of an image without its Dockerfile: by step and kind, the largest first."""
    found = [
        Proposal(one.kind, f"{one.about.title}: {one.instruction or 'the base'}", one.about.advice, 0, one.size)
        for one in waste
    ]
    return tuple(sorted(found, key=lambda one: -(one.saves or 0)))


def advise(linted: Linted, seen: Seen | None = None, sent: Sent | None = None) -> tuple[Proposal, ...]:
    """The proposals, the largest saving first."""
    found = [*_ignored(linted, sent), *_base(linted, seen)]
    if seen is not None:
        for step in linted.steps:
            if step.stage.index in linted.kept and (layer := seen.layers.get(step.run.span.start_line)) is not None:
                found += _cleaned(linted, step, seen, layer)
                found += _joined(linted, step, seen, layer)
        found += _staged(linted, seen)
        found += _late_changes(linted, seen)
    return tuple(sorted(found, key=lambda one: -(one.saves or 0)))


def _cleaned(linted: Linted, step: Step, seen: Seen, layer: int) -> Iterator[Proposal]:
    """Caches that a RUN leaves in its layer, also those that a later one only hides."""
    caches = [
        (KINDS[kind], one) for waste in seen.waste if waste.layer == layer
        for one in waste.findings if (kind := _cache(waste, one))
    ]  # fmt: skip
    if not caches:
        return
    places = dict.fromkeys(_place(kind.below, one.path) for kind, one in caches)
    places.pop("", None)  # of a name that a shell could read otherwise: it stays
    saves = sum(one.size for kind, one in caches if _place(kind.below, one.path))
    titles = ", ".join(dict.fromkeys(kind.title for kind, _ in caches))
    edits: tuple[Edit, ...] = ()
    if 0 < len(places) <= _MOST_PATHS:
        edits = mending.appended(linted, step, "rm -rf " + " ".join(f"/{place}" for place in places))
    title = f"remove {titles} in the RUN that filled them"
    why = "a cache is of no use in an image, and a later layer cannot take it away again"
    yield Proposal("clean", title, why, step.run.span.start_line, saves, edits)


def _cache(waste: Waste, one: Finding) -> str:
    """The kind of cache that a finding is, or nothing."""
    kind = waste.kind if waste.sort == "cache" else one.also if waste.kind == "deleted" else ""
    return kind if kind and KINDS[kind].sort == "cache" else ""


def _place(below: bytes, path: bytes) -> str:
    """What to delete: all in the directory that holds the cache (``var/lib/apt/lists/*``), else the file."""
    directory = path.rpartition(b"/")[0] + b"/"
    found = re.search(below, directory) if below else None
    place = (directory[: found.end()] if found else path).decode("utf-8", "replace")
    return f"{place}*" * bool(_PLAIN.fullmatch(place)) if found else place * bool(_PLAIN.fullmatch(place))


def _joined(linted: Linted, step: Step, seen: Seen, layer: int) -> Iterator[Proposal]:
    """Files that the very next RUN deletes."""
    following = _next(step)
    if not isinstance(following, Run) or following.mounts or step.run.mounts:
        return
    cause = seen.layers.get(following.span.start_line, -1)
    gone = [
        one for waste in seen.waste if (waste.kind, waste.layer, waste.cause) == ("deleted", layer, cause)
        for one in waste.findings if not _cache(waste, one)
    ]  # fmt: skip
    if gone:
        saves = sum(one.size for one in gone)
        title = f"delete {_paths(gone)} in the RUN that made it"
        yield Proposal("join", title, "a later layer only hides a file", step.run.span.start_line, saves,
                       _join(linted, step, following))  # fmt: skip


def _next(step: Step) -> Instruction | None:
    after = [one for one in step.stage.instructions if one.span.start_line > step.run.span.start_line]
    return after[0] if after else None


def _join(linted: Linted, step: Step, following: Run) -> tuple[Edit, ...]:
    """``RUN a`` and ``RUN b`` → ``RUN a && b``."""
    end = mending.end(step)
    later = linted.step(following)
    if end is None or later is None or mending.end(later) is None:
        return ()
    start, escape = linted.keyword(following)[1], linted.read.directives.escape
    return (Edit(end, start, f" {escape}\n    &&"),)


def _paths(findings: Sequence[Finding]) -> str:
    first = shown(findings[0].path)
    return f"{first} and {len(findings) - 1} more" if len(findings) > 1 else first


def _staged(linted: Linted, seen: Seen) -> Iterator[Proposal]:
    """Tools for building that stay in the image."""
    lines = [line for line, layer in seen.layers.items() if seen.tools.get(layer)]
    if not lines:
        return
    saves = sum(seen.tools[seen.layers[line]] for line in lines)
    dropped = packages(linted)
    title = "build in a stage of its own, and COPY --from it what came out"
    why = "compilers and headers are of no use to what runs"
    can = len(linted.stages) == 1 and dropped and seen.artifacts
    restage = Restage(dropped, seen.artifacts) if can and seen.artifacts else None
    yield Proposal("stage", title, why, min(lines), saves, restage=restage)


def _late_changes(linted: Linted, seen: Seen) -> Iterator[Proposal]:
    """Files that a later step copies into its layer only to change whose they are."""
    lines = {layer: line for line, layer in seen.layers.items()}
    for waste in seen.waste:
        if waste.kind == "metadata-copy" and waste.cause in lines and waste.layer in lines:
            title = f"give {_paths(waste.findings)} owner and mode where it is copied"
            why = "COPY --chown --chmod costs nothing; chown and chmod later cost the file once more"
            yield Proposal("owner", title, why, lines[waste.cause], waste.size)


def _base(linted: Linted, seen: Seen | None) -> Iterator[Proposal]:
    """The smaller variant of the base image."""
    last = linted.stages[-1]
    start = [last, *linted.lineage(last)][-1].start
    smaller = slim(start.image)
    if smaller:
        saves = seen.bases.get(smaller) if seen else None
        edits = (Edit(*linted.at(start, start.image), smaller),) if saves else ()
        title = f"begin from {smaller}"
        why = "the same without what most programs never use"
        yield Proposal("base", title, why, start.span.start_line, saves, edits)


def slim(image: str) -> str:
    """``python:3.12`` → ``python:3.12-slim``; nothing where no smaller variant is known."""
    name, colon, tag = image.partition(":")
    known = name.removeprefix("docker.io/").removeprefix("library/") in SLIM
    return (
        f"{image}-slim" if known and colon and "@" not in tag and not {"slim", "alpine"} & set(tag.split("-")) else ""
    )


def _ignored(linted: Linted, sent: Sent | None) -> Iterator[Proposal]:
    """What the context sends and the build never uses."""
    if sent is None:
        return
    taken = [(stage, one, source) for stage, one in linted.instructions for source in _taken(one)]
    whole = [(stage, one) for stage, one, source in taken if source in {"", ".", "*"}]
    named = {source for _, _, source in taken}
    weighing = [name for name in sorted(sent.sizes) if name.rpartition("/")[2] in BAGGAGE and name not in named]
    copied = [(stage, one) for stage, one in whole if isinstance(one, Copy | Add)]
    if copied and weighing:
        kept = any(stage.index in linted.kept for stage, _ in copied)
        size = sum(sent.sizes[name] for name in weighing) if kept else 0
        title = f"leave {', '.join(weighing)} out of the context"
        why = "COPY . takes them along, and every change in them builds all that follows anew"
        yield Proposal("ignore", title, why, copied[0][1].span.start_line, size, ignore=tuple(weighing))
    elif taken and not whole:
        yield from _unused({source.split("/")[0] for _, _, source in taken}, sent)


def _taken(one: Instruction) -> list[str]:
    """The paths of the context that an instruction reads, without ``./`` and slashes around."""
    sources: Iterable[str] = ()
    if isinstance(one, Add) or (isinstance(one, Copy) and not one.from_):
        sources = (source for source in one.sources if "://" not in source)
    elif isinstance(one, Run):
        sources = (mount.source for mount in one.mounts if mount.type == "bind" and not mount.from_)
    return [source.removeprefix("./").strip("/") for source in sources]


def _unused(used: set[str], sent: Sent) -> Iterator[Proposal]:
    """Names at the top of the context that nothing begins with."""
    if any(set("*?[$") & set(name) for name in used):
        return
    used = used | {"Dockerfile", ".dockerignore"}
    unused = [name for name in sorted(sent.sizes) if name not in used and "/" not in name and _PLAIN.fullmatch(name)]
    if unused:
        size = sum(sent.sizes[name] for name in unused)
        title = f"leave out of the context what nothing takes: {len(unused)} names, {size} bytes"
        yield Proposal(
            "ignore", title, "builders that send the context send them each time", 0, 0, ignore=tuple(unused)
        )
