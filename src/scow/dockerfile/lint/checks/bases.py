"""FROM: which image, which platform, and the names of stages."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator

from scow.dockerfile.instructions import Arg
from scow.dockerfile.lint.finding import Edit, Found, Severity
from scow.dockerfile.lint.images import host, is_reference, tag
from scow.dockerfile.lint.linted import Linted
from scow.dockerfile.lint.rule import Rule
from scow.dockerfile.shell import expand, names_of
from scow.dockerfile.stages import SCRATCH, Stage, reachable
from scow.dockerfile.suggest import nearest
from scow.errors import Invalid

#: What every build defines outside stages.
PLATFORM_ARGS = frozenset(
    f"{side}{part}" for side in ("TARGET", "BUILD") for part in ("PLATFORM", "OS", "OSVERSION", "ARCH", "VARIANT")
) | {"TARGETSTAGE"}
_RESERVED = frozenset({"scratch", "context"})
_OS = frozenset({"linux", "windows", "darwin", "freebsd"})


def outside(stage: Stage, file: Linted) -> bool:
    """Is the stage built on an image of elsewhere that is written out (no variable, no earlier stage, no scratch)?"""
    image = stage.start.image
    earlier = {one.name for one in file.stages[: stage.index] if one.name}
    return image != SCRATCH and "$" not in image and image.lower() not in earlier


def untagged(file: Linted) -> Iterator[Found]:
    """FROM image"""
    for stage in file.stages:
        image = stage.start.image
        if outside(stage, file) and not tag(image) and "@" not in image:
            message = f"the base {image} has no tag: whatever is newest is built on"
            yield file.found(message, file.at(stage.start, image), hint=f"name a version: {image}:<version>")


def latest(file: Linted) -> Iterator[Found]:
    """FROM image:latest"""
    for stage in file.stages:
        image = stage.start.image
        if outside(stage, file) and tag(image) == "latest" and "@" not in image:
            message = "the tag latest moves: tomorrow's build may have another base"
            yield file.found(message, file.at(stage.start, image), hint="name a version")


def untrusted(file: Linted) -> Iterator[Found]:
    """FROM a registry that the settings do not list."""
    trusted = file.settings.trusted
    for stage in file.stages if trusted else ():
        image = stage.start.image
        if outside(stage, file) and not any(fnmatch.fnmatchcase(host(image), pattern) for pattern in trusted):
            yield file.found(f"{host(image)} is not a trusted registry", file.at(stage.start, image))


def constant_platform(file: Linted) -> Iterator[Found]:
    """FROM --platform=linux/amd64"""
    for stage in file.stages:
        platform = stage.start.platform
        used = names_of(platform)
        if not platform or used & {"BUILDPLATFORM", "TARGETPLATFORM"}:
            continue
        message = f'FROM --platform flag should not use constant value "{platform}"'
        parts = platform.split("/")
        tied = used or any(part in stage.name for part in parts[:2] if part) or parts[0] not in _OS
        yield file.found(message, file.flag(stage.start, "platform"), beyond=bool(tied))


def redundant_platform(file: Linted) -> Iterator[Found]:
    """FROM --platform=$TARGETPLATFORM"""
    for stage in file.stages:
        platform = stage.start.platform
        if platform in {"$TARGETPLATFORM", "${TARGETPLATFORM}"}:
            message = f"Setting platform to predefined {platform} in FROM is redundant as this is the default behavior"
            start, end = file.flag(stage.start, "platform")
            text = file.read.text
            after = end + len(text[end:]) - len(text[end:].lstrip(" \t"))
            yield file.found(message, (start, end), Edit(start, after, ""))


def undefined_in_from(file: Linted) -> Iterator[Found]:
    """FROM $NAME that no ARG before it defines."""
    known = {definition.name for arg in file.of.meta for definition in arg.definitions} | PLATFORM_ARGS
    for stage in file.stages:
        for word, place in (
            (stage.start.image, file.at(stage.start, stage.start.image)),
            (stage.start.platform, file.flag(stage.start, "platform")),
        ):
            for name in sorted(names_of(word) - known):
                near = nearest(name, known)
                suggestion = f" (did you mean {near}?)" if near else ""
                yield file.found(f"FROM argument '{name}' is not declared{suggestion}", place)


def _defaults(file: Linted) -> dict[str, str]:
    values: dict[str, str] = {}
    for arg in file.of.meta:
        for definition in arg.definitions:
            if definition.default is not None:
                try:
                    values[definition.name] = expand(definition.default, values.get, file.read.directives.escape)
                except Invalid:
                    continue
    return values


def invalid_default(file: Linted) -> Iterator[Found]:
    """FROM $NAME whose defaults do not make a reference."""
    values = _defaults(file)
    for stage in file.stages:
        image = stage.start.image
        if not names_of(image) or names_of(image) & PLATFORM_ARGS:
            continue
        try:
            valid = is_reference(expand(image, values.get, file.read.directives.escape))
        except Invalid:
            valid = False
        if not valid:
            message = f"Default value for ARG {image} results in empty or invalid base image name"
            yield file.found(message, file.at(stage.start, image), hint="give the ARG a default that is an image")


def _stage_name(stage: Stage, file: Linted) -> tuple[int, int]:
    return file.word(stage.start.words[-1])


def as_casing(file: Linted) -> Iterator[Found]:
    """FROM image as name"""
    for stage in file.stages:
        if not stage.name:
            continue
        start, end = file.keyword(stage.start)
        keyword, place = file.says((start, end)), file.word(stage.start.words[-2])
        word = file.says(place)
        if (keyword.isupper() and not word.isupper()) or (keyword.islower() and not word.islower()):
            right = word.upper() if keyword.isupper() else word.lower()
            yield file.found(f"'{word}' and '{keyword}' keywords' casing do not match", place, Edit(*place, right))


def name_casing(file: Linted) -> Iterator[Found]:
    """FROM image AS Name"""
    for stage in file.stages:
        if stage.name and (written := file.says(place := _stage_name(stage, file))) != written.lower():
            yield file.found(f"Stage name '{written}' should be lowercase", place, Edit(*place, written.lower()))


def duplicate_name(file: Linted) -> Iterator[Found]:
    """Two stages of one name."""
    seen: set[str] = set()
    for stage in file.stages:
        if stage.name and stage.name in seen:
            message = f'Duplicate stage name "{stage.name}", stage names should be unique'
            yield file.found(message, _stage_name(stage, file))
        seen.add(stage.name)


def reserved_name(file: Linted) -> Iterator[Found]:
    """FROM image AS scratch"""
    for stage in file.stages:
        if stage.name in _RESERVED:
            message = f'Stage name should not use the same name as reserved stage "{stage.name}"'
            yield file.found(message, _stage_name(stage, file))


def unused(file: Linted) -> Iterator[Found]:
    """A stage that the last one never needs."""
    try:
        needed = {stage.index for stage in reachable(file.of, file.stages[-1])}
    except Invalid:
        return
    for stage in file.stages:
        if stage.index not in needed and not stage.name:
            yield file.found(
                "nothing takes from this stage, and it has no name to be asked for", file.whole(stage.start)
            )


def undescribed(file: Linted) -> Iterator[Found]:
    """A comment above FROM or ARG that does not begin with the name it describes."""
    for stage in file.stages:
        yield from _undescribed(
            file, "FROM", stage.start.comments, [stage.name][: bool(stage.name)], file.whole(stage.start)
        )
    instructions = (*file.of.meta, *(one for _, one in file.instructions))
    for one in instructions:
        if isinstance(one, Arg):
            names = [definition.name for definition in one.definitions]
            yield from _undescribed(file, "ARG", one.comments, names, file.whole(one))


def _undescribed(
    file: Linted, keyword: str, comments: tuple[str, ...], named: list[str], place: tuple[int, int]
) -> Iterator[Found]:
    told = [line for line in comments if not re.match(r"(scow|hadolint|check=|syntax=|escape=)", line)]
    if named and told and not any(line.startswith(f"{name} ") for line in told for name in named):
        name = named[0] if len(named) == 1 else "<arg_key>"
        yield file.found(f"Comment for {keyword} should follow the format: `# {name} <description>`", place)


RULES = (
    Rule("untagged-base", Severity.WARNING, "The base image has no tag",
         "Without a tag the newest image is taken, and the build changes when it does. Name a version or a digest.",
         untagged, ("DL3006",)),
    Rule("latest-base", Severity.WARNING, "The base image's tag is latest",
         "latest is moved by whoever owns the image. Name the version that the build was tried with.",
         latest, ("DL3007",)),
    Rule("untrusted-registry", Severity.ERROR, "The base image is from a registry that is not trusted",
         "Silent until trustedRegistries (or --trusted-registry) lists those that are.",
         untrusted, ("DL3026",)),
    Rule("constant-platform", Severity.WARNING, "FROM --platform is a constant",
         "The stage is then built for that platform whatever the target is. Leave it out, or say $BUILDPLATFORM.",
         constant_platform, ("FromPlatformFlagConstDisallowed", "DL3029")),
    Rule("redundant-platform", Severity.INFO, "FROM --platform=$TARGETPLATFORM is what happens anyway",
         "Leave it out.", redundant_platform, ("RedundantTargetPlatform", "DL3065"), fixable=True),
    Rule("undefined-arg-in-from", Severity.WARNING, "FROM uses a variable that no ARG defines",
         "Only ARGs before the first FROM, and those every build has (TARGETARCH …), are known there.",
         undefined_in_from, ("UndefinedArgInFrom",)),
    Rule("invalid-default-in-from", Severity.WARNING, "FROM with the defaults of its ARGs is no image",
         "A build without --build-arg fails, and tools that look at the Dockerfile cannot tell its base.",
         invalid_default, ("InvalidDefaultArgInFrom",)),
    Rule("as-casing", Severity.STYLE, "AS is not written like FROM",
         "Keywords read best when they look alike.", as_casing, ("FromAsCasing",), fixable=True),
    Rule("stage-name-casing", Severity.STYLE, "A stage's name has capitals",
         "Case does not count in names of stages, so capitals only mislead.",
         name_casing, ("StageNameCasing",), fixable=True),
    Rule("duplicate-stage-name", Severity.ERROR, "Two stages have one name",
         "The later one is meant from there on; which one a reader means is a guess.",
         duplicate_name, ("DuplicateStageName", "DL3024")),
    Rule("reserved-stage-name", Severity.WARNING, "A stage is called scratch or context",
         "FROM scratch is the empty image, and context the build context: COPY --from would surprise.",
         reserved_name, ("ReservedStageName", "DL3063")),
    Rule("unused-stage", Severity.INFO, "A stage is never used",
         "No other stage takes from it and it has no name for --target, so it is never built.", unused),
    Rule("definition-description", Severity.IGNORE, "A comment above FROM or ARG does not describe it",
         "`--call=outline` shows comments of the form `# NAME description`. Leave a blank line below other comments.",
         undescribed, ("InvalidDefinitionDescription",)),
)  # fmt: skip
