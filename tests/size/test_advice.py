"""What would make an image smaller: proposals from a Dockerfile and its image, and the Dockerfile they come to."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from scow.dockerfile.lint.fixing import edited
from scow.dockerfile.lint.linted import Linted
from scow.dockerfile.parser import parse
from scow.dockerfile.stages import stages
from scow.oci.config import History
from scow.size.advice import Proposal, Seen, Sent, advise, made_by, of_image, slim
from scow.size.restage import installs, packages, restaged
from scow.size.waste import Finding, Waste

LISTS = b"var/lib/apt/lists/a_Packages"


def linted(text: str) -> Linted:
    read = parse(text)
    return Linted(read, stages(read))


def waste(kind: str, layer: int, *findings: Finding, cause: int = -1) -> Waste:
    return Waste(kind, layer, cause, "RUN", "", sum(one.size for one in findings), findings)


def told(text: str, seen: Seen | None = None, sent: Mapping[str, int] | None = None) -> list[Proposal]:
    found = advise(linted(text), seen, None if sent is None else Sent(sent))
    return [one for one in found if one.kind != "base"]


def test_a_cache_is_cleaned_where_it_was_filled() -> None:
    text = "FROM debian:12\nRUN apt-get update && apt-get install -y a\nRUN pip install b\n"
    seen = Seen(
        (
            waste("apt-lists", 1, Finding(LISTS, 100), Finding(b"var/lib/apt/lists/partial/b", 20)),
            waste("package-logs", 1, Finding(b"var/log/dpkg.log", 3)),
            waste("pip-cache", 2, Finding(b"root/.cache/pip/http/x", 50)),
            waste("apt-lists", 0, Finding(LISTS, 7)),
        ),
        {2: 1, 3: 2},
    )
    first, second = told(text, seen)
    assert (first.kind, first.line, first.saves) == ("clean", 2, 123)
    assert (second.kind, second.line, second.saves) == ("clean", 3, 50)
    assert edited(text, [first.edits, second.edits]) == (
        "FROM debian:12\nRUN apt-get update && apt-get install -y a && rm -rf /var/lib/apt/lists/* /var/log/dpkg.log\n"
        "RUN pip install b && rm -rf /root/.cache/pip/*\n"
    )


def test_a_cache_that_a_later_layer_hides_is_cleaned_too() -> None:
    text = "FROM debian:12\nRUN apt-get update\nRUN rm -rf /var/lib/apt/lists/*\n"
    seen = Seen((waste("deleted", 1, Finding(LISTS, 100, also="apt-lists"), cause=2),), {2: 1, 3: 2})
    [one] = told(text, seen)
    assert (one.kind, one.saves) == ("clean", 100)


def test_names_that_a_shell_reads_otherwise_are_left_alone() -> None:
    seen = Seen((waste("package-logs", 1, Finding(b"var/log/$(reboot).log", 9)),), {2: 1})
    [one] = told("FROM debian:12\nRUN apt-get update\n", seen)
    assert (one.saves, one.applies) == (0, False)


def test_a_file_is_deleted_in_the_run_that_made_it() -> None:
    text = "FROM debian:12\nRUN curl -O http://x/a && tar xf a\nRUN rm a\nRUN true\n"
    gone = waste("deleted", 1, Finding(b"a", 1000), cause=2)
    [one] = told(text, Seen((gone,), {2: 1, 3: 2}))
    assert (one.kind, one.line, one.saves) == ("join", 2, 1000)
    assert edited(text, [one.edits]) == "FROM debian:12\nRUN curl -O http://x/a && tar xf a \\\n    && rm a\nRUN true\n"
    assert told(text, Seen((gone,), {2: 1, 4: 2})) == []  # another step is between


def test_what_cannot_be_written_is_advice_only() -> None:
    text = "FROM debian:12\nRUN <<E\napt-get update\nE\n"
    [one] = told(text, Seen((waste("apt-lists", 1, Finding(LISTS, 100)),), {2: 1}))
    assert (one.saves, one.applies) == (100, False)


def test_a_late_owner_is_told() -> None:
    text = "FROM debian:12\nCOPY a /a\nRUN chown 1 /a\n"
    [one] = told(text, Seen((waste("metadata-copy", 1, Finding(b"a", 10), cause=2),), {2: 1, 3: 2}))
    assert (one.kind, one.line, one.saves, one.applies) == ("owner", 3, 10, False)


@pytest.mark.parametrize(
    ("text", "sent", "expected"),
    [
        ("COPY . /a", {".git": 100, "src": 5, "node_modules": 7}, ([".git", "node_modules"], 107)),
        ("COPY . /a", {"src": 5}, None),
        ("COPY . /a\nRUN --mount=source=.git,target=/g true", {".git": 5}, None),
        ("COPY src /a", {"src": 5, "docs": 7, "Dockerfile": 1}, (["docs"], 0)),
        ("COPY s* /a", {"src": 5, "docs": 7}, None),
        ("RUN true", {"docs": 7}, None),
        ("COPY src /a\nADD docs /b\nRUN --mount=source=tools,target=/t true", {"src": 5, "docs": 7, "tools": 1}, None),
        ("COPY src /a\nRUN --mount=target=/t true", {"src": 5, "docs": 7}, None),
        ("COPY ./src/ /a\nADD https://example.com/x /b\nONBUILD COPY on /c", {"on": 1, "x": 2, "# a": 3}, (["x"], 0)),
    ],
)
def test_the_ignore_file(text: str, sent: dict[str, int], expected: tuple[list[str], int] | None) -> None:
    found = [(list(one.ignore), one.saves) for one in told(f"FROM debian:12\n{text}\n", None, sent)]
    assert found == ([expected] if expected else [])


def test_what_only_an_earlier_stage_takes_saves_the_image_nothing() -> None:
    [one] = told("FROM debian:12 AS a\nCOPY . /a\nFROM debian:12\nCOPY --from=a /a/b /b\n", None, {".git": 100})
    assert (one.ignore, one.saves) == ((".git",), 0)


@pytest.mark.parametrize(
    ("image", "smaller"),
    [
        ("python:3.12", "python:3.12-slim"),
        ("docker.io/library/node:20", "docker.io/library/node:20-slim"),
        ("python:3.12-slim", ""),
        ("node:20-alpine", ""),
        ("python", ""),
        ("example.com/python:3", ""),
        ("scratch", ""),
    ],
)
def test_smaller_bases(image: str, smaller: str) -> None:
    assert slim(image) == smaller


def test_a_smaller_base_is_applied_where_it_was_measured() -> None:
    text = "FROM python:3.12\nRUN true\n"
    [guessed] = advise(linted(text))
    assert (guessed.kind, guessed.saves, guessed.applies) == ("base", None, False)
    [measured] = advise(linted(text), Seen((), {}, bases={"python:3.12-slim": 900}))
    assert measured.saves == 900
    assert edited(text, [measured.edits]) == "FROM python:3.12-slim\nRUN true\n"


FAT = """\
# syntax=docker/dockerfile:1
ARG TAG=12
FROM debian:$TAG
ENV A=1
COPY . /src
RUN apt-get update && \\
    apt-get install -y gcc \\
        libc6-dev curl
RUN apt-get install -y make
WORKDIR /src
RUN make install
USER 1000
CMD ["app"]
"""


def test_tools_for_building_stay_in_a_stage() -> None:
    seen = Seen((), {5: 1, 6: 2, 9: 3, 11: 5}, ("/opt/app", "/src"), {2: 700, 3: 50})
    [one] = told(FAT, seen)
    assert (one.kind, one.line, one.saves, one.applies) == ("stage", 6, 750, True)
    assert one.restage is not None
    assert one.restage.packages == {"gcc", "libc6-dev", "make"}
    text = restaged(linted(FAT), one.restage.packages, one.restage.paths)
    assert text is not None
    old, _, last = text.rpartition("\nFROM")
    assert old == FAT.replace("FROM debian:$TAG", "FROM debian:$TAG AS build")
    assert last == (
        " debian:$TAG\nENV A=1\nRUN apt-get update && \\\n    apt-get install -y \\\n        curl\n"
        'WORKDIR /src\nCOPY --from=build /opt/app /opt/app\nCOPY --from=build /src /src\nUSER 1000\nCMD ["app"]\n'
    )
    again = linted(text)
    assert [stage.name for stage in again.stages] == ["build", ""]
    assert packages(again) == frozenset()


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        (FAT, ()),
        (FAT.replace("FROM debian:$TAG", "FROM debian:$TAG AS app"), ("/a",)),
        (f"FROM scratch AS x\n{FAT.partition('TAG=12')[2]}", ("/a",)),
        ("FROM debian:12\nRUN apt-get install -y gcc\n", ("/a",)),
    ],
)
def test_stages_that_cannot_be_written(text: str, paths: tuple[str, ...]) -> None:
    assert restaged(linted(text.replace("$TAG", "12")), frozenset({"gcc"}), paths) is None


def test_what_installs() -> None:
    file = linted(
        "FROM debian:12\nRUN apt-get update && apt-get install -y a && rm -rf /b\nRUN pip install c\n"
        "RUN apt-get install -y a && make\nRUN make\nRUN rm /a\n"
    )
    assert [installs(step) for step in file.steps] == [True, True, False, False, False]


def test_layers_and_lines_are_matched_from_the_end() -> None:
    file = linted(
        "FROM debian:12 AS a\nENV A=1\nRUN one\nFROM a\nARG B\nCOPY x /y\nWORKDIR /y\nRUN <<E\ntwo\nE\nCMD a\n"
    )
    history = [
        History(created_by="/bin/sh -c #(nop) ADD file:x in /"),
        History(created_by='CMD ["bash"]', empty_layer=True),
        History(created_by="ENV A=1", empty_layer=True),
        History(created_by="RUN /bin/sh -c one # buildkit"),
        History(created_by="COPY x /y # buildkit"),
        History(created_by="WORKDIR /y"),
        History(created_by="RUN /bin/sh -c two # buildkit"),
        History(created_by='CMD ["a"]', empty_layer=True),
    ]
    assert made_by(file, history) == {3: 1, 6: 2, 7: 3, 8: 4}
    assert made_by(file, []) == {}


def test_an_image_alone() -> None:
    found = of_image([waste("apt-lists", 1, Finding(LISTS, 5)), waste("pip-cache", 2, Finding(b"x", 9))])
    assert [(one.kind, one.saves, one.applies) for one in found] == [("pip-cache", 9, False), ("apt-lists", 5, False)]
