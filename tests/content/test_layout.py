"""The store on disk: resumed, shared between commands, and whole after every failure."""

from __future__ import annotations

import fcntl
import json
import os
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.mounts import in_a_mount

from scow.content.layout import Layout, name_of
from scow.errors import Integrity, Invalid, NotFound, ScowError, Unavailable
from scow.oci import media_types
from scow.oci.descriptor import REF_NAME, Descriptor
from scow.oci.digest import Digest
from scow.testing.contract import Memory

ROOT = Path(__file__).resolve().parents[2]
DATA = os.urandom(1 << 20)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path / "store")
    made.create()
    return made


def rests(layout: Layout) -> list[str]:
    """What lies in the store's ingest directory."""
    return sorted(os.listdir(layout.ingest))


# -- resuming ---------------------------------------------------------------------------------------------------------


def test_a_download_goes_on_where_it_was_cut(layout: Layout) -> None:
    memory = Memory()
    blob = memory.add(DATA)
    memory.breaks[blob.digest] = 700_000
    with pytest.raises(Unavailable):
        layout.push(blob, memory)
    assert len(rests(layout)) == 1
    memory.breaks[blob.digest] = 100_000
    with pytest.raises(Unavailable):
        layout.push(blob, memory)
    layout.push(blob, memory)
    assert [offset for _, offset in memory.opened] == [0, 700_000, 800_000]
    assert memory.read[blob.digest] == len(DATA)
    assert rests(layout) == []
    assert layout.path(blob.digest).read_bytes() == DATA


def test_another_process_goes_on_too(layout: Layout) -> None:
    memory = Memory()
    blob = memory.add(DATA)
    memory.breaks[blob.digest] = 600_000
    with pytest.raises(Unavailable):
        layout.push(blob, memory)
    Layout(layout.root).push(blob, memory)
    assert memory.read[blob.digest] == len(DATA)


def test_a_rest_that_is_whole_needs_no_download(layout: Layout) -> None:
    memory = Memory()
    blob = memory.add(DATA)
    memory.breaks[blob.digest] = len(DATA)
    with pytest.raises(Unavailable):
        layout.push(blob, memory)
    layout.push(blob, memory)
    assert len(memory.opened) == 1


@pytest.mark.parametrize("rest", [b"other bytes", DATA + b"more"])
def test_a_rest_of_something_else_does_not_stay_for_ever(layout: Layout, rest: bytes) -> None:
    memory = Memory()
    blob = memory.add(DATA)
    (layout.ingest / f"{blob.digest.hex}.part").write_bytes(rest)
    with pytest.raises(Integrity):
        layout.push(blob, memory)
    assert rests(layout) == []
    layout.push(blob, memory)
    assert layout.exists(blob)


def test_a_rest_of_what_is_there_is_taken_away(layout: Layout) -> None:
    memory = Memory()
    blob = memory.add(DATA)
    layout.push(blob, memory)
    (layout.ingest / f"{blob.digest.hex}.part").write_bytes(DATA[:100])
    layout.push(blob, memory)
    assert rests(layout) == []


def test_a_watcher_sees_every_byte_once_also_of_what_was_there(layout: Layout) -> None:
    memory = Memory()
    blob = memory.add(DATA)
    memory.breaks[blob.digest] = 500_000
    with pytest.raises(Unavailable):
        layout.push(blob, memory)
    for _ in range(2):
        seen: list[bytes] = []
        layout.push(blob, memory, seen.append)
        assert b"".join(seen) == DATA
        assert seen[-1] == b""


def test_a_watcher_may_refuse_at_the_very_end(layout: Layout) -> None:
    def refuse(chunk: bytes) -> None:
        if not chunk:
            raise Invalid("no")

    memory = Memory()
    blob = memory.add(DATA)
    with pytest.raises(Invalid):
        layout.push(blob, memory, refuse)
    assert not layout.exists(blob)
    assert rests(layout) == []


def test_blobs_are_read_only(layout: Layout) -> None:
    memory = Memory()
    blob = memory.add(b"x")
    layout.push(blob, memory)
    assert stat.S_IMODE(layout.path(blob.digest).stat().st_mode) == 0o444
    put = layout.put("text/plain", b"y")
    assert stat.S_IMODE(layout.path(put.digest).stat().st_mode) == 0o444
    assert layout.path(put.digest).read_bytes() == b"y"
    assert {digest for digest, _ in layout.blobs()} == {blob.digest, put.digest}


def test_bytes_are_on_the_disk_before_they_have_their_name(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or a power cut leaves an empty file where a blob, a document or all names should be."""
    seen: list[tuple[str, ...]] = []
    sync, rename = os.fsync, os.rename

    def syncing(fd: int) -> None:
        sync(fd)
        seen.append(("sync", os.readlink(f"/proc/self/fd/{fd}")))

    def renaming(old: Path, new: Path) -> None:
        assert old.stat().st_mode & 0o200, "who waits for its turn opens it meanwhile"
        seen.append(("rename", str(old), str(new)))
        rename(old, new)

    monkeypatch.setattr(os, "fsync", syncing)
    monkeypatch.setattr(os, "rename", renaming)
    memory = Memory()
    blob = memory.add(b"x")
    layout.push(blob, memory)
    layout.put("text/plain", b"y")
    layout.tag(blob, "a:1")
    renames = [at for at, one in enumerate(seen) if one[0] == "rename"]
    assert len(renames) == 3
    for at in renames:
        assert ("sync", seen[at][1]) in seen[:at]
        assert ("sync", os.path.dirname(seen[at][2])) in seen[at:]


def test_a_draft_that_is_not_kept_leaves_nothing(layout: Layout) -> None:
    with pytest.raises(ZeroDivisionError), layout.draft() as draft:
        draft.write(b"x")
        raise ZeroDivisionError
    assert rests(layout) == []


# -- names ------------------------------------------------------------------------------------------------------------


def an_entry(number: int) -> Descriptor:
    return Descriptor.of(media_types.OCI_MANIFEST, b"%d" % number)


def test_index_json_is_an_image_index(layout: Layout) -> None:
    layout.tag(an_entry(1), "a:1")
    document = json.loads((layout.root / "index.json").read_bytes())
    assert document == {
        "schemaVersion": 2,
        "mediaType": media_types.OCI_INDEX,
        "manifests": [
            {"mediaType": media_types.OCI_MANIFEST, "digest": an_entry(1).digest, "size": 1,
             "annotations": {REF_NAME: "a:1"}},
        ],
    }  # fmt: skip
    assert json.loads((layout.root / "oci-layout").read_bytes()) == {"imageLayoutVersion": "1.0.0"}


def test_a_name_that_moves_leaves_its_image_nameless(layout: Layout) -> None:
    layout.tag(an_entry(1), "a:1")
    layout.tag(an_entry(2), "a:1")
    assert [(entry.digest, name_of(entry)) for entry in layout.entries()] == [
        (an_entry(1).digest, None), (an_entry(2).digest, "a:1"),
    ]  # fmt: skip
    layout.tag(an_entry(1), "b:1")
    assert {(entry.digest, name_of(entry)) for entry in layout.entries()} == {
        (an_entry(1).digest, "b:1"), (an_entry(2).digest, "a:1"),
    }  # fmt: skip
    assert {name_of(entry) for entry in layout.entries()} == {"a:1", "b:1"}


def test_tagging_again_changes_nothing(layout: Layout) -> None:
    layout.tag(an_entry(1), "a:1")
    with (layout.root / "index.json").open() as written:
        layout.tag(an_entry(1), "a:1")
        layout.keep(an_entry(1))
        assert len(layout.entries()) == 1
        there = (layout.root / "index.json").stat()
        assert os.path.samestat(os.fstat(written.fileno()), there)  # nothing to write and sync


def test_one_image_may_have_many_names(layout: Layout) -> None:
    for name in ("a:1", "a:2", "b:1"):
        layout.tag(an_entry(1), name)
    assert {name_of(entry) for entry in layout.entries()} == {"a:1", "a:2", "b:1"}
    assert len(layout.entries()) == 3


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([None, "a:1", "b:1"])), max_size=8), st.integers(0, 8))
@settings(max_examples=60)
def test_names_given_at_once_are_those_given_one_after_another(images: list[tuple[int, str | None]], cut: int) -> None:
    blobs = [Descriptor.of(media_types.OCI_MANIFEST, bytes([number])) for number in range(4)]
    with tempfile.TemporaryDirectory() as directory:
        one, other = Layout(Path(directory, "one")), Layout(Path(directory, "other"))
        for number, name in images:
            one.tag(blobs[number], name) if name else one.keep(blobs[number])
        for part in (images[:cut], images[cut:]):
            other.enter([(blobs[number], name) for number, name in part])
        assert {(entry.digest, name_of(entry)) for entry in one.entries()} == {
            (entry.digest, name_of(entry)) for entry in other.entries()
        }


def test_other_annotations_are_kept(layout: Layout) -> None:
    layout.tag(an_entry(1).annotated(annotations={"org.example": "x"}), "a:1")
    layout.tag(an_entry(2), "a:1")
    assert [entry.annotations for entry in layout.entries()] == [{"org.example": "x"}, {REF_NAME: "a:1"}]


def test_a_damaged_index_is_told(layout: Layout) -> None:
    (layout.root / "index.json").write_bytes(b"{")
    with pytest.raises(Invalid, match=r"index\.json"):
        layout.entries()


def test_nothing_is_named_in_an_empty_store(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "nothing")
    assert layout.entries() == ()
    with pytest.raises(NotFound):
        layout.resolve("a:1")
    assert not (tmp_path / "nothing").exists()


# -- other commands ---------------------------------------------------------------------------------------------------

_TAGGER = """
import sys
from pathlib import Path
from scow.content.layout import Layout
from scow.oci.descriptor import Descriptor
layout, me = Layout(Path(sys.argv[1])), sys.argv[2]
for number in range(15):
    descriptor = Descriptor.of("application/vnd.oci.image.manifest.v1+json", f"{me} {number}".encode())
    layout.tag(descriptor, f"{me}:{number}")
    layout.tag(descriptor, "shared:latest")
"""

_PUSHER = """
import sys
from pathlib import Path
from scow.content.layout import Layout
from scow.testing.contract import Memory
layout, memory = Layout(Path(sys.argv[1])), Memory()
blob = memory.add(bytes(range(256)) * 20000)
layout.push(blob, memory)
print(memory.read.get(blob.digest, 0))
"""


def together(script: str, root: Path, count: int) -> list[str]:
    """Run ``script`` in ``count`` processes at once; what each printed."""
    argv = [sys.executable, "-c", script, str(root)]
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    running = [
        subprocess.Popen([*argv, f"n{number}"], stdout=subprocess.PIPE, text=True, env=env) for number in range(count)
    ]
    printed = [process.communicate(timeout=240)[0] for process in running]
    assert [process.returncode for process in running] == [0] * count
    return printed


def test_taggers_at_once_lose_no_name(tmp_path: Path) -> None:
    together(_TAGGER, tmp_path / "store", 4)
    named = {name_of(entry) for entry in Layout(tmp_path / "store").entries()}
    assert named == {f"n{me}:{number}" for me in range(4) for number in range(15)} | {"shared:latest"}
    assert not [name for name in os.listdir(tmp_path / "store") if name.startswith(".")]


def test_two_processes_that_push_the_same_blob(tmp_path: Path) -> None:
    printed = together(_PUSHER, tmp_path / "store", 3)
    layout = Layout(tmp_path / "store")
    (digest,) = [digest for digest, _ in layout.blobs()]
    assert layout.path(digest).read_bytes() == bytes(range(256)) * 20000
    assert sorted(int(text) for text in printed) == [0, 0, 256 * 20000]
    assert rests(layout) == []


def test_threads_that_push_the_same_blob(layout: Layout) -> None:
    memory = Memory()
    blob = memory.add(DATA)
    threads = [threading.Thread(target=layout.push, args=(blob, memory)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert layout.exists(blob)
    assert memory.read[blob.digest] == len(DATA)


def test_what_a_command_looks_at_is_leased_until_its_end(layout: Layout) -> None:
    memory = Memory()
    blob = memory.add(b"x")
    other = Layout(layout.root)
    with layout.working():
        layout.push(blob, memory)
        with layout.working():
            layout.hold("sha256:abc")
        with other.exclusive():
            assert other.leased() == {blob.digest, "sha256:abc"}
    with other.exclusive():
        assert other.leased() == set()
    assert os.listdir(layout.root / "leases") == []


def test_asking_is_holding(layout: Layout) -> None:
    nothing = Descriptor.of("text/plain", b"not there")
    with layout.working():
        assert not layout.exists(nothing)
        assert nothing.digest in layout.leased()


def test_a_lease_that_is_swept_before_it_is_held_is_begun_again(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    swept: list[str] = []

    def late(fd: int, how: int) -> None:
        if not swept:
            swept.extend(os.listdir(layout.root / "leases"))
            layout.leased()
        flock(fd, how)

    flock = fcntl.flock
    monkeypatch.setattr("scow.content.lock.fcntl.flock", late)
    with layout.working():
        layout.hold("sha256:abc")
        assert layout.leased() == {"sha256:abc"}
    assert len(swept) == 1


def test_a_command_that_ends_while_the_leases_are_read(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    def late(file: object, how: int) -> None:
        for path in (layout.root / "leases").iterdir():
            path.unlink()
        raise BlockingIOError

    with layout.working():
        layout.hold("sha256:abc")
        monkeypatch.setattr("scow.content.lock.fcntl.flock", late)
        assert layout.leased() == {"sha256:abc"}


def test_a_dead_command_holds_nothing(layout: Layout) -> None:
    script = f"""
import os
from pathlib import Path
from scow.content.layout import Layout
layout = Layout(Path({str(layout.root)!r}))
with layout.working():
    layout.hold("sha256:dead")
    os._exit(0)
"""
    subprocess.run([sys.executable, "-c", script], env={"PYTHONPATH": str(ROOT / "src")}, check=True)
    assert len(os.listdir(layout.root / "leases")) == 1
    assert layout.leased() == set()
    assert os.listdir(layout.root / "leases") == []


# -- disks ------------------------------------------------------------------------------------------------------------

_FULL = """
import os, sys
from pathlib import Path
from scow.content.layout import Layout
from scow.errors import Unavailable
from scow.oci.descriptor import Descriptor
from scow.testing.contract import Memory
root = Path(sys.argv[1])
layout = Layout(root / "store")
layout.create()
layout.tag(Descriptor.of("x", b"kept"), "kept:1")
memory = Memory()
def full(what, call):
    try:
        call()
    except Unavailable as error:
        assert "space" in str(error) and error.hint, (what, str(error), error.hint)
        return
    raise SystemExit(f"{what}: nothing was raised")
big = memory.add(os.urandom(3 << 20))
full("push", lambda: layout.push(big, memory))
def drafted():
    with layout.draft() as draft:
        draft.write(os.urandom(3 << 20))
        draft.keep(big.digest)
full("draft", drafted)
for path in layout.ingest.iterdir():
    path.unlink()
with open(root / "filler", "wb", buffering=0) as filler:
    try:
        while True:
            filler.write(bytes(4096))
    except OSError:
        pass
small = memory.add(os.urandom(100_000))
full("push on a full disk", lambda: layout.push(small, memory))
full("put", lambda: layout.put("x", os.urandom(50_000)))
full("tag", lambda: [layout.tag(Descriptor.of("x", b"%d" % n), f"n:{n}") for n in range(100)])
def hold():
    with layout.working():
        for n in range(10_000):
            layout.hold(f"sha256:{n:064}")
full("hold", hold)
full("new store", lambda: [Layout(root / f"new{n}").create() for n in range(10_000)])
assert not layout.exists(big) and not layout.exists(small)
assert [d for d, _ in layout.blobs()] == []
(root / "filler").unlink()
names = [entry.annotations for entry in layout.entries()]
assert {"org.opencontainers.image.ref.name": "kept:1"} in names, names
layout.push(small, memory)
assert layout.exists(small)
print("well")
"""


def test_a_full_disk_is_unavailable_and_leaves_no_blob(tmp_path: Path) -> None:
    in_a_mount('mount -t tmpfs -o size=2m,nr_inodes=400 tmpfs "$AT"', _FULL, tmp_path)


_READ_ONLY = """
import sys
from pathlib import Path
from scow.content.layout import Layout
from scow.errors import ScowError, Unavailable
from scow.oci.descriptor import Descriptor
from scow.testing.contract import Memory
layout, memory = Layout(Path(sys.argv[1]) / "store"), Memory()
there, new = memory.add(b"there"), memory.add(b"new")
assert layout.resolve("a:1").digest == there.digest
with layout.open(there) as reader:
    assert reader.read() == b"there"
def refused(what, call):
    try:
        call()
    except ScowError:
        return
    raise SystemExit(f"{what}: nothing was raised")
refused("push", lambda: layout.push(new, memory))
refused("put", lambda: layout.put("x", b"new"))
refused("tag", lambda: layout.tag(new, "b:1"))
def drafted():
    with layout.draft():
        pass
refused("draft", drafted)
with layout.working(), layout.exclusive():
    assert layout.exists(there) and layout.leased() == set()
    refused("push at work", lambda: layout.push(new, memory))
assert layout.exists(there) and not layout.exists(new)
print("well")
"""


def test_a_read_only_store_is_read_and_refuses_the_rest(tmp_path: Path, layout: Layout) -> None:
    memory = Memory()
    there = memory.add(b"there")
    layout.push(there, memory)
    layout.tag(there, "a:1")
    in_a_mount('mount --bind "$AT" "$AT"; mount -o remount,ro,bind "$AT"', _READ_ONLY, tmp_path)


@pytest.fixture
def not_a_directory(tmp_path: Path) -> Iterator[Layout]:
    (tmp_path / "file").write_bytes(b"")
    yield Layout(tmp_path / "file" / "store")


def test_a_root_that_cannot_be_made_is_told(not_a_directory: Layout) -> None:
    memory = Memory()
    blob = memory.add(b"x")
    calls = (
        not_a_directory.create,
        lambda: not_a_directory.push(blob, memory),
        lambda: not_a_directory.put("x", b"x"),
        lambda: not_a_directory.tag(blob, "a:1"),
        lambda: not_a_directory.entries(),
    )
    for call in calls:
        with pytest.raises(ScowError):
            call()
    assert Digest.of(b"x") == blob.digest
