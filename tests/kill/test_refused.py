"""What a disk refuses at one moment: nothing that somebody needs is taken for garbage, and nothing half made stays."""

from __future__ import annotations

import errno
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.layer import tars
from tests.layer.tars import item
from tests.support.cli import Scow

from scow import Engine
from scow.cli import main as cli
from scow.content.lock import Lease, leased
from scow.engine.containers.records import ContainerRecords, Settings
from scow.engine.system.sweeping import sweep
from scow.errors import ScowError, Unavailable
from scow.image.collect import rests
from scow.layer.snapshots import Snapshots
from scow.layer.store import Layers
from scow.oci.descriptor import Descriptor
from scow.oci.digest import ChainId, DiffId

DIFF_ID = DiffId.of(b"a layer")
CHAIN = ChainId("sha256:" + "a" * 64)


def refusing(call: Callable[..., Any], number: int, *names: str) -> Callable[..., Any]:
    """``call``, which fails for paths with one of ``names`` in them."""

    def refused(*arguments: Any, **more: Any) -> Any:
        if any(name in str(one) for one in arguments for name in names):
            raise OSError(number, os.strerror(number))
        return call(*arguments, **more)

    return refused


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    made = Engine(tmp_path / "store")
    made.images.import_(io.BytesIO(tars.write([item("file", data=b"x" * 1000)])), "here:1")
    return made


def test_no_collection_without_the_manifests(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """What only a manifest names is not garbage because the manifest cannot be read just now."""
    manifest = engine.images.find("here:1").image.descriptor.digest.hex
    before = set(engine.workplace.store.layout.blobs())
    with monkeypatch.context() as patch, pytest.raises(Unavailable, match="too many open files"):
        patch.setattr(os, "open", refusing(os.open, errno.EMFILE, manifest))
        engine.system.prune()
    assert set(engine.workplace.store.layout.blobs()) == before
    assert engine.system.check().sound


def test_no_collection_without_the_containers(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    image = engine.images.find("here:1").image
    kept = Settings("c" * 64, "box", "here:1", image.id, image.descriptor, image.diff_ids, (), "")
    engine.workplace.containers.add(kept)
    engine.images.remove("here:1", force=True)
    before = set(engine.workplace.store.layout.blobs())
    assert before
    with monkeypatch.context() as patch, pytest.raises(Unavailable, match="input/output error"):
        patch.setattr(os, "open", refusing(os.open, errno.EIO, "container.json"))
        engine.system.prune()
    assert set(engine.workplace.store.layout.blobs()) == before


@pytest.mark.parametrize("name", ["container.json", "state.json"])
def test_a_container_is_not_taken_for_another(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that was never started it could be removed while it runs."""
    containers = ContainerRecords(tmp_path)
    containers.add(Settings("c" * 64, "box", "", "", Descriptor.of("text/plain", b""), (), (), ""))
    monkeypatch.setattr(os, "open", refusing(os.open, errno.EIO, name))
    with pytest.raises(Unavailable):
        _ = [containers.state(one.id) for one in containers]
    (tmp_path / ("c" * 64) / name).write_text("nonsense")
    monkeypatch.undo()
    assert [containers.state(one.id).status for one in containers] == ([] if name == "container.json" else ["created"])


def test_what_a_lease_could_not_write_it_does_not_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lease, write = Lease(tmp_path), os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda fd, data: write(fd, data[:3]))
        lease.hold("sha256:one")
        patch.setattr(os, "write", lambda fd, data: write(fd, data[:3]) if len(data) > 9 else refuse())
        with pytest.raises(OSError, match="No space"):
            lease.hold("sha256:two")
    assert not lease.holds("sha256:two")
    lease.hold("sha256:three")
    assert {"sha256:one", "sha256:three"} <= leased(tmp_path)
    assert "sha256:two" not in leased(tmp_path)
    monkeypatch.setattr(Path, "unlink", refusing(Path.unlink, errno.EIO, str(tmp_path)))
    lease.close()  # the work is done


def refuse() -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_no_tree_without_its_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layers = Layers(tmp_path / "layers", tmp_path / "ingest", "boot")
    with layers.draft() as draft:
        draft.tree.mkdir()
        draft.index.touch()
        with monkeypatch.context() as patch, pytest.raises(OSError, match="Read-only"):
            patch.setattr(os, "rename", refusing(os.rename, errno.EROFS, "/index"))
            layers.keep(draft, DIFF_ID)
        assert layers.tree(DIFF_ID) is None
        layers.keep(draft, DIFF_ID)
    assert layers.tree(DIFF_ID) is not None


def test_the_first_tree_of_a_layer_stays(tmp_path: Path) -> None:
    """Somebody may have mounted it."""
    layers = Layers(tmp_path / "layers", tmp_path / "ingest", "boot")
    made = []
    for _ in range(2):
        with layers.draft() as draft:
            draft.tree.mkdir()
            layers.keep(draft, DIFF_ID)
            tree = layers.tree(DIFF_ID)
            assert tree is not None
            made.append(tree.stat().st_ino)
    assert made[0] == made[1]


def test_the_first_snapshot_stays(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path / "snapshots", tmp_path / "ingest", "boot", "privileged")
    first: list[int] = []

    def make(draft: Path) -> None:  # while another command makes the same
        first.append(snapshots.tree(CHAIN, "fix", lambda other: (other / "file").touch()).stat().st_ino)
        (draft / "file").touch()

    assert [snapshots.tree(CHAIN, "fix", make).stat().st_ino] == first


def test_a_snapshot_that_cannot_be_put_in_place_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshots = Snapshots(tmp_path / "snapshots", tmp_path / "ingest", "boot", "privileged")
    monkeypatch.setattr(os, "rename", refusing(os.rename, errno.ENOSPC, "snapshot-"))
    with pytest.raises(OSError, match="No space"):
        snapshots.tree(CHAIN, "fix", lambda draft: None)


@pytest.mark.parametrize("made", [0, 1 << 32])
def test_every_draft_of_a_killed_command_goes(made: int, tmp_path: Path) -> None:
    """And nothing else: the store may lie in a directory with other dotfiles."""
    drafts = (
        ".index.json.01234567", ".oci-layout.01234567", "containers/c/.container.json.01234567", "volumes/.v-01234567",
        "networks/.n.json.01234567", "cache/build/.key.01234567", "cache/context/.x.01234567",
        "cache/size/.image-x.1.01234567", ".mountable-privileged.01234567", "snapshots/c/.flat-ordinary.boot.01234567",
        "layers/sha256/d/.ordinary.boot.01234567",
    )  # fmt: skip
    kept = (
        ".gitignore",
        ".git/index",
        "advisories/.new-1-PyPI.sqlite",
        "volumes/.lock",
        "networks/.keeper",
        "containers/c/.state.spare",
        "ingest/layer-0",
    )
    for name in (*drafts, *kept):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (made, made))  # long ago, or before the clock was set back
    sweep(tmp_path, tmp_path / "ingest")
    assert rests(tmp_path / "ingest") == [tmp_path / "ingest/layer-0"]
    assert [name for name in drafts if (tmp_path / name).exists()] == []
    assert [name for name in kept if not (tmp_path / name).exists()] == []


@pytest.mark.parametrize("error", [
    OSError(errno.EIO, "", "/store/blob"), OSError(errno.ENOLCK, ""), OSError(errno.EROFS, "", b"/store/\x1b[m"),
])  # fmt: skip
def test_a_refusal_is_one_line(
    error: OSError, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(*arguments: object, **more: object) -> None:
        raise error

    monkeypatch.setattr(cli.scow, "main", fail)
    monkeypatch.setattr(os, "dup2", lambda one, other: other)
    with pytest.raises(SystemExit) as ended:
        cli.main([])
    assert ended.value.code == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert line.isprintable()
    assert line.startswith("scow: ")
    assert os.strerror(error.errno or 0).lower() in line


def test_an_output_that_cannot_be_written_leaves_no_image(scow: Scow, tmp_path: Path) -> None:
    (tmp_path / "context").mkdir()
    (tmp_path / "file").touch()
    argv = ("build", "-q", "-f-", "-o", str(tmp_path / "file/tree"), str(tmp_path / "context"))
    done = scow(*argv, stdin=b"FROM scratch\nCOPY . /\nENV a=b\n")
    assert done.exit_code == 1
    assert scow("images", "-aq").ok().stdout == ""


def test_a_refusal_is_no_other_error(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A document that the disk cannot give is not one that is wrong."""
    layout = engine.workplace.store.layout
    descriptor = layout.entries()[0].plain

    class Refusing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("scow.content.layout.opened", lambda path: Refusing())
    with pytest.raises(ScowError) as told:
        layout.read(descriptor)
    assert isinstance(told.value, Unavailable)


def test_an_advisory_that_the_disk_cannot_give_is_not_left_out(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "PyPI"
    directory.mkdir()
    package = {"package": {"ecosystem": "PyPI", "name": "p"}, "versions": ["1"]}
    for name in ("A-1", "A-2"):
        told = {"id": name, "modified": "2024-01-01T00:00:00Z", "affected": [package]}
        (directory / f"{name}.json").write_text(json.dumps(told))
    monkeypatch.setattr(Path, "open", refusing(Path.open, errno.EIO, "A-2.json"))
    with pytest.raises(Unavailable, match="input/output error"):
        engine.advisories.import_(str(directory), ecosystem="PyPI")
    assert list((engine.root / "advisories").glob("*.sqlite")) == []
