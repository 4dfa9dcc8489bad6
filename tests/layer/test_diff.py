"""What a container wrote, told as a changeset: applied to what was there, it gives what the container saw."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest
from tests.layer import tars
from tests.layer.tars import Item
from tests.support.peers import need_root, path_of
from tests.support.trees import difference, snapshot_tree

from scow.errors import Conflict, Limit
from scow.layer import diff
from scow.layer.checkout import checkout
from scow.layer.entry import Entry
from scow.layer.view import View


def collected(upper: Path, *, latest: int | None = None, owners: diff.Owners = diff.on_disk) -> list[Item]:
    found = []
    for entry, content in diff.changes(str(upper), owners, latest=latest):
        if callable(content):
            with os.fdopen(content(), "rb") as file:
                content = file.read()
        found.append(Item(entry, content))
    return found


def told(items: list[Item]) -> dict[bytes, str]:
    return {item.entry.path: item.entry.kind for item in items}


def test_every_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    upper = tmp_path / "upper"
    (upper / "d" / "e").mkdir(parents=True)
    (upper / "d" / "f").write_bytes(b"content")
    os.link(upper / "d" / "f", upper / "d" / "g")
    (upper / "l").symlink_to("no/where")
    os.mkfifo(upper / "p")
    os.chmod(upper / "d", 0o1777)
    os.utime(upper / "d" / "f", ns=(0, 1_234_567_890_123_456_789))
    with socket.socket(socket.AF_UNIX) as server:
        monkeypatch.chdir(upper)  # a socket's path must be short
        server.bind("socket")
    items = collected(upper)
    assert [item.entry.path for item in items] == [b"d", b"d/e", b"d/f", b"d/g", b"l", b"p"]
    by_path = {item.entry.path: item for item in items}
    assert told(items) == {b"d": "dir", b"d/e": "dir", b"d/f": "file", b"d/g": "hardlink", b"l": "symlink",
                           b"p": "fifo"}  # fmt: skip
    assert by_path[b"d"].entry.mode == 0o1777
    assert by_path[b"d/f"].data == b"content"
    assert by_path[b"d/f"].entry.mtime == 1_234_567_890_123_456_789
    assert by_path[b"d/g"].entry.link == b"d/f"
    assert by_path[b"l"].entry.link == b"no/where"


def test_a_ceiling_for_times(tmp_path: Path) -> None:
    (tmp_path / "new").write_bytes(b"")
    (tmp_path / "old").write_bytes(b"")
    os.utime(tmp_path / "old", ns=(0, 5))
    times = {item.entry.path: item.entry.mtime for item in collected(tmp_path, latest=1000)}
    assert times == {b"new": 1000, b"old": 5}


def test_owners_are_remembered_where_only_one_id_is_there(tmp_path: Path) -> None:
    (tmp_path / "kept").write_bytes(b"")
    (tmp_path / "new").write_bytes(b"")
    lower = View()
    lower.stack(0, [Entry(b"kept", "file", uid=1000, gid=50)])
    owners = {i.entry.path: (i.entry.uid, i.entry.gid) for i in collected(tmp_path, owners=diff.remembered(lower))}
    assert owners == {b"kept": (1000, 50), b"new": (0, 0)}


def test_overlay_marks(tmp_path: Path) -> None:
    need_root()
    os.mknod(tmp_path / "gone", stat.S_IFCHR, os.makedev(0, 0))
    (tmp_path / "anew").mkdir()
    os.setxattr(tmp_path / "anew", "trusted.overlay.opaque", b"y")
    os.setxattr(tmp_path / "anew", "trusted.overlay.origin", b"whatever")
    (tmp_path / "anew" / "f").write_bytes(b"")
    os.setxattr(tmp_path / "anew" / "f", "user.kept", b"v")
    items = collected(tmp_path)
    assert [(i.entry.path, i.entry.kind) for i in items] == [
        (b"anew", "dir"), (b"anew", "opaque"), (b"anew/f", "file"), (b"gone", "whiteout"),
    ]  # fmt: skip
    assert items[0].entry.xattrs == ()
    assert items[2].entry.xattrs == ((b"user.kept", b"v"),)


def test_an_unreadable_file_is_read_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"secret")
    os.chmod(tmp_path / "f", 0)
    assert collected(tmp_path)[0].data == b"secret"
    assert stat.S_IMODE(os.stat(tmp_path / "f").st_mode) == 0


@pytest.mark.parametrize("mode", [0o300, 0o100, 0])
def test_a_root_that_its_owner_closed_is_looked_into_all_the_same(mode: int) -> None:
    need_root()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "f").write_bytes(b"inside")
        for path in (root / "f", root):
            os.chown(path, 65534, 65534)
        os.chmod(root, mode)
        os.seteuid(65534)
        try:
            items = collected(root)
        finally:
            os.seteuid(0)
        assert [(item.entry.path, item.data) for item in items] == [(b"f", b"inside")]
        assert stat.S_IMODE(os.stat(root).st_mode) == mode


LOWER = """
mkdir -p d/sub tmp keep usr/lib; chmod 1777 tmp; echo one >d/one; echo two >d/two; echo three >d/sub/three
ln d/one d/same; ln -s usr/lib lib; echo lib >usr/lib/x; mkfifo keep/pipe; echo k >keep/k; chown 7:8 keep/k
touch -d @-100 keep/k; mkdir -p full/a/b; echo c >full/a/b/c; echo old >becomes-dir; mkdir becomes-file
echo i >becomes-file/i
"""
CHANGE = """
rm d/one; echo changed >d/two; rm -r d/sub; mkdir d/sub; echo new >d/sub/new
rm -r full; mkdir full; echo fresh >full/fresh; rm becomes-dir; mkdir becomes-dir; echo in >becomes-dir/in
rm -r becomes-file; echo file >becomes-file; echo y >lib/y; rm lib; mkdir lib; echo real >lib/real
chmod 600 keep/k; ln keep/k keep/same; mv keep/pipe keep/moved; setfattr -n user.a -v b d/two 2>/dev/null || true
mknod dev c 1 3; echo s >tmp/s; chmod 4755 tmp/s; touch -d @5.25 tmp/s; mkdir -p very/deep; ln -s / very/deep/root
"""


@pytest.mark.parametrize("script", [CHANGE, "true", "rm -r *", "rm -r *; mkdir d; echo x >d/x", "touch d"])
def test_applied_to_what_was_there_it_gives_what_was_seen(script: str, tmp_path: Path) -> None:
    need_root()
    base = tmp_path / "base"
    base.mkdir()
    subprocess.run(["sh", "-ec", LOWER], cwd=base, check=True)
    lower = [Item(e.entry, e.data) for e in collected(base)]
    stream = tars.write(lower)
    tars.overlay_tree(tmp_path / "lower", stream)
    for name in ("upper", "work", "at", "seen"):
        (tmp_path / name).mkdir()
    mount = f"""
    mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work,redirect_dir=off,metacopy=off at
    (cd at; {script}
    )
    cp -a at/. seen
    """
    argv = [path_of("unshare"), "--mount", "--propagation", "private", "sh", "-ec", mount]
    subprocess.run(argv, cwd=tmp_path, check=True)
    change = tars.write(collected(tmp_path / "upper"))
    tars.overlay_tree(tmp_path / "change", change)
    view = View()
    view.stack(0, tars.no_tree(stream)[0])
    view.stack(1, tars.no_tree(change)[0])
    (tmp_path / "flat").mkdir()
    checkout(view.walk(), [tmp_path / "lower", tmp_path / "change"], tmp_path / "flat")
    seen, flat = snapshot_tree(tmp_path / "seen"), snapshot_tree(tmp_path / "flat")
    seen.pop(b"."), flat.pop(b".")
    assert difference(seen, flat) == []
    assert {found.entry.path for found in view.walk()} - {b""} == set(seen)


def outside(tmp_path: Path) -> Path:
    """A directory that no upper directory is above, with a file of the same name as one in :func:`moving`."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/f").write_bytes(b"secret")
    return tmp_path / "outside"


def moving(tmp_path: Path) -> Path:
    upper = tmp_path / "upper"
    (upper / "d/e").mkdir(parents=True)
    (upper / "d/e/f").write_bytes(b"my own")
    (upper / "z").write_bytes(b"last")
    return upper


@pytest.mark.parametrize("seen", [b"d", b"d/e", b"d/e/f"])
@pytest.mark.parametrize("swapped", ["d", "d/e"])
def test_a_directory_that_becomes_a_symlink_leads_nowhere(tmp_path: Path, seen: bytes, swapped: str) -> None:
    """A container that runs while it is exported, committed or compared: CVE-2018-15664 and its kind."""
    upper, elsewhere = moving(tmp_path), outside(tmp_path)
    (elsewhere / "e").mkdir()
    (elsewhere / "e/f").write_bytes(b"secret")
    found = []
    walking = diff.changes(str(upper), diff.on_disk)
    for entry, content in walking:
        found.append((entry, content))
        if entry.path == seen:
            (upper / swapped).rename(tmp_path / "before")
            (upper / swapped).symlink_to(elsewhere)
    assert b"z" in [entry.path for entry, _ in found]
    for entry, content in found:
        if callable(content):
            try:
                with os.fdopen(content(), "rb") as file:
                    assert file.read() in (b"my own", b"last"), entry
            except Conflict:
                assert entry.path == b"d/e/f"


@pytest.mark.parametrize("kind", ["fifo", "symlink", "gone"])
def test_a_file_that_becomes_something_else_is_not_opened(tmp_path: Path, kind: str) -> None:
    upper, elsewhere = moving(tmp_path), outside(tmp_path)
    contents = [content for entry, content in diff.changes(str(upper), diff.on_disk) if entry.path == b"d/e/f"]
    (upper / "d/e/f").unlink()
    if kind == "fifo":
        os.mkfifo(upper / "d/e/f")
    elif kind == "symlink":
        (upper / "d/e/f").symlink_to(elsewhere / "f")
    assert callable(contents[0])
    with pytest.raises(Conflict, match="was changed while it was read"):
        contents[0]()


def test_a_path_that_no_layer_can_hold_is_told(deep_path: Path) -> None:
    at = os.open(deep_path, os.O_RDONLY)
    for _ in range(20):
        os.mkdir("d" * 250, dir_fd=at)
        below = os.open("d" * 250, os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)
    with pytest.raises(Limit, match="over the limit of 4096"):
        collected(deep_path)
