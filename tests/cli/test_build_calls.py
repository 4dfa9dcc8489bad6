"""``build --check`` and ``--call``: what BuildKit's tools print of a Dockerfile."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from tests.cli.conftest import Console

from scow.dockerfile.lint.buildkit import CHECKS, url

TEXT = """\
# TAG what to build on
ARG TAG=12
ARG HOST=registry.example
ARG UNUSED=1
# base is where all begin
FROM ${HOST}/debian:$TAG as base
# VERSION of it
ARG VERSION=2
ARG TAG
RUN --mount=type=secret,id=key,required --mount=type=ssh true

FROM base
RUN --mount=type=secret,id=key --mount=type=secret,id=other,target=/o true
CMD run it

FROM scratch AS Lone
CMD alone
"""


@pytest.fixture
def here(tmp_path: Path) -> str:
    made = tmp_path / "project"
    made.mkdir()
    (made / "Dockerfile").write_text(TEXT)
    return str(made)


def test_check_prints_as_buildx_does(console: Console, here: str) -> None:
    found = console("build", "--check", here)
    assert found.code == 1
    head, *warnings = found.stdout.split("\nWARNING: ")
    assert head == "Check complete, 4 warnings have been found!\n"
    assert warnings[0] == (
        "FromAsCasing - https://docs.docker.com/go/dockerfile/rule/from-as-casing/\n"
        "'as' and 'FROM' keywords' casing do not match\n"
        "Dockerfile:6\n"
        "--------------------\n"
        "   4 |     ARG UNUSED=1\n"
        "   5 |     # base is where all begin\n"
        "   6 | >>> FROM ${HOST}/debian:$TAG as base\n"
        "   7 |     # VERSION of it\n"
        "   8 |     ARG VERSION=2\n"
        "--------------------\n"
    )
    assert [one.split(" ")[0] for one in warnings] == [
        "FromAsCasing", "JSONArgsRecommended", "StageNameCasing", "JSONArgsRecommended",
    ]  # fmt: skip
    assert console("build", "--call=check", here).stdout == found.stdout
    assert console("build", "--call", "lint", here).stdout == found.stdout


def test_check_of_a_target_leaves_other_stages_out(console: Console, here: str) -> None:
    found = console("build", "--check", "--target", "lone", here)
    assert [line for line in found.lines if line.startswith("Dockerfile:")] == [
        "Dockerfile:6", "Dockerfile:16", "Dockerfile:17",
    ]  # fmt: skip
    Path(here, "Dockerfile").write_text("FROM scratch as Odd\nMAINTAINER x\nENV a b\nFROM scratch\n")
    names = [line.split(" ")[1] for line in console("build", "--check", here).lines if line.startswith("WARNING")]
    assert names == ["StageNameCasing", "FromAsCasing", "MaintainerDeprecated", "LegacyKeyValueFormat"]
    found = console("build", "--check", "--target", "1", here)
    assert [line.split(" ")[1] for line in found.lines if line.startswith("WARNING")] == names[:3]


def test_check_without_a_warning(console: Console, here: str) -> None:
    Path(here, "Dockerfile").write_text('FROM scratch\nCMD ["a"]\n')
    assert console("build", "--check", here).ok().stdout == "Check complete, no warnings found.\n"
    found = json.loads(console("build", "--call=check,format=json", here).ok().stdout)
    assert found["warnings"] is None


def test_what_is_only_ours_or_hadolints_is_no_check(console: Console, here: str) -> None:
    Path(here, "Dockerfile").write_text(
        'FROM debian\nSHELL ["/bin/bash", "-c"]\nCMD a\nRUN sudo cd /a\nWORKDIR /a\nWORKDIR b\nARG DB_PASS\n'
    )
    assert console("build", "--check", here).ok().stdout == "Check complete, no warnings found.\n"


def test_check_as_json(console: Console, here: str) -> None:
    found = console("build", "--call=check,format=json", here)
    assert found.code == 1
    document = json.loads(found.stdout)
    assert document["warnings"][0] == {
        "ruleName": "FromAsCasing",
        "description": "The 'as' keyword should match the case of the 'from' keyword",
        "url": "https://docs.docker.com/go/dockerfile/rule/from-as-casing/",
        "detail": "'as' and 'FROM' keywords' casing do not match",
        "location": {"ranges": [{"start": {"line": 6}, "end": {"line": 6}}]},
    }
    [source] = document["sources"]
    assert (source["filename"], base64.b64decode(source["data"]).decode()) == ("Dockerfile", TEXT)


def test_a_file_that_cannot_be_read(console: Console, here: str) -> None:
    Path(here, "Dockerfile").write_text("FROM scratch\nCOPPY a b\n")
    found = console("build", "--check", here)
    assert (found.code, found.stdout) == (1, "")
    assert "Dockerfile:2: unknown instruction: COPPY\n" in found.stderr
    document = json.loads(console("build", "--call=check,format=json", here).stdout)
    assert document["buildError"] == {
        "message": "unknown instruction: COPPY", "location": {"ranges": [{"start": {"line": 2}, "end": {"line": 2}}]},
    }  # fmt: skip


def test_the_ignore_file_is_looked_at(console: Console, here: str) -> None:
    Path(here, "Dockerfile").write_text("FROM scratch\nCOPY secret /\n")
    Path(here, ".dockerignore").write_text("secret\n")
    assert "CopyIgnoredFile" in console("build", "--check", here).stdout
    assert console("build", "--check", "-f", "-", here, stdin=b"FROM scratch\nCOPY other /\n").ok().stdout


@pytest.mark.parametrize(
    ("first", "flags", "expected"),
    [
        ("# check=skip=FromAsCasing", [], ["JSONArgsRecommended"]),
        ("# check=skip=all", [], []),
        ("", ["--build-arg", "BUILDKIT_DOCKERFILE_CHECK=skip=JSONArgsRecommended"], ["FromAsCasing"]),
        ("", ["--build-arg", "BUILDKIT_DOCKERFILE_CHECK=skip=all"], []),
        ("# check=experimental=all", [], ["InvalidDefinitionDescription", "FromAsCasing", "JSONArgsRecommended"]),
    ],
)
def test_options(console: Console, here: str, first: str, flags: list[str], expected: list[str]) -> None:
    Path(here, "Dockerfile").write_text(f"{first}\n# of no name\nARG A=1\nFROM scratch as base\nCMD a\n".lstrip("\n"))
    found = json.loads(console("build", "--call=check,format=json", *flags, here).stdout)
    assert [one["ruleName"] for one in found["warnings"] or []] == expected


def test_a_build_fails_where_findings_are_errors(console: Console, here: str) -> None:
    Path(here, "Dockerfile").write_text("# check=error=true\nFROM scratch AS base\nCMD a\nFROM scratch\nCOPY . /\n")
    console("build", "-q", here).ok()  # the stage is not built
    told = console("build", "--target", "base", here)
    assert told.code == 1
    assert told.stderr.splitlines()[0] == ("scow: Dockerfile:3: lint violation found for rules: JSONArgsRecommended")
    Path(here, "Dockerfile").write_text("FROM scratch as base\nCOPY . /\n")
    console("build", "-q", here).ok()
    assert console("build", "--build-arg", "BUILDKIT_DOCKERFILE_CHECK=error=true", here).code == 1


def test_targets(console: Console, here: str) -> None:
    assert console("build", "--call=targets", here).ok().stdout == (
        "TARGET         DESCRIPTION\nbase           is where all begin\n               \nlone (default) \n"
    )
    found = json.loads(console("build", "--call=targets,format=json", here).ok().stdout)
    assert found["targets"][0] == {
        "name": "base", "description": "is where all begin", "base": "${HOST}/debian:$TAG",
        "location": {"ranges": [{"start": {"line": 6}, "end": {"line": 6}}]},
    }  # fmt: skip
    assert [one.get("default", False) for one in found["targets"]] == [False, False, True]


def test_outline(console: Console, here: str) -> None:
    found = console("build", "--call=outline", "--target", "1", "--build-arg", "VERSION=3", here).ok()
    assert found.stdout == (
        "BUILD ARG   VALUE              DESCRIPTION\n"
        "TAG         12                 what to build on\n"
        "HOST        registry.example   \n"
        "VERSION     3                  of it\n"
        "\n"
        "SECRET   REQUIRED\n"
        "key      true\n"
        "other    \n"
        "\n"
        "SSH       REQUIRED\n"
        "default   \n"
        "\n"
    )
    document = json.loads(console("build", "--call=outline,format=json", "--target=base", here).ok().stdout)
    assert (document["name"], document["description"]) == ("base", "is where all begin")
    assert [(one["name"], one["value"]) for one in document["args"]] == [
        ("TAG", "12"), ("HOST", "registry.example"), ("VERSION", "2"),
    ]  # fmt: skip
    assert document["ssh"] == [
        {"name": "default", "location": {"ranges": [{"start": {"line": 10}, "end": {"line": 10}}]}}
    ]
    assert (
        "TARGET:      base\nDESCRIPTION: is where all begin\n"
        in console("build", "--call=outline", "--target=base", here).stdout
    )


def test_an_argument_from_before_from_is_told_where_it_stands(console: Console, here: str) -> None:
    """And what every build has, nowhere."""
    Path(here, "Dockerfile").write_text(
        "ARG A=1\n# B of all\nARG B=b$A\nFROM scratch\n# B again\nARG B\nARG TARGETARCH\nARG TARGETOS=x\n"
    )
    args = json.loads(console("build", "--call=outline,format=json", here).ok().stdout)["args"]
    assert [(one["name"], one["location"]["ranges"][0]["start"]["line"]) for one in args] == [
        ("A", 1), ("B", 3), ("TARGETOS", 8),
    ]  # fmt: skip


@pytest.mark.parametrize("call", ["subrequests.describe", "check,format=xml", "check,colour=red", ""])
def test_calls_that_are_refused(console: Console, here: str, call: str) -> None:
    told = console("build", f"--call={call}", here)
    assert (told.code, told.stdout) == (1, "")


def test_a_target_that_is_not_there(console: Console, here: str) -> None:
    told = console("build", "--call=outline", "--target=bass", here)
    assert "did you mean base?" in told.stderr


def test_pages() -> None:
    pages = {url(name).rstrip("/").rpartition("/")[2] for name in CHECKS}
    assert {"json-args-recommended", "undefined-var", "secrets-used-in-arg-or-env", "from-as-casing"} <= pages
