"""BuildKit's checks, as ``build --check`` prints them: its names, its words, and nothing that it would not say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scow.dockerfile.ignore import Patterns
from scow.dockerfile.lint.finding import Finding
from scow.dockerfile.lint.linted import Around
from scow.dockerfile.lint.linting import Looked, look
from scow.dockerfile.lint.pragmas import ALL, Check, check_options
from scow.dockerfile.lint.settings import Settings
from scow.dockerfile.span import Span
from scow.dockerfile.stages import reachable, select
from scow.errors import Invalid

_PAGES = "https://docs.docker.com/go/dockerfile/rule/"
_DESCRIPTION = (
    "Comment for build stage or argument should follow the format: `# <arg/stage name> <description>`. If this is not"
    " intended to be a description comment, add an empty line or comment between the instruction and the comment."
)
#: name → description. The page of each is named after it.
CHECKS: dict[str, str] = {
    "StageNameCasing": "Stage names should be lowercase",
    "FromAsCasing": "The 'as' keyword should match the case of the 'from' keyword",
    "NoEmptyContinuation": "Empty continuation lines will become errors in a future release",
    "ConsistentInstructionCasing": "All commands within the Dockerfile should use the same casing (either upper or"
    " lower)",
    "DuplicateStageName": "Stage names should be unique",
    "ReservedStageName": "Reserved words should not be used as stage names",
    "JSONArgsRecommended": "JSON arguments recommended for ENTRYPOINT/CMD to prevent unintended behavior related to OS"
    " signals",
    "MaintainerDeprecated": "The MAINTAINER instruction is deprecated, use a label instead to define an image author",
    "UndefinedArgInFrom": "FROM command must use declared ARGs",
    "WorkdirRelativePath": "Relative workdir without an absolute workdir declared within the build can have unexpected"
    " results if the base image changes",
    "UndefinedVar": "Variables should be defined before their use",
    "MultipleInstructionsDisallowed": "Multiple instructions of the same type should not be used in the same stage",
    "LegacyKeyValueFormat": "Legacy key/value format with whitespace separator should not be used",
    "RedundantTargetPlatform": "Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the"
    " default behavior",
    "SecretsUsedInArgOrEnv": "Sensitive data should not be used in the ARG or ENV commands",
    "InvalidDefaultArgInFrom": "Default value for global ARG results in an empty or invalid base image name",
    "FromPlatformFlagConstDisallowed": "FROM --platform flag should not use a constant value",
    "CopyIgnoredFile": "Attempting to Copy file that is excluded by .dockerignore",
    "InvalidDefinitionDescription": _DESCRIPTION,
    "ExposeProtoCasing": "Protocol in EXPOSE instruction should be lowercase",
    "ExposeInvalidFormat": "IP address and host-port mapping should not be used in EXPOSE instruction. This will become"
    " an error in a future release",
}


_ORDER = {name: at for at, name in enumerate(CHECKS)}
#: Of any line of the file, as those of FROM are; all others are of what is built.
_OF_ALL_STAGES = frozenset({
    "MaintainerDeprecated", "ConsistentInstructionCasing", "NoEmptyContinuation", "InvalidDefinitionDescription",
})  # fmt: skip
#: Silent until ``experimental=`` asks for them.
_EXPERIMENTAL = frozenset({"invaliddefinitiondescription"})


@dataclass(frozen=True, slots=True)
class Warned:
    """One of BuildKit's warnings, about an instruction's lines."""

    name: str
    description: str
    url: str
    detail: str
    start_line: int
    end_line: int


def url(name: str) -> str:
    """The page of a check: ``JSONArgsRecommended`` → ``…/json-args-recommended/``."""
    cut = "".join(
        f"-{char.lower()}" if char.isupper() and at and not _in_capitals(name, at) else char.lower()
        for at, char in enumerate(name)
    )
    return f"{_PAGES}{cut}/"


def _in_capitals(name: str, at: int) -> bool:
    """Is it a capital within a run of them, ``S`` of ``JSON``?"""
    return name[at - 1].isupper() and not name[at + 1 : at + 2].islower()


def settings(options: str | None = None) -> Settings:
    """BuildKit's checks only; ``options`` are those of the build argument ``BUILDKIT_DOCKERFILE_CHECK``."""
    asked = check_options(options) if options else Check()
    names = frozenset(name.lower() for name in CHECKS)
    return Settings(only=names, ignored=names if ALL in asked.skip else asked.skip, experimental=asked.experimental)


def check(looked: Looked, target: str | None = None) -> tuple[Warned, ...]:
    """The findings that BuildKit has too, by line; with a ``target`` nothing of what instructions of stages that it
    does not need would do."""
    heard = _heard(looked, target)
    found = (_warned(looked, finding) for finding in looked.findings if not finding.beyond)
    warned = (
        one for each in found for one in each
        if heard is None or one.name in _OF_ALL_STAGES or one.start_line in heard
    )  # fmt: skip
    return tuple(dict.fromkeys(sorted(warned, key=lambda one: (one.start_line, _ORDER[one.name]))))


def enforce(text: str, source: str, ignored: Patterns, options: str | None, target: str | None) -> None:
    """Invalid where ``error=true`` is asked for and a check finds something."""
    asked = check_options(options) if options else Check()
    looked = look(text, source, settings(options), Around(ignored))
    if looked.pragmas is None or not (asked.error or looked.pragmas.check.error):
        return
    warned = check(looked, target or str(len(looked.linted.of.stages) - 1) if looked.linted else None)
    if warned and looked.linted:
        names = ", ".join(sorted({one.name for one in warned}))
        where = Span(warned[0].start_line, warned[0].end_line).where(source, looked.text)
        raise Invalid(f"lint violation found for rules: {names}", where=where, hint="scow build --check")


def _heard(looked: Looked, target: str | None) -> set[int] | None:
    """The lines but those of instructions in stages that the target does not need; None: every line."""
    if looked.linted is None or target is None:
        return None
    of = looked.linted.of
    needed = {stage.index for stage in reachable(of, select(of, target))}
    left_out = {
        line for stage in of.stages if stage.index not in needed for one in stage.instructions
        for line in range(one.span.start_line, one.span.end_line + 1)
    }  # fmt: skip
    return set(range(1, looked.text.count("\n") + 2)) - left_out


def _warned(looked: Looked, finding: Finding) -> Iterator[Warned]:
    if looked.linted is None or looked.pragmas is None:
        return
    told = looked.pragmas.check
    asked = told.experimental | looked.linted.settings.experimental
    for name in finding.aliases:
        skipped = {name.lower(), ALL} & told.skip or (name.lower() in _EXPERIMENTAL and not {name.lower(), ALL} & asked)
        if name in CHECKS and not skipped:
            start, end = _lines(looked, finding.span.start_line, name)
            yield Warned(name, CHECKS[name], url(name), finding.message, start, end)


def _lines(looked: Looked, line: int, name: str) -> tuple[int, int]:
    """Those of the instruction that holds the line; of an empty one, the line that goes on after it."""
    if name == "NoEmptyContinuation":
        return line + 1, line + 1
    instructions = looked.linted.read.instructions if looked.linted else ()
    span = next((one.span for one in instructions if one.span.start_line <= line <= one.span.end_line), None)
    return (span.start_line, span.end_line) if span else (line, line)
