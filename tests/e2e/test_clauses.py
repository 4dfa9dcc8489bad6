"""Each clause of the language built by BuildKit and by scow: equal trees, configs and shapes of history.

All cases of one table are built from one context; all images leave each side in one archive, which one reader reads:
whatever it gets wrong, it gets wrong twice. What differs on purpose is in docs/build.md, with its reason.
"""

from __future__ import annotations

import gzip
import os
import tarfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.e2e import clauses_files, clauses_language
from tests.e2e.clauses_newer import NEWER
from tests.e2e.dockerfiles import TREE, tar_gz
from tests.e2e.images import Loaded, read_saved
from tests.e2e.test_build_like_docker import pattern_of, process_of
from tests.support.daemons import Docker
from tests.support.trees import difference

from scow import Engine
from scow.errors import ScowError

pytestmark = [pytest.mark.peers, pytest.mark.slow, pytest.mark.timeout(900)]

TABLES: dict[str, dict[str, str]] = {
    name: table
    for module in (clauses_language, clauses_files)
    for name, table in vars(module).items()
    if name.isupper() and name not in ("MORE", "GIVEN") and isinstance(table, dict)
}
CASES = {name: text for table in TABLES.values() for name, text in table.items()}
BEFORE = """FROM base:1
ENV SET=set KEEP=1
LABEL kept=1 other=0
EXPOSE 1/tcp
CMD ["of", "before"]
HEALTHCHECK CMD true
RUN mkdir -p /made/sub && echo 1 > /made/file && echo 2 > /made/sub/two && chmod 2755 /made/sub && chown 7:8 /made/file
"""
TRIGGER = "FROM base:1\nONBUILD ENV A=1 B=2\nONBUILD COPY one.txt /triggered\nONBUILD WORKDIR /w\nONBUILD LABEL t=$A\n"
#: what other cases start from
BEFORE_ALL = {"before:1": BEFORE, "trigger:1": TRIGGER}
#: what both refuse
REFUSED = frozenset({
    "copy-missing", "copy-directory-over-file", "copy-two-over-a-file", "copy-ignored", "from-dangling", "from-deleted",
    "run-fails", "run-missing-program", "stage-other-case", "copy-below-a-file",
    "copy-directory-below-a-file", "workdir-below-a-file", "workdir-is-a-file", "copy-escaped-letter",
})  # fmt: skip


@dataclass(frozen=True)
class Sides:
    """Each side's images by case, and the cases that it refused with what it said."""

    theirs: Mapping[str, Loaded]
    ours: Mapping[str, Loaded]
    refused: tuple[Mapping[str, str], Mapping[str, str]]


def write_tree(directory: Path) -> None:
    """The context of every case."""
    files: dict[str, Any] = {
        **TREE, **clauses_files.MORE, "packed.tar.gz": tar_gz(), "not-named-so": tar_gz("w"), "packed.tar": tar_gz("w"),
        "packed.tar.xz": tar_gz("w:xz"), "packed.tar.bz2": tar_gz("w:bz2"), "broken.tar.gz": "not an archive at all",
        "archives/packed.tar.gz": tar_gz(), "plain.gz": gzip.compress(b"only text", mtime=0), "hard/a": "hard",
    }  # fmt: skip
    for name, given in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        content, mode = given if isinstance(given, tuple) else (given, 0o644)
        if content is None:
            path.mkdir()
        elif isinstance(content, str) and content.startswith("-> "):
            path.symlink_to(content.removeprefix("-> "))
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
            path.chmod(mode)
    os.link(directory / "hard/a", directory / "hard/b")
    os.link(directory / "order/a/x", directory / "order/a.b")


def whole(text: str) -> str:
    """The Dockerfile of a case."""
    lines = text.lower().splitlines()
    starts = any(line.split(" ")[0] == "from" for line in lines)
    return (text if starts else f"FROM base:1\n{text}") + "\n"


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory, docker: Docker, busybox_tar: Path) -> Sides:
    """Everything built by both."""
    work = tmp_path_factory.mktemp("clauses")
    context = work / "context"
    write_tree(context)
    engine = Engine(work / "store")
    with busybox_tar.open("rb") as tar:
        engine.images.import_(tar, "base:1", changes=["ENV PATH=/bin:/sbin", 'CMD ["sh"]'])
    with (work / "base.tar").open("wb") as base:
        engine.images.save(["base:1"], base)
    docker("load", "-i", str(work / "base.tar"))
    own = {**BEFORE_ALL, **{f"case/{name}:1": whole(CASES[name]) for name in CASES}}
    newer = {f"newer/{name}:1": (whole(text), whole(plain)) for name, (text, plain) in NEWER.items()}
    texts = {**{name: (text, text) for name, text in own.items()}, **newer}
    given = {f"case/{name}:1" for name in clauses_language.ARGUMENTS_GIVEN}
    refused: tuple[dict[str, str], dict[str, str]] = {}, {}

    def options(name: str) -> tuple[str, ...]:
        return clauses_language.GIVEN if name in given else ()

    def build_theirs(name: str) -> None:
        argv = ["build", "-q", "--network", "none", "-t", name, "-f", "-", *options(name), str(context)]
        done = docker.try_(*argv, stdin=texts[name][1].encode())
        if done.returncode:
            refused[0][name] = done.stderr.decode(errors="replace")

    for name in BEFORE_ALL:
        build_theirs(name)
    with ThreadPoolExecutor(3) as pool:  # dockerd waits for the disk more than it works
        building = [pool.submit(build_theirs, name) for name in texts if name not in BEFORE_ALL]
        for name, (text, _) in texts.items():
            arguments = dict(word.split("=", 1) for word in options(name) if "=" in word)
            try:
                engine.images.build(
                    context, tags=[name], dockerfile=text.encode(), network="none", build_args=arguments
                )
            except ScowError as error:
                refused[1][name] = str(error)
        for one in building:
            one.result()
    names = [name for name in texts if name not in refused[0]]
    docker("save", "-o", str(work / "theirs.tar"), *names)
    with (work / "ours.tar").open("wb") as output:
        engine.images.save([name for name in texts if name not in refused[1]], output)
    with tarfile.open(work / "theirs.tar") as theirs, tarfile.open(work / "ours.tar") as ours:
        return Sides(read_saved(theirs), read_saved(ours), refused)


@pytest.mark.parametrize("case", CASES)
def test_equal(sides: Sides, case: str) -> None:
    name = f"case/{case}:1"
    theirs, ours = (refused.get(name) for refused in sides.refused)
    if theirs or ours or case in REFUSED:
        assert theirs and ours and case in REFUSED, f"docker: {theirs}\nscow: {ours}"
        return
    left, right = sides.ours[name], sides.theirs[name]
    lines = difference(left.tree, right.tree, ignore=["mtime_ns"])
    assert not lines, "\n".join(lines[:50])
    assert process_of(left.config, ()) == process_of(right.config, ())
    assert left.config.get("author") == right.config.get("author")
    assert pattern_of(left.config) == pattern_of(right.config)


@pytest.mark.parametrize("case", NEWER)
def test_newer_syntax_is_as_the_older(sides: Sides, case: str) -> None:
    """What dockerd's front end does not know yet, beside an older Dockerfile that the reference says is the same."""
    name = f"newer/{case}:1"
    assert not any(name in refused for refused in sides.refused), [refused.get(name) for refused in sides.refused]
    left, right = sides.ours[name], sides.theirs[name]
    lines = difference(left.tree, right.tree, ignore=["mtime_ns"])
    assert not lines, "\n".join(lines[:50])
    assert process_of(left.config, ()) == process_of(right.config, ())


def test_there_are_enough() -> None:
    assert len(CASES) >= 150
    assert sum(len(table) for table in TABLES.values()) == len(CASES)
