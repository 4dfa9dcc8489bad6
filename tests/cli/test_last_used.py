"""When an image was last used: what counts, what does not, and what is shown and pruned by it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from tests.cli.boxes import IMAGE, make_box
from tests.support.cli import Scow

from scow import Engine
from scow.testing.registry import Registry

LONG_AGO = 1_500_000_000


@pytest.fixture(scope="module")
def scow(directory: Path) -> Scow:
    made = make_box(directory)
    (directory / "context").mkdir()
    (directory / "context/Dockerfile").write_text(f"FROM {IMAGE}\nCOPY Dockerfile /\n")
    made("create", "--name", "made", IMAGE, "true").ok()
    return made


@pytest.fixture
def engine(scow: Scow, directory: Path) -> Engine:
    """A store whose image was not used for long."""
    engine = Engine(directory / "store")
    image = engine.images.find(IMAGE).image
    os.utime(engine.workplace.store.layout.path(image.descriptor.digest), (LONG_AGO, LONG_AGO))
    return engine


def last_used(engine: Engine) -> float:
    return engine.images.last_used()[engine.images.find(IMAGE).image.id]


@pytest.mark.parametrize(
    "argv",
    [
        ("run", "--rm", IMAGE, "true"),
        ("start", "made"),
        ("build", "-q", "{context}"),
        ("save", "-o", "{context}/../saved.tar", IMAGE),
        ("copy", f"store:{IMAGE}", "oci:{context}/../layout:1"),
    ],
    ids=lambda argv: argv[0],
)
def test_a_use(scow: Scow, engine: Engine, directory: Path, argv: tuple[str, ...]) -> None:
    before = time.time() - 1
    scow(*(word.format(context=directory / "context") for word in argv)).ok()
    assert last_used(engine) >= before


def test_a_push_and_a_pull_are_uses(engine: Engine) -> None:
    with Registry() as registry:
        name = f"{registry.host}/team/box:1"
        engine.images.tag(IMAGE, name)
        engine.images.push(name)
        assert last_used(engine) > LONG_AGO
        os.utime(engine.workplace.store.layout.path(engine.images.find(name).image.descriptor.digest), (1, 1))
        assert not engine.images.pull(name).fresh
        assert last_used(engine) > LONG_AGO


@pytest.mark.parametrize(
    "argv",
    [("images",), ("history", IMAGE), ("image", "inspect", IMAGE), ("tag", IMAGE, "other:1"), ("system", "df", "-v"),
     ("system", "check"), ("ps", "-a"), ("image", "ls")],
    ids=lambda argv: "-".join(argv[:2]),
)  # fmt: skip
def test_looking_is_no_use(scow: Scow, engine: Engine, argv: tuple[str, ...]) -> None:
    scow(*argv).ok()
    assert last_used(engine) == LONG_AGO


def test_it_is_shown(scow: Scow, engine: Engine) -> None:
    shown = scow("image", "inspect", "-f", "{{.Metadata.LastUsedTime}}", IMAGE).ok().stdout
    assert shown == "2017-07-14T02:40:00Z\n"
    heading, row, *_ = scow("system", "df", "-v").ok().stdout.split("\n\n")[1].splitlines()
    at = heading.index("LAST USED")
    assert row[at:].startswith(f"{int((time.time() - LONG_AGO) / 3600 / 24 / 365)} years ago")


def test_prune_takes_what_was_not_used_for_so_long(tmp_path: Path) -> None:
    scow = make_box(tmp_path)
    scow("tag", IMAGE, "old:1").ok()

    def prune(*filters: str) -> str:
        flags = [word for one in filters for word in ("--filter", one)]
        return scow("image", "prune", "-af", *flags).ok().stdout

    assert prune("unused-for=24h") == "Total reclaimed space: 0B\n"
    store = Engine(tmp_path / "store").workplace.store
    path = store.layout.path(Engine(tmp_path / "store").images.find(IMAGE).image.descriptor.digest)
    os.utime(path, (time.time() - 90_000,) * 2)
    assert prune("unused-for=26h") == "Total reclaimed space: 0B\n"
    assert prune("unused-for=24h", "label=none") == "Total reclaimed space: 0B\n"
    assert "untagged: old:1\n" in prune("unused-for=24h")
    twice = scow("image", "prune", "-f", "--filter", "unused-for=1h", "--filter", "unused-for=2h")
    assert (twice.exit_code, "more than one unused-for filter specified" in twice.stderr) == (1, True)
    assert "invalid filter 'unused-for'" in scow("system", "prune", "-f", "--filter", "unused-for=1h").stderr
