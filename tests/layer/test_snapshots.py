"""Snapshots: made once for each chain, kind and boot, and never seen half made."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from pathlib import Path

import pytest

from scow.layer.snapshots import Snapshots
from scow.oci.digest import ChainId

CHAIN = ChainId.of(b"chain")


def snapshots(root: Path, boot: str = "this boot", flavour: str = "privileged") -> Snapshots:
    return Snapshots(root / "snapshots", root / "ingest", boot, flavour)


def filled(path: Path) -> None:
    (path / "made").write_text(str(time.monotonic_ns()))


def never(path: Path) -> None:
    raise AssertionError("it is there already")


def test_a_tree_is_made_once(tmp_path: Path) -> None:
    def made(path: Path) -> None:
        filled(path)
        other = os.open(path.parent, os.O_RDONLY)  # what ingest holds
        with pytest.raises(BlockingIOError):  # as a collection finds out that somebody is at work here
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(other)

    tree = snapshots(tmp_path).tree(CHAIN, "fix", made)
    assert os.listdir(tree) == ["made"]
    assert snapshots(tmp_path).tree(CHAIN, "fix", never) == tree
    assert list(snapshots(tmp_path)) == [CHAIN]
    assert os.listdir(tmp_path / "ingest") == []


def test_kinds_flavours_and_chains_are_apart(tmp_path: Path) -> None:
    other = ChainId.of(b"other")
    trees = {
        snapshots(tmp_path).tree(CHAIN, "fix", filled),
        snapshots(tmp_path).tree(CHAIN, "flat", filled),
        snapshots(tmp_path, flavour="ordinary").tree(CHAIN, "flat", filled),
        snapshots(tmp_path).tree(other, "fix", filled),
    }
    assert len(trees) == 4
    assert set(snapshots(tmp_path)) == {CHAIN, other}


def test_after_a_reboot_it_is_made_again(tmp_path: Path) -> None:
    tree = snapshots(tmp_path).tree(CHAIN, "fix", filled)
    before = (tree / "made").read_text()
    again = snapshots(tmp_path, boot="next boot").tree(CHAIN, "fix", filled)
    assert again == tree
    assert (tree / "made").read_text() != before
    snapshots(tmp_path, boot="next boot").tree(CHAIN, "fix", never)


def test_one_that_failed_is_not_there(tmp_path: Path) -> None:
    def broken(path: Path) -> None:
        filled(path)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        snapshots(tmp_path).tree(CHAIN, "fix", broken)
    assert list(snapshots(tmp_path)) == []
    assert os.listdir(tmp_path / "ingest") == []
    tree = snapshots(tmp_path).tree(CHAIN, "fix", filled)
    assert (tree / "made").exists()


def test_two_that_make_the_same_at_once(tmp_path: Path) -> None:
    gate = threading.Barrier(2, timeout=20)

    def together(path: Path) -> None:
        filled(path)
        gate.wait()

    found: list[Path] = []
    threads = [
        threading.Thread(target=lambda: found.append(snapshots(tmp_path).tree(CHAIN, "fix", together)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 2
    assert len(set(found)) == 1
    assert os.listdir(tmp_path / "ingest") == []
    assert os.listdir(found[0]) == ["made"]
    snapshots(tmp_path).tree(CHAIN, "fix", never)


def test_what_a_stranger_put_there_is_none(tmp_path: Path) -> None:
    snapshots(tmp_path).tree(CHAIN, "fix", filled)
    (tmp_path / "snapshots/lost+found").mkdir()
    assert list(snapshots(tmp_path)) == [CHAIN]


def test_an_empty_store_has_none(tmp_path: Path) -> None:
    assert list(snapshots(tmp_path)) == []
