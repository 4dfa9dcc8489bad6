"""``system check``: each way in which a store can be damaged, what is said of it, and what ``--repair`` does."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Console
from tests.support.mounts import in_a_mount

from scow import Engine
from scow.engine.system.faults import Fault, missing, seen_twice
from scow.image.check import directory_problem
from scow.layer.entry import Entry
from scow.layer.removal import remove
from scow.oci import media_types
from scow.oci.descriptor import Descriptor
from scow.oci.manifest import Index, Manifest
from scow.testing.registry import Registry
from scow.testing.registry_handler import Exchange

Damage = Callable[[Path], None]


def without_mounts(root: Path) -> None:
    """What a store says where layers cannot be mounted as files: their trees are directories then."""
    root.mkdir(parents=True, exist_ok=True)
    store = Engine(root).workplace.store
    for kind in ("", "-confined"):
        (root / f"mountable-{store.layers.flavour}{kind}").write_text(f"{store.boot} {root.stat().st_dev} no")


class Store:
    """A store with an image from a registry, one made here, a container and a build-cache record; and its files."""

    def __init__(self, console: Console, host: str, tar: bytes, tmp_path: Path) -> None:
        self.root, self.console, self.pulled = console.store, console, f"{host}/team/app:1"
        console.at(tmp_path / "other").image(tar, self.pulled)
        console.at(tmp_path / "other")("push", "-q", self.pulled).ok()
        console("pull", "-q", self.pulled).ok()
        context = tmp_path / "context"
        context.mkdir()
        (context / "file").write_text("made here")
        (context / "Dockerfile").write_text(f"FROM {self.pulled}\nCOPY file /made\n")
        console("build", "-q", "-t", "made:1", str(context)).ok()
        Engine(self.root).images.checkout("made:1", tmp_path / "checkout")  # which unpacks it

    def check(self, *argv: str) -> tuple[int, dict[str, Any]]:
        outcome = self.console("system", "check", "--format", "json", *argv)
        return outcome.code, json.loads(outcome.stdout)

    def layer(self, name: str) -> tuple[Path, Path]:
        """The blob of the topmost layer of an image, and where it is unpacked."""
        image = Engine(self.root).images.find(name).image
        layer = image.layers[-1]
        return self.root / "blobs/sha256" / layer.descriptor.digest.hex, self.root / "layers/sha256" / layer.diff_id.hex

    def config(self, name: str) -> Path:
        return self.root / "blobs/sha256" / Engine(self.root).images.find(name).image.id.hex


@pytest.fixture
def store(console: Console, registry: Registry, tiny: bytes, tmp_path: Path) -> Iterator[Store]:
    yield Store(console, registry.host, tiny, tmp_path)


def rewrite(path: Path, change: Callable[[bytes], bytes]) -> None:
    """Other bytes under the same name, mode and time: what a disk does, not what a program does."""
    status = path.stat()
    path.chmod(0o600)
    path.write_bytes(change(path.read_bytes()))
    path.chmod(status.st_mode & 0o7777)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def flipped(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def tree_of(home: Path) -> Path:
    return next(path for path in home.iterdir() if path.is_dir())


def test_a_sound_store(store: Store) -> None:
    code, told = store.check()
    assert (code, told["Sound"], told["Faults"]) == (0, True, [])
    assert told["Checked"]["Names"] == 2
    assert told["Checked"]["Layers"] == told["Checked"]["Trees"] == 2
    said = store.console("system", "check").ok().lines
    assert said[-1] == "The store is sound"
    assert said[-2].startswith("Checked 2 names, ")
    assert store.console("system", "check", "-q").ok().stdout == ""


@pytest.mark.parametrize("change", [flipped, lambda data: data[:-1], lambda data: b""], ids=["bit", "short", "empty"])
@pytest.mark.parametrize("part", ["layer", "config"])
def test_a_damaged_blob_is_fetched_again(store: Store, part: str, change: Callable[[bytes], bytes]) -> None:
    blob = store.layer(store.pulled)[0] if part == "layer" else store.config(store.pulled)
    before = blob.read_bytes()
    rewrite(blob, change)
    code, told = store.check()
    assert code == 1
    assert ("blob", f"sha256:{blob.name}") in {(one["Kind"], one["Subject"]) for one in told["Faults"]}
    assert f"{part} sha256:{blob.name} is missing" in {one["Problem"] for one in told["Faults"]}
    assert blob.exists()  # looking changes nothing
    code, told = store.check("--repair")
    outcomes = {(one["Kind"], one["Subject"]): one["Outcome"] for one in told["Faults"]}
    assert outcomes["blob", f"sha256:{blob.name}"] == "dropped"
    assert outcomes["image", store.pulled].startswith("fetched again from 127.0.0.1:")
    assert (code, told["Remaining"]) == (0, [])
    assert blob.read_bytes() == before


READ_ONLY = """
import os, sys
os.environ["SCOW_ROOT"] = sys.argv[1] + "/store"
from scow.cli.main import main
def code(*argv):
    try:
        main(list(argv))
    except SystemExit as left:
        return left.code or 0
    return 0
for argv in (
    ["images"], ["history", "made:1"], ["save", "-o", "/dev/null", "made:1"], ["sbom", "made:1"], ["scan", "made:1"],
    ["image", "cat", "made:1", "/made"], ["system", "check"], ["system", "df", "-v"], ["ps", "-a"],
):
    assert code(*argv) == 0, argv
for argv in (["rmi", "made:1"], ["tag", "made:1", "x"], ["create", "made:1"], ["import", "/dev/null"]):
    assert code(*argv) != 0, argv
print("well")
"""


def test_a_store_that_nobody_may_write_to_is_read(store: Store, tmp_path: Path) -> None:
    in_a_mount('mount --bind "$AT" "$AT"; mount -o remount,ro,bind "$AT"', READ_ONLY, tmp_path)


def directory(path: Path) -> None:
    path.mkdir()
    (path / "strange").write_bytes(b"x")


@pytest.mark.parametrize("other", [directory, lambda path: path.symlink_to("nowhere")], ids=["dir", "link"])
def test_what_is_no_file_is_replaced(store: Store, other: Callable[[Path], None]) -> None:
    for path in (store.layer(store.pulled)[0], store.config(store.pulled)):
        path.unlink()
        other(path)
    assert store.check()[0] == 1
    code, told = store.check("--repair")
    assert (code, told["Remaining"]) == (0, [])
    assert store.check()[0] == 0


def waited_for(path: Path, over: threading.Event, found: list[str]) -> None:
    """Note it, and let it go on, when somebody has opened the FIFO at ``path`` to read it."""
    while not over.wait(0.02):
        with contextlib.suppress(OSError):  # nobody has
            fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
            if stat.S_ISFIFO(os.fstat(fd).st_mode):  # what only costs time is written anew, as a file
                found.append(path.name)
            os.close(fd)


@contextlib.contextmanager
def fifo_in_place_of(path: Path) -> Iterator[list[str]]:
    """Whether anybody waited for what stands in the place of a file; the file comes back."""
    over, found = threading.Event(), list[str]()
    aside = path.with_name("aside")
    path.rename(aside)
    os.mkfifo(path)
    watch = threading.Thread(target=waited_for, args=(path, over, found))
    watch.start()
    try:
        yield found
    finally:
        over.set()
        watch.join()
        aside.replace(path)


LOOKS = (
    "system check", "images", "image cat made:1 /made", "save -o {} made:1", "export -o {} box", "analyze made:1",
    "system df -v", "ps -a", "volume ls", "network ls", "image prune -f",
)  # fmt: skip


@pytest.mark.parametrize("mounts", [True, False], ids=["mountable", "directories"])
def test_nobody_waits_for_a_pipe_in_the_place_of_a_file(
    console: Console, registry: Registry, tiny: bytes, tmp_path: Path, mounts: bool
) -> None:
    if not mounts:
        without_mounts(console.store)
    store = Store(console, registry.host, tiny, tmp_path)
    for words in ("create --name box made:1 /x", "volume create data", "network create net", "analyze made:1"):
        console(*words.split()).ok()
    places = [store.root] if mounts else [store.layer("made:1")[1], store.root / "snapshots"]
    others = set(store.layer(store.pulled)[1].rglob("*"))
    files = [path for place in places for path in place.rglob("*") if path.is_file() and path not in others]
    assert len(files) > (20 if mounts else 2)
    for path in files:
        with fifo_in_place_of(path) as waited:
            for words in LOOKS:
                outcome = console(*words.format(tmp_path / "out").split())
                assert len(outcome.stderr.splitlines()) <= 2, (path, words)
            assert not waited, path
    assert store.check()[0] == 0


def test_strangers_in_the_store_are_left_alone(store: Store) -> None:
    for name in ("blobs/x", "blobs/sha256/x", "layers/sha256/x"):
        (store.root / name).write_text("x")
    (store.root / "blobs/sha512").mkdir()
    assert store.check()[0] == 0
    for argv in (["system", "df", "-v"], ["image", "prune", "-f"], ["system", "prune", "-af"]):
        store.console(*argv).ok()


@pytest.mark.parametrize("spoilt", ["", "index"])
def test_a_layer_that_became_something_else_is_made_again(store: Store, spoilt: str) -> None:
    place = store.layer(store.pulled)[1] / spoilt
    remove(place)
    place.mkdir() if spoilt else place.write_text("x")
    code, told = store.check()
    assert (code, {one["Kind"] for one in told["Faults"]}) == (1, {"layer"})
    assert store.check("--repair")[0] == 0
    store.console("history", store.pulled).ok()
    assert store.check()[0] == 0


def test_what_nobody_else_has_is_dropped(store: Store) -> None:
    blob, _ = store.layer("made:1")
    rewrite(blob, flipped)
    code, told = store.check("--repair")
    outcomes = {one["Kind"]: one["Outcome"] for one in told["Faults"]}
    assert outcomes == {
        "blob": "dropped",
        "image": "dropped: no registry is known to have it",
        "record": "dropped",
    }
    assert code == 0
    assert store.console("images", "--format", "{{.Repository}}").lines == [store.pulled.rpartition(":")[0]]
    assert store.check()[0] == 0


def test_a_registry_that_is_away_costs_no_name(
    console: Console, registry: Registry, tiny: bytes, tmp_path: Path
) -> None:
    store = Store(console, registry.host, tiny, tmp_path)

    def refuse(exchange: Exchange) -> bool:
        exchange.refuse(403, "DENIED")
        return True

    registry.fault = refuse
    store.layer(store.pulled)[0].unlink()
    code, told = store.check("--repair")
    assert code == 1
    assert any("could not be fetched, and stays" in one["Outcome"] for one in told["Faults"])
    assert store.pulled in console("images", "--format", "{{.Repository}}:{{.Tag}}").lines
    registry.fault = None
    assert store.check("--repair")[0] == 0


def add_a_file(home: Path) -> None:
    (tree_of(home) / "stranger").write_text("x")


TREES: dict[str, tuple[Damage, str]] = {
    "content": (
        lambda home: rewrite(tree_of(home) / "made", lambda data: b"MADE" + data[4:]),
        "another content: /made",
    ),
    "size": (lambda home: rewrite(tree_of(home) / "made", lambda data: data + b"!"), "another size or time: /made"),
    "gone": (lambda home: (tree_of(home) / "made").unlink(), "missing: /made"),
    "stranger": (add_a_file, "not of this layer: /stranger"),
    "kind": (lambda home: swap_for_a_link(tree_of(home) / "made"), "not a file: /made"),
    "index": (lambda home: rewrite(home / "index", lambda data: bytes(len(data))), "layer index is damaged"),
    "entry": (lambda home: rewrite(home / "index", lambda data: data.replace(b"made", b"mad3")), "(at /made)"),
    "no index": (lambda home: (home / "index").unlink(), "tree has no layer index"),
}


def swap_for_a_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/passwd")


@pytest.mark.parametrize("case", TREES)
def test_a_damaged_layer_is_unpacked_again(
    console: Console, registry: Registry, tiny: bytes, tmp_path: Path, case: str
) -> None:
    without_mounts(console.store)
    store = Store(console, registry.host, tiny, tmp_path)
    damage, problem = TREES[case]
    _, home = store.layer("made:1")
    damage(home)
    code, told = store.check()
    assert code == 1
    [fault] = told["Faults"]
    assert (fault["Kind"], fault["Subject"]) == ("layer", f"sha256:{home.name}")
    assert problem in fault["Problem"]
    code, told = store.check("--repair")
    assert (code, told["Faults"][0]["Outcome"], told["Remaining"]) == (0, "dropped", [])
    target = store.root.parent / "out"
    Engine(store.root).images.checkout("made:1", target)
    assert (target / "made").read_text() == "made here"
    assert store.check()[0] == 0


@pytest.mark.parametrize("name", ["tar", "metadata"])
def test_damaged_mountable_files_are_made_again(store: Store, name: str) -> None:
    _, home = store.layer(store.pulled)
    if not (home / "erofs").exists():
        pytest.skip("layers cannot be mounted as files here")

    def flip(data: bytes) -> bytes:
        return data[:-1] + bytes([data[-1] ^ 1])

    rewrite(home / "erofs" / name, flip)
    code, told = store.check()
    assert code == 1
    assert [one["Kind"] for one in told["Faults"]] == ["layer"]
    assert store.check("--repair")[0] == 0
    assert store.check()[0] == 0


def test_what_costs_room_only_is_no_damage(store: Store) -> None:
    leftover = store.root / "ingest/blob-0000"
    leftover.write_bytes(b"half")
    os.utime(leftover, (time.time() - 60, time.time() - 60))
    stray = Descriptor.of("", b"nobody needs this")
    (store.root / "blobs/sha256" / stray.digest.hex).write_bytes(b"nobody needs this")
    code, told = store.check()
    assert code == 0
    assert {one["Kind"] for one in told["Faults"]} == {"leftover", "unneeded"}
    assert store.console("system", "check", "-q").stdout == ""
    assert "note: leftover ingest/blob-0000: " in store.console("system", "check").stdout
    store.console("system", "prune", "-f").ok()
    assert store.check()[1]["Faults"] == []


def test_what_only_its_owner_can_judge_stays(store: Store) -> None:
    broken = store.root / "containers" / ("ab" * 32)
    broken.mkdir(parents=True)
    (broken / "container.json").write_text("{")
    code, told = store.check("--repair")
    assert code == 1
    assert [(one["Kind"], one["Outcome"]) for one in told["Faults"]] == [("container", "")]
    assert broken.exists()


def test_index_json_that_cannot_be_read(store: Store) -> None:
    (store.root / "index.json").write_text("{")
    code, told = store.check("--repair")
    assert code == 1
    assert "names" in {one["Kind"] for one in told["Remaining"]}
    said = store.console("system", "check").lines[-1]
    assert said == "1 damaged: put index.json back from a copy; the blobs are still there"


def test_a_record_that_cannot_be_read_is_dropped(store: Store) -> None:
    record = next((store.root / "cache/build").iterdir())
    record.write_text("nonsense")
    assert "damaged: record" in store.console("system", "check").stdout
    assert store.check("--repair")[0] == 0
    assert not record.exists()


def test_faults_of_a_moment_are_none() -> None:
    lasting, passing = Fault("blob", "a", "x"), Fault("layer", "b", "y")
    assert seen_twice([lasting, passing], [lasting]) == (lasting,)


def test_an_index_may_hold_a_part_of_its_images() -> None:
    def named(text: bytes, kind: str) -> Descriptor:
        return Descriptor.of(kind, text)

    config, layer = named(b"c", media_types.OCI_CONFIG), named(b"l", media_types.OCI_LAYER_GZIP)
    here, away = named(b"here", media_types.OCI_MANIFEST), named(b"away", media_types.OCI_MANIFEST)
    root = named(b"root", media_types.OCI_INDEX)
    documents: dict[str, Index | Manifest] = {
        root.digest: Index(2, (here, away)),
        here.digest: Manifest(2, config, (layer,)),
    }

    def problems(*held: Descriptor) -> list[tuple[str, str]]:
        return list(missing(root, lambda node: documents.get(node.digest), lambda node: node in held))

    assert problems(root, here, config, layer) == [("partial", f"1 of the 2 images of index {root.digest} are here")]
    assert problems(root) == [("image", f"index {root.digest} lists no image that is here")]
    assert ("image", f"layer {layer.digest} is missing") in problems(root, here, config)
    assert problems() == [("image", f"index {root.digest} is missing")]
    assert ("image", f"manifest {away.digest} cannot be used") in problems(root, here, away, config, layer)


def test_what_indexes_name_on_many_ways_is_looked_at_once() -> None:
    image = Descriptor.of(media_types.OCI_MANIFEST, b"image")
    documents: dict[str, Index | Manifest] = {image.digest: Manifest(2, Descriptor.of("config", b""), ())}
    node, asked = image, []
    for number in range(3):
        below, node = node, Descriptor.of(media_types.OCI_INDEX, bytes(number))
        documents[node.digest] = Index(2, (below,) * 10)

    def read(wanted: Descriptor) -> Index | Manifest:
        asked.append(wanted)
        return documents[wanted.digest]

    assert not list(missing(node, read, lambda node: True))
    assert len(asked) == len(documents)


def test_a_directory_that_became_a_file(tmp_path: Path) -> None:
    """What a later entry of the same layer replaced is not looked for."""
    (tmp_path / "a").write_bytes(b"")
    os.utime(tmp_path / "a", ns=(5, 5))
    entries = [Entry(b"a", "dir"), Entry(b"a/below", "file"), Entry(b"a", "file", mtime=5), Entry(b"gone", "whiteout")]
    assert directory_problem(tmp_path, entries) == ""
    assert directory_problem(tmp_path, entries[:2]).startswith("not a dir")
