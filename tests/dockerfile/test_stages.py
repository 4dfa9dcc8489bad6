"""Stages: names and numbers, variables outside them, and which of them a target needs."""

from __future__ import annotations

from time import process_time

import pytest
from msgspec.structs import replace

from scow.dockerfile.instructions import Copy
from scow.dockerfile.parser import parse, parse_trigger
from scow.dockerfile.stages import Stages, expanded, find, meta_values, needs, reachable, select, stages
from scow.errors import Invalid, NotFound

MANY = """\
ARG TAG=1 BASE=debian:$TAG
ARG EMPTY
FROM --platform=$BUILDPLATFORM $BASE AS deps
FROM deps AS Build
COPY --from=docker.io/library/x /a /b
FROM other AS unused
COPY --from=deps /a /b
FROM alpine
COPY --from=build /a /b
FROM scratch AS final
RUN --mount=from=BUILD,target=/x --mount=type=tmpfs,target=/t true
COPY --from=3 /a /b
FROM final AS last
"""


def read(text: str) -> Stages:
    return stages(parse(text))


def titles(of: Stages, target: str | None, contexts: tuple[str, ...] = ()) -> list[str]:
    return [stage.title for stage in reachable(of, select(of, target), contexts)]


def test_stages_and_what_is_before_them() -> None:
    of = read(MANY)
    assert [(stage.index, stage.name, stage.image) for stage in of.stages] == [
        (0, "deps", "$BASE"),
        (1, "build", "deps"),
        (2, "unused", "other"),
        (3, "", "alpine"),
        (4, "final", "scratch"),
        (5, "last", "final"),
    ]
    assert [len(stage.instructions) for stage in of.stages] == [0, 1, 1, 1, 2, 0]
    assert [definition.name for arg in of.meta for definition in arg.definitions] == ["TAG", "BASE", "EMPTY"]


def test_reachable_are_only_those_needed_in_order() -> None:
    of = read(MANY)
    assert titles(of, "deps") == ["deps"]
    assert titles(of, "build") == ["deps", "build"]
    assert titles(of, "unused") == ["deps", "unused"]
    assert titles(of, "3") == ["deps", "build", "stage-3"]
    assert titles(of, None) == ["deps", "build", "stage-3", "final", "last"]


def test_a_named_context_stands_for_a_stage() -> None:
    of = read(MANY)
    assert titles(of, "build", ("deps",)) == ["build"]
    assert titles(of, None, ("final",)) == ["last"]
    assert titles(of, "unused", ("deps",)) == ["unused"]
    assert titles(of, "final", ("BUILD", "build")) == ["stage-3", "final"]


def test_a_context_stands_for_no_number_but_a_mounts() -> None:
    of = read("FROM a AS one\nFROM b\nCOPY --from=0 /a /b\nFROM c\nRUN --mount=from=0,target=/m x")
    assert titles(of, "1", ("0",)) == ["one", "stage-1"]
    assert titles(of, "2", ("0",)) == ["stage-2"]


def test_triggers_of_a_base_image_count() -> None:
    of = read(MANY)
    trigger = parse_trigger("COPY --from=unused /a /b", "ONBUILD of debian:1")
    stage = replace(of.stages[4], instructions=(trigger, *of.stages[4].instructions))
    assert [one.title for one in needs(of, stage)] == ["build", "unused", "stage-3"]


def test_select() -> None:
    of = read(MANY)
    assert select(of, None) is of.stages[-1]
    assert select(of, "") is of.stages[-1]
    assert select(of, "BUILD").index == 1
    assert select(of, "00").index == 0
    assert find(of, "6") is None
    with pytest.raises(NotFound) as caught:
        select(of, "biuld")
    assert caught.value.hint == "did you mean build?"


def test_variables_of_from() -> None:
    of = read(MANY)
    values = meta_values(of, {"TAG": "12", "UNKNOWN": "x"}, {"BUILDPLATFORM": "linux/amd64"})
    assert values == {"BUILDPLATFORM": "linux/amd64", "TAG": "12", "BASE": "debian:12"}
    ready = expanded(of, values)
    assert (ready.stages[0].image, ready.stages[0].platform) == ("debian:12", "linux/amd64")
    assert ready.stages[0].start.image == "$BASE"


def test_a_variable_may_name_a_stage() -> None:
    of = read("ARG WHICH=b\nFROM x AS a\nFROM y AS b\nFROM $WHICH\n")
    assert titles(expanded(of, meta_values(of, {}, {})), None) == ["b", "stage-2"]
    assert titles(expanded(of, meta_values(of, {"WHICH": "a"}, {})), None) == ["a", "stage-2"]


@pytest.mark.parametrize(
    ("text", "problem", "line", "column", "width"),
    [
        ("FROM $X", "base name ($X) should not be blank", 1, 6, 2),
        ("FROM --platform=$X a", "empty platform value from expression $X", 1, 6, 13),
        ("ARG A=1 B=${A\nFROM a", "syntax error: missing '}'", 1, 1, 13),
        ("FROM a:${V:?which}", "V: which", 1, 6, 13),
    ],
)
def test_variables_that_are_wrong(text: str, problem: str, line: int, column: int, width: int) -> None:
    of = read(text)
    with pytest.raises(Invalid) as caught:
        expanded(of, meta_values(of, {}, {}))
    where = caught.value.where
    assert where is not None
    assert (caught.value.problem, where.line, where.column, where.width) == (problem, line, column, width)


@pytest.mark.parametrize(
    ("text", "problem", "line", "column"),
    [
        ("FROM a AS x\nCOPY --from=x a b", "circular dependency detected on stage: x", 2, 6),
        ("FROM a\nCOPY --from=0 a b", "circular dependency detected on stage: stage-0", 2, 6),
        ("FROM a\nCOPY --from=2 a b", "invalid stage index 2", 2, 6),
        ("FROM a\nRUN --mount=from=0,target=/m x", "a mount takes no stage by its number 0", 2, 5),
    ],
)
def test_sources_that_are_none(text: str, problem: str, line: int, column: int) -> None:
    of = read(text)
    with pytest.raises(Invalid) as caught:
        reachable(of, of.stages[0])
    assert caught.value.where is not None
    assert (caught.value.problem, caught.value.where.line, caught.value.where.column) == (problem, line, column)


def test_a_later_stage_is_no_source_and_no_image() -> None:
    of = read("FROM a AS one\nRUN --mount=target=/x,from=two true\nFROM b AS two")
    with pytest.raises(Invalid) as caught:
        reachable(of, of.stages[0])
    assert caught.value.problem == '"two" needs to be defined before current stage "one"'
    assert titles(of, "two") == ["two"]
    assert titles(of, "one", ("two",)) == ["one"]


def test_from_itself_or_a_later_name_is_an_image() -> None:
    of = read("FROM alpine AS alpine\nFROM later\nFROM b AS later")
    assert titles(of, "1") == ["stage-1"]
    assert titles(of, "alpine") == ["alpine"]


def test_triggers() -> None:
    first = parse_trigger("COPY <<E /x\nbody\nE")
    assert isinstance(first, Copy)
    assert [file.text for file in first.files] == ["body\n"]
    with pytest.raises(Invalid, match="FROM isn't allowed as an ONBUILD trigger"):
        parse_trigger("FROM a", "x")
    with pytest.raises(Invalid, match="should be a single expression"):
        parse_trigger("RUN a\nRUN b")


def test_a_name_given_twice_means_its_last_stage_so_far() -> None:
    of = stages(parse("FROM a AS x\nRUN one\nFROM x AS y\nFROM b AS x\nFROM c\nCOPY --from=x /f /f\n"))
    assert [stage.index for stage in reachable(of, of.stages[-1])] == [2, 3]
    assert [stage.index for stage in reachable(of, of.stages[1])] == [0, 1]
    assert select(of, "x").index == 2


def test_a_number_of_many_digits_is_no_stage() -> None:
    of = read("FROM a AS one\nFROM b\n")
    assert find(of, "0" * 5000 + "1") is of.stages[1]
    assert find(of, "1" * 5000) is None


def test_many_stages_cost_what_they_are_many() -> None:
    """Each built on the one before, and taking from another: four times as many cost far less than sixteen times."""

    def seconds(count: int) -> float:
        of = read(
            "FROM a AS s0\n" + "".join(f"FROM s{n} AS s{n + 1}\nCOPY --from=s{n // 2} / /\n" for n in range(count))
        )
        began = process_time()
        assert len(reachable(of, of.stages[-1])) == count + 1
        return process_time() - began

    assert min(seconds(4000) for _ in range(3)) < 9 * min(seconds(1000) for _ in range(3))
