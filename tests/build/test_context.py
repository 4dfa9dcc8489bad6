"""The build context: what is ignored, what is hashed and when, what changes under one's hands."""

from __future__ import annotations

import hashlib
import os
import socket
import time
from pathlib import Path

import pytest

from scow.build import context as module
from scow.build.context import Context
from scow.dockerfile.ignore import Patterns
from scow.errors import Conflict, NotFound
from scow.layer.pack import Content


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "context"
    made.mkdir()
    return made


def opened(root: Path, ignored: str = "", *, memory: bool = True) -> Context:
    return Context(root, Patterns.parse(ignored), root.parent / "memory" if memory else None)


def everything(context: Context) -> set[str]:
    found: set[str] = set()
    todo = [b""]
    while todo:
        path = todo.pop()
        found.add(path.decode())
        entry = context.find(path)
        assert entry is not None
        todo += context.children(path) if entry.kind == "dir" else []
    return found - {""}


IGNORED = [
    ("", {"a", "d", "d/f", "d/g", "d/e", "d/e/h"}),
    ("a", {"d", "d/f", "d/g", "d/e", "d/e/h"}),
    ("d", {"a"}),
    ("d\n!d/f", {"a", "d", "d/f"}),
    ("d\n!d/e/h", {"a", "d", "d/e", "d/e/h"}),
    ("d\n!d/none", {"a"}),
    ("*\n!d/e", {"d", "d/e", "d/e/h"}),
    ("**/f\n**/h", {"a", "d", "d/g", "d/e"}),
    ("a\n!a/b", {"d", "d/f", "d/g", "d/e", "d/e/h"}),
]


@pytest.mark.parametrize(("ignored", "left"), IGNORED)
def test_what_is_ignored(root: Path, ignored: str, left: set[str]) -> None:
    (root / "d/e").mkdir(parents=True)
    for name in ("a", "d/f", "d/g", "d/e/h"):
        (root / name).write_text(name)
    context = opened(root, ignored)
    assert everything(context) == left
    for name in {"a", "d", "d/f", "d/g", "d/e", "d/e/h"} - left:
        assert context.find(name.encode()) is None


def test_kinds(root: Path) -> None:
    (root / "f").write_text("12")
    (root / "f").chmod(0o4750)
    (root / "l").symlink_to("/nowhere")
    os.mkfifo(root / "p")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(root / "s"))
    context = opened(root)
    file, link, pipe = context.find(b"f"), context.find(b"l"), context.find(b"p")
    assert file and link and pipe
    assert (file.kind, file.mode, file.size, file.uid, file.mtime) == ("file", 0o4750, 2, 0, 0)
    assert (link.kind, link.link, pipe.kind) == ("symlink", b"/nowhere", "fifo")
    assert context.find(b"s") is None
    assert context.find(b"none") is None
    assert context.find(b"f/below") is None
    with pytest.raises(NotFound, match="not a directory"):
        opened(root / "f")


class Counted:
    """How many files were hashed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.times = 0
        real = module._hash

        def count(content: Content) -> bytes:
            self.times += 1
            return real(content)

        monkeypatch.setattr(module, "_hash", count)


def digest_of(context: Context, name: str = "f") -> bytes:
    entry = context.find(name.encode())
    assert entry
    return context.digest(entry)


def test_an_unchanged_file_is_hashed_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "f").write_text("one")
    time.sleep(0.1)  # longer ago than the clock is coarse
    counted = Counted(monkeypatch)
    first = opened(root)
    assert digest_of(first) == hashlib.sha256(b"one").digest()
    first.remember()
    assert digest_of(opened(root)) == hashlib.sha256(b"one").digest()
    assert counted.times == 1
    (root / "f").write_text("two")
    assert digest_of(opened(root)) == hashlib.sha256(b"two").digest()
    os.utime(root / "f", (1, 1))
    assert digest_of(opened(root)) == hashlib.sha256(b"two").digest()


def test_a_file_changed_just_now_is_hashed_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the same size, within one tick of the clock: the status says nothing."""
    counted = Counted(monkeypatch)
    (root / "f").write_text("one")
    os.utime(root / "f", (time.time() + 600,) * 2)  # so that it is just now however slow this is
    first = opened(root)
    digest_of(first)
    first.remember()
    digest_of(opened(root))
    assert counted.times == 2


def test_memories_that_cannot_be_used(root: Path) -> None:
    (root / "f").write_text("one")
    (root.parent / "memory").write_bytes(b"\xc1 no msgpack")
    context = opened(root)
    assert digest_of(context) == hashlib.sha256(b"one").digest()
    (root.parent / "memory").unlink()
    (root.parent / "memory").mkdir()
    context.remember()  # cannot be written: no harm
    opened(root, memory=False).remember()


def test_a_file_that_changes_during_the_build(root: Path) -> None:
    (root / "f").write_text("one")
    context = opened(root)
    entry = context.find(b"f")
    assert entry
    content = context.content(entry)
    (root / "f").write_text("longer than before")
    assert callable(content)
    with pytest.raises(Conflict, match="changed during the build"):
        content()


def test_names_of_one_file(root: Path) -> None:
    (root / "f").write_text("one")
    context = opened(root)
    entry = context.find(b"f")
    assert entry and context.identity(entry) is None
    os.link(root / "f", root / "g")
    context = opened(root)
    one, two = context.find(b"f"), context.find(b"g")
    assert one and two and context.identity(one) == context.identity(two) is not None


def test_a_path_is_looked_at_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "d").mkdir()
    for name in ("d/f", "d/g"):
        (root / name).write_text(name)
    context = opened(root)
    assert everything(context) == {"d", "d/f", "d/g"}
    monkeypatch.setattr(os, "lstat", None)
    monkeypatch.setattr(os, "scandir", None)
    assert everything(context) == {"d", "d/f", "d/g"}
