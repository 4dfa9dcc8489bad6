"""``builder du`` and ``builder prune``, and the flags of ``build`` that bring the cache from elsewhere."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from tests.cli.boxes import IMAGE, make_box
from tests.support.cli import Scow

from scow.engine.builds.cachestock import chosen, left
from scow.engine.values import CachePiece


@pytest.fixture(scope="module")
def scow(directory: Path) -> Scow:
    return make_box(directory)


def stocked(scow: Scow, context: Path) -> None:
    """One layer of an image, one that no image has, and a cache mount."""
    (context / "Dockerfile").write_text(
        f"FROM {IMAGE} AS one\nRUN head -c 100000 /dev/urandom > /one\n"
        f"FROM {IMAGE}\nRUN --mount=type=cache,id=mine,target=/c echo 1 > /c/f; echo two > /two\n"
    )
    scow("build", "-q", "-t", "two", str(context)).ok()
    scow("build", "-q", "-t", "one", "--target", "one", str(context)).ok()
    scow("rmi", "one").ok()


def test_du_and_prune(scow: Scow, directory: Path, tmp_path: Path) -> None:
    stocked(scow, tmp_path)
    template = "{{.Type}} {{.Reclaimable}} {{.Description}}"
    shown = scow("builder", "du", "--format", template).ok().stdout.splitlines()
    assert sorted(shown) == ["exec.cachemount true cache mount mine", "regular false ", "regular true "]
    table = scow("builder", "du").ok().stdout
    assert table.splitlines()[0].split("  ")[0] == "ID"
    assert "Reclaimable:" in table and "Total:" in table
    told = scow("builder", "prune", "--dry-run", "--filter", "until=1h").ok().stdout
    assert told.strip() == "Total reclaimable space: 0B"
    would = scow("builder", "prune", "--dry-run").ok().stdout
    assert "Would delete" in would
    assert "Total reclaimed space: 0B" in scow("builder", "prune", "-f", "--keep-storage", "1GB").ok().stdout
    gone = scow("builder", "prune", "-f").ok().stdout
    assert "Deleted build cache objects" in gone
    assert sorted(scow("builder", "du", "--format", template).ok().stdout.splitlines()) == [
        "exec.cachemount true cache mount mine", "regular false ",
    ]  # fmt: skip
    for lock in directory.rglob("cache/mounts/*/*.lock"):
        os.utime(lock, (time.time() - 7200, time.time() - 7200))
    assert "Total reclaimable space: 0B" in scow("builder", "prune", "--dry-run", "--filter", "id=none").ok().stdout
    for flags in (
        ["--filter", "type=exec.cachemount"],
        ["--max-used-space", "1", "-a"],
        ["--min-free-space", "9P", "-a"],
    ):
        assert "Would delete" in scow("builder", "prune", "--dry-run", *flags).ok().stdout
    for flags in (["--max-used-space", "1g", "-a"], ["--min-free-space", "1", "-a"]):
        assert "Would delete" not in scow("builder", "prune", "--dry-run", *flags).ok().stdout
    assert "invalid filter 'type=x'" in scow("builder", "prune", "-f", "--filter", "type=x").stderr
    scow("builder", "prune", "-af", "--filter", "unused-for=1h").ok()
    assert scow("builder", "du", "--format", template).ok().stdout.splitlines() == ["regular false "]
    scow("builder", "prune", "-af").ok()
    assert scow("builder", "du", "--format", template).ok().stdout == ""


@pytest.mark.parametrize(
    ("given", "gone"),
    [
        ({"every": False}, "b"),
        ({"every": True}, "abcd"),
        ({"every": True, "before": 25.0}, "ab"),
        ({"every": True, "keep": 20}, "ab"),
        ({"every": True, "keep": 15}, "abc"),
        ({"every": True, "keep": 40}, ""),
        ({"every": True, "keep": 0, "before": 35.0}, "abc"),
        ({"every": False, "before": 15.0}, ""),
        ({"every": False, "only": lambda one: one.kind == "mount"}, "c"),
        ({"every": False, "only": lambda one: one.kind == "layer"}, "b"),
        ({"every": True, "only": lambda one: one.kind == "layer", "keep": 25}, "ab"),
    ],
)
def test_what_a_prune_takes(given: dict[str, Any], gone: str) -> None:
    pieces = [
        CachePiece("a", "layer", ("k",), 10, 10.0, in_image=True), CachePiece("b", "layer", ("l",), 10, 20.0),
        CachePiece("c", "mount", (), 10, 30.0), CachePiece("d", "layer", ("m",), 10, 40.0, in_image=True),
    ]  # fmt: skip
    asked: dict[str, Any] = {"before": None, "keep": None, **given}
    assert "".join(one.id for one in chosen(pieces, **asked)) == gone


@pytest.mark.parametrize(
    ("keep", "most", "lacking", "wanted"),
    [
        (None, None, None, None), (30, None, None, 30), (0, None, None, 0), (None, 40, None, 40), (None, 0, None, 0),
        (60, 40, None, 60), (None, None, 0, 100), (None, None, 30, 70), (None, None, 130, 0), (None, 40, 30, 40),
        (80, None, 30, 80),
    ],
)  # fmt: skip
def test_how_much_a_prune_leaves(keep: int | None, most: int | None, lacking: int | None, wanted: int | None) -> None:
    """BuildKit's three bounds: what is asked to be kept beats the others."""
    assert left(100, keep, most, lacking) == wanted


def test_the_cache_through_a_directory(scow: Scow, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(f"FROM {IMAGE}\nRUN echo travelling > /f\n")
    place = tmp_path / "cache"
    scow("build", "-q", "--cache-to", f"type=local,dest={place},mode=max", str(tmp_path)).ok()
    scow("builder", "prune", "-af").ok()
    done = scow("build", "--cache-from", f"type=local,src={place}", str(tmp_path)).ok()
    assert "CACHED" in done.stderr
    warned = scow("build", "--no-cache", "--cache-from", f"type=local,src={place}/no", str(tmp_path)).ok()
    assert "WARNING" not in warned.stderr  # without a cache nobody looks
    scow("builder", "prune", "-af").ok()
    scow("image", "prune", "-f").ok()
    warned = scow("build", "--cache-from", f"type=local,src={place}/no", str(tmp_path)).ok()
    assert f"WARNING: cache from {place}/no: " in warned.stderr


@pytest.mark.parametrize(
    ("flag", "told"),
    [
        ("--cache-from=type=gha", "cache-from: type 'gha' is not supported"),
        ("--cache-from=type=local", "src is required"),
        ("--cache-from=type=inline", "taken from its image"),
        ("--cache-to=type=registry", "ref is required"),
        ("--cache-to=type=s3,bucket=x", "unexpected key 'bucket'"),
        ("--cache-to=type=local,dest=x,mode=most", "mode is min or max"),
        ("--cache-to=type=inline,mode=max", "only the image's own layers"),
        ("--cache-to=type=local,dest=x,compression=brotli", "compression=brotli is not supported"),
    ],
)
def test_what_is_refused(scow: Scow, tmp_path: Path, flag: str, told: str) -> None:
    (tmp_path / "Dockerfile").write_text(f"FROM {IMAGE}\n")
    done = scow("build", flag, str(tmp_path))
    assert done.exit_code != 0
    assert told in done.stderr
