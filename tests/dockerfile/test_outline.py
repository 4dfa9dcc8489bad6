"""What a Dockerfile offers to who builds it, and what BuildKit's checks say of it."""

from __future__ import annotations

import pytest

from scow.dockerfile.ignore import Patterns
from scow.dockerfile.lint.buildkit import CHECKS, check, enforce, settings, url
from scow.dockerfile.lint.linting import look
from scow.dockerfile.lint.table import names
from scow.dockerfile.outline import Outline, outline, targets
from scow.dockerfile.parser import parse
from scow.dockerfile.stages import stages
from scow.errors import Invalid, NotFound

TEXT = """\
ARG BASE=debian
ARG IMAGE=${BASE}:12
ARG UNUSED
# one is the first
FROM $IMAGE AS one
ARG BASE
ARG LEVEL=3
ARG DEEPER=${LEVEL}0
RUN --mount=type=secret,target=/run/secrets/token --mount=type=ssh,id=git,required true
FROM scratch AS two
ARG OTHER
COPY --from=one /a /a
FROM --platform=$BUILDPLATFORM alpine
"""


def told(target: str | None = None, **given: str) -> Outline:
    return outline(stages(parse(TEXT)), target, given, {"BUILDPLATFORM": "linux/amd64"})


def test_targets() -> None:
    found = targets(stages(parse(TEXT)))
    assert [(one.name, one.description, one.base, one.platform, one.default) for one in found] == [
        ("one", "is the first", "$IMAGE", "", False),
        ("two", "", "scratch", "", False),
        ("", "", "alpine", "$BUILDPLATFORM", True),
    ]


def test_the_arguments_of_a_target_and_of_what_it_needs() -> None:
    found = told("two", LEVEL="5", UNUSED="x")
    assert [(one.name, one.value, one.span.start_line) for one in found.arguments] == [
        ("BASE", "debian", 1), ("IMAGE", "debian:12", 2), ("LEVEL", "5", 7), ("DEEPER", "50", 8), ("OTHER", "", 11),
    ]  # fmt: skip
    assert [(one.name, one.required) for one in found.secrets] == [("token", False)]
    assert [(one.name, one.required) for one in found.agents] == [("git", True)]
    assert told() == Outline("", "", (), (), ())


def test_a_target_that_is_not_there() -> None:
    with pytest.raises(NotFound):
        told("three")


def checked(text: str, target: str | None = None, options: str | None = None) -> list[tuple[str, int]]:
    return [(one.name, one.start_line) for one in check(look(text, "d", settings(options)), target)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM scratch as a\n", [("FromAsCasing", 1)]),
        ("FROM scratch\nRUN a \\\n\n  b\n", [("NoEmptyContinuation", 4)]),
        ("FROM scratch\nWORKDIR a\nWORKDIR b\n", [("WorkdirRelativePath", 2)]),
        ("FROM scratch\nCMD a\nCMD b\n", [("MultipleInstructionsDisallowed", 2), ("JSONArgsRecommended", 2),
                                         ("JSONArgsRecommended", 3)]),
        ("FROM --platform=linux/amd64 a\nFROM --platform=linux/amd64 a AS build-amd64\n",
         [("FromPlatformFlagConstDisallowed", 1)]),
        ("FROM debian\nUSER root\nRUN sudo a\n", []),
        ("# check=skip=CmdIsNone,FromAsCasing\nFROM scratch as a\n", []),
        ("# why\nARG a=1\nFROM scratch\n", []),
        ("# check=experimental=all\n# why\nARG a=1\nFROM scratch\n", [("InvalidDefinitionDescription", 3)]),
    ],
)  # fmt: skip
def test_checks(text: str, expected: list[tuple[str, int]]) -> None:
    assert sorted(checked(text)) == sorted(expected)


def test_checks_of_a_target() -> None:
    text = "FROM scratch as a\nCMD a\nFROM scratch as b\nCMD a\nFROM a as c\nCMD a\n"
    assert [line for name, line in checked(text, "c") if name != "FromAsCasing"] == [2, 6]
    assert [line for name, line in checked(text, "b") if name != "FromAsCasing"] == [4]
    assert [line for name, line in checked(text, "b") if name == "FromAsCasing"] == [1, 3, 5]


def test_options_of_the_build_argument() -> None:
    text = "FROM scratch as a\nCMD a\n"
    assert checked(text, options="skip=JSONArgsRecommended") == [("FromAsCasing", 1)]
    assert checked(text, options="skip=all") == []


def test_findings_are_errors_where_somebody_says_so() -> None:
    text = "FROM scratch AS a\nCOPY b /\nFROM scratch\n"
    ignored = Patterns.parse("b")
    enforce(text, "d", ignored, None, "a")
    enforce(text, "d", ignored, "error=true", None)
    with pytest.raises(Invalid) as caught:
        enforce(text, "d", ignored, "error=true", "a")
    assert caught.value.problem == "lint violation found for rules: CopyIgnoredFile"
    with pytest.raises(Invalid):
        enforce("FROM scratch as a\nFROM scratch\n", "d", ignored, "error=true", None)
    enforce("FROM scratch as a\nBAD\n", "d", ignored, "error=true", None)  # the build itself will tell


def test_every_check_is_a_rules_alias_and_has_a_page() -> None:
    assert not [name for name in CHECKS if name.lower() not in names()]
    assert url("JSONArgsRecommended").endswith("/json-args-recommended/")
    assert url("UndefinedVar").endswith("/undefined-var/")
