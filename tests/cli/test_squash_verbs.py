"""``scow squash`` as people use it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.cli import Scow
from tests.support.trees import Record, snapshot_tree


@pytest.fixture
def built(scow: Scow, tmp_path: Path) -> str:
    context = tmp_path / "context"
    context.mkdir()
    (context / "big").write_bytes(b"a" * 60_000)
    (context / "small").write_bytes(b"b" * 1000)
    (context / "Dockerfile").write_text("FROM scratch\nCOPY small /base\nENV A=b\n")
    scow("build", "-q", "-t", "base:1", str(context)).ok()
    (context / "Dockerfile").write_text('FROM base:1\nCOPY big /data\nENV C=d\nCOPY small /data\nCMD ["x"]\n')
    scow("build", "-q", "-t", "app:1", str(context)).ok()
    return "app:1"


def files(scow: Scow, name: str, directory: Path) -> dict[bytes, Record]:
    scow(
        "build", "-q", "-o", str(directory), "-f", "-", ".", stdin=f"FROM {name}\n".encode(), cwd=directory.parent
    ).ok()
    return {path: record for path, record in snapshot_tree(directory).items() if path != b"."}


def test_down_to_the_base(scow: Scow, built: str, tmp_path: Path) -> None:
    done = scow("squash", built, "--from", "base:1", "-t", "app:small").ok()
    assert done.stderr == "2 layers merged into one: 62kB -> 2kB\n"
    document = json.loads(scow("inspect", "app:small").ok().stdout)[0]
    old, base = (json.loads(scow("inspect", name).ok().stdout)[0] for name in (built, "base:1"))
    assert done.stdout.strip() == document["Id"]
    assert document["RootFS"]["Layers"][:1] == base["RootFS"]["Layers"]
    assert len(document["RootFS"]["Layers"]) == 2
    assert document["Config"] == old["Config"]
    compared = json.loads(
        scow("analyze", built, "--compare", "app:small", "--semantic", "--format", "json").ok().stdout
    )
    assert compared["same"] is True
    assert files(scow, built, tmp_path / "a") == files(scow, "app:small", tmp_path / "b")
    history = scow("history", "--format", "{{.Size}} {{.CreatedBy}} {{.Comment}}", "app:small").ok().stdout.splitlines()
    assert history[0].split(" ", 1) == ["1kB", "scow squash --from base:1 merge of 2 layers"]
    assert [line.split()[0] for line in history] == ["1kB", "0B", "0B", "0B", "0B", "0B", "1kB"]


def test_it_is_the_same_each_time(scow: Scow, built: str) -> None:
    assert scow("squash", "-q", built).ok().stdout == scow("squash", "-q", built, "-t", "again").ok().stdout


def test_what_cannot_be(scow: Scow, built: str) -> None:
    assert "does not stand on it" in scow("squash", "base:1", "--from", built).stderr
    assert "no layers above" in scow("squash", built, "--from", built).stderr
    assert scow("squash", "nothing:1").exit_code == 1
