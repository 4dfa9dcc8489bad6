"""One image, looked at wherever it is."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from tests.image.images import read
from tests.layer import tars
from tests.layer.tars import item

from scow import Engine
from scow.engine.images.looking import look
from scow.errors import Conflict, NotFound
from scow.testing.registry import Registry

ROOTFS = tars.write([item("etc", "dir"), item("etc/motd", data=b"hi\n")])


def motd(engine: Engine, text: str) -> bytes:
    with look(engine.workplace, text) as contents:
        found = contents.view.find(b"etc/motd")
        assert found is not None
        return read(contents, found)


def test_every_place(engine: Engine, tmp_path: Path) -> None:
    engine.images.import_(io.BytesIO(ROOTFS), "tiny:1")
    with (tmp_path / "a.tar").open("wb") as file:
        engine.images.save(["tiny:1"], file)
    (tmp_path / "root/etc").mkdir(parents=True)
    (tmp_path / "root/etc/motd").write_bytes(b"hi\n")
    with Registry() as registry:
        remote = f"{registry.host}/team/tiny:1"
        engine.images.tag("tiny:1", remote)
        engine.images.push(remote)
        elsewhere = Engine(tmp_path / "other")
        for text in (f"docker://{remote}", remote):
            assert motd(elsewhere, text) == b"hi\n"
    assert elsewhere.images.list() == ()
    for text in ("tiny:1", "store:tiny:1"):
        assert motd(engine, text) == b"hi\n"
    other = Engine(tmp_path / "third")
    archive, layout, root = (tmp_path / name for name in ("a.tar", "store", "root"))
    for text in (f"oci-archive:{archive}", f"docker-archive:{archive}:tiny:1", f"{archive}", f"oci:{layout}:tiny:1"):
        assert motd(other, text) == b"hi\n"
    for text in (f"dir:{root}", f"{root}", f"{layout}"):
        assert motd(other, text) == b"hi\n"
    assert not os.path.exists(tmp_path / "third/blobs/sha256") or not os.listdir(tmp_path / "third/blobs/sha256")


def test_none_and_several(engine: Engine, tmp_path: Path) -> None:
    engine.images.import_(io.BytesIO(ROOTFS), "tiny:1")
    engine.images.import_(io.BytesIO(tars.write([item("etc/motd", data=b"2")])), "tiny:2")
    with pytest.raises(Conflict, match="several"), look(engine.workplace, f"oci:{engine.root}"):
        pass
    with pytest.raises(NotFound), look(engine.workplace, f"oci:{engine.root}:tiny:3"):
        pass
    with pytest.raises(NotFound), look(engine.workplace, f"oci-archive:{tmp_path}/none.tar"):
        pass


def test_a_path_with_colons(engine: Engine, tmp_path: Path) -> None:
    engine.images.import_(io.BytesIO(ROOTFS), "tiny:1")
    engine.registries.copy("store:tiny:1", f"oci:{tmp_path / 'plain'}:tiny:1")
    (tmp_path / "plain").rename(tmp_path / "a:b")
    assert motd(engine, f"oci:{tmp_path}/a:b:tiny:1") == b"hi\n"
    assert motd(engine, f"oci:{tmp_path}/a:b") == b"hi\n"
    with pytest.raises(NotFound):
        motd(engine, f"oci:{tmp_path}/a:c")
