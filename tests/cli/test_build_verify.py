"""``build --verify``: equal images are said to be, others are explained."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.boxes import IMAGE, make_box
from tests.support.cli import Scow

from scow.image.difference import documents, layers
from scow.layer.entry import Entry


@pytest.fixture(scope="module")
def scow(tmp_path_factory: pytest.TempPathFactory) -> Scow:
    return make_box(tmp_path_factory.mktemp("verify"))


DOCKERFILE = f"FROM {IMAGE}\nENV A=1\nCOPY f /f\nRUN echo ran > /r\n"


@pytest.fixture
def context(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    (tmp_path / "f").write_text("one")
    (tmp_path / "f").chmod(0o644)  # whatever the umask
    return tmp_path


def test_the_same_sources(scow: Scow, context: Path) -> None:
    image_id = scow("build", "-q", "-t", "v:1", str(context)).ok().stdout.strip()
    before = scow("images", "-aq").ok().stdout
    done = scow("build", "--verify", "v:1", str(context)).ok()
    assert done.stdout == f"v:1 is what these sources give: {image_id}\n"
    assert "CACHED" not in done.stderr
    assert scow("images", "-aq").ok().stdout == before


def test_other_sources(scow: Scow, context: Path) -> None:
    scow("build", "-q", "-t", "v:2", str(context)).ok()
    before = scow("images", "-aq").ok().stdout
    (context / "f").write_text("three")
    (context / "f").chmod(0o600)
    (context / "Dockerfile").write_text(DOCKERFILE.replace("A=1", "A=2").replace("> /r", "> /s"))
    done = scow("build", "--verify", "v:2", str(context))
    assert done.exit_code == 1
    for line in (
        "  config.Env.2: A=1 -> A=2", "  /f (mode): 0644 -> 0600", "  /f (size): 3 -> 5", "  /r: file -> (nothing)",
        "  /s: (nothing) -> file", "config:", "layer 2:",
    ):  # fmt: skip
        assert line in done.stdout.splitlines(), done.stdout
    assert scow("images", "-aq").ok().stdout == before
    for flags in (["-t", "x"], ["--push"], ["-o", "x"], ["--iidfile", "x"], ["--metadata-file", "x"]):
        refused = scow("build", "--verify", "v:2", *flags, str(context))
        assert "--verify only compares" in refused.stderr


def test_documents() -> None:
    was, now = {"a": 1, "b": [1, 2], "c": {"d": "x"}}, {"a": 1, "b": [1, 3, 4], "e": None, "c": {}}
    found = [(one.what, one.was, one.now) for one in documents(was, now, "config")]
    assert found == [("b.1", "2", "3"), ("b.2", "", "4"), ("c.d", "x", "")]


def test_layers() -> None:
    one, two = Entry(b"a", "file", 0o644, digest=b"1"), Entry(b"b", "dir", 0o755, mtime=10**9)
    assert [(each.what, each.was, each.now) for each in layers([one, two], [two, one], "layer 1")] == [
        ("order of entries, from 0 on", "/a", "/b")
    ]
    later = Entry(b"b", "dir", 0o755, mtime=10**9 + 5)
    assert [(each.what, each.was, each.now) for each in layers([one, two], [one, later], "layer 1")] == [
        ("/b (time)", "1970-01-01T00:00:01Z", "1970-01-01T00:00:01.000000005Z")
    ]
    link = Entry(b"a", "symlink", 0o777, link=b"x")
    assert [each.what for each in layers([one], [link], "layer 1")] == ["/a (type)"]
