"""inotify tells every file that is opened, by whom it may be, and nothing else."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from scow.errors import Limit
from scow.runtime.kernel import watching
from scow.runtime.kernel.watching import Watch


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "a/b").mkdir(parents=True)
    for name in ("one", "a/two", "a/b/three", "a/b/four", "a/odd\udcff\n"):
        (root / name).write_bytes(b"x")
    (root / "link").symlink_to("a/b/three")
    return root


def test_what_is_opened(tree: Path) -> None:
    with Watch(os.fsencode(tree)) as watch:
        (tree / "link").read_bytes()
        (tree / "a/odd\udcff\n").read_bytes()
        subprocess.run(["/bin/cat", str(tree / "one")], stdout=subprocess.DEVNULL, check=True)
        os.stat(tree / "a/two")
        os.listdir(tree / "a")
    assert watch.opened == {b"a/b/three", b"a/odd\xff\n", b"one"}
    assert not watch.lost
    assert not watch.unseen


def test_what_is_executed(tree: Path) -> None:
    script = tree / "a/script"
    script.write_text("#!/bin/sh\nexit 3\n")
    script.chmod(0o755)
    with Watch(os.fsencode(tree)) as watch:
        assert subprocess.run([str(script)], check=False).returncode == 3
    assert b"a/script" in watch.opened


def test_many(tree: Path) -> None:
    names = [f"a/b/{at}" for at in range(20_000)]
    for name in names[:100]:
        (tree / name).write_bytes(b"")
    with Watch(os.fsencode(tree)) as watch:
        for at in range(20_000):
            os.close(os.open(tree / names[at % 100], os.O_RDONLY))
    assert watch.lost or {name.encode() for name in names[:100]} <= watch.opened


def test_too_many_directories(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def __getattr__(self, name: str) -> object:
            return getattr(real, name)

        def inotify_add_watch(self, *_: object) -> int:
            import ctypes

            ctypes.set_errno(28)
            return -1

    real = watching._libc
    monkeypatch.setattr(watching, "_libc", Full())
    with pytest.raises(Limit, match="more directories"), Watch(os.fsencode(tree)):
        pass
