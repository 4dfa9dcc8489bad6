"""Files of images, wherever these are: listed, drawn, printed, copied out."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.conftest import Console
from tests.layer import tars
from tests.layer.tars import item

from scow import Engine
from scow.errors import Denied, Invalid, NotFound
from scow.testing.registry import Registry

ROOTFS = tars.write(
    [
        item("etc", "dir", mode=0o755),
        item("etc/motd", data=b"hello\n", mode=0o4755),
        item("etc/again", "hardlink", link=b"etc/motd"),
        item("etc/link", "symlink", link=b"/etc/motd"),
        item("etc/away", "symlink", link=b"../../../../etc/passwd"),
        item("etc/deep", "dir", mode=0o755),
        item("etc/deep/file", data=b"deep", mode=0o644),
        item("etc/pipe", "fifo"),
        item("dirs", "symlink", link=b"etc"),
    ]
)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    made = Engine(tmp_path / "store")
    made.images.import_(io.BytesIO(ROOTFS), "tiny:1")
    return made


@pytest.fixture(params=["store", "registry", "layout"])
def image(request: pytest.FixtureRequest, engine: Engine, tmp_path: Path) -> Iterator[str]:
    if request.param == "store":
        yield "tiny:1"
        return
    with Registry() as registry:
        where = f"docker://{registry.host}/tiny:1" if request.param == "registry" else f"oci:{tmp_path / 'layout'}:t"
        engine.registries.copy("store:tiny:1", where)
        engine.images.remove("tiny:1")
        yield where


def listed(engine: Engine, image: str, path: str = "/", *, recursive: bool = False) -> list[bytes]:
    return [found.entry.path for found in engine.files.list(image, path, recursive=recursive)]


def test_lists(engine: Engine, image: str) -> None:
    assert listed(engine, image) == [b"dirs", b"etc"]
    assert listed(engine, image, "/dirs/deep") == [b"etc/deep/file"]
    assert listed(engine, image, "etc/deep/file") == [b"etc/deep/file"]
    assert listed(engine, image, recursive=True)[-1] == b"etc/pipe"
    with pytest.raises(NotFound, match="no such file"):
        engine.files.list(image, "/nothing")


def test_cat(engine: Engine, image: str) -> None:
    for path in ("/etc/motd", "/dirs/link", "etc/again"):
        out = io.BytesIO()
        engine.files.cat(image, path, out)
        assert out.getvalue() == b"hello\n"
    with pytest.raises(Invalid, match="is no file but a dir"):
        engine.files.cat(image, "/etc", io.BytesIO())
    with pytest.raises(NotFound):  # the link ends at the image's root, where there is no such file
        engine.files.cat(image, "/etc/away", io.BytesIO())


def test_cp_of_a_directory(engine: Engine, image: str, tmp_path: Path) -> None:
    left = engine.files.cp(image, "/dirs", tmp_path / "out")
    assert left == ("/etc/pipe",)
    out = tmp_path / "out"
    assert sorted(path.name for path in out.iterdir()) == ["again", "away", "deep", "link", "motd"]
    assert (out / "motd").read_text() == "hello\n"
    assert (out / "motd").stat().st_mode & 0o7777 == 0o755  # no setuid of somebody else's
    assert os.path.samefile(out / "motd", out / "again")
    assert os.readlink(out / "away") == "../../../../etc/passwd"
    assert (out / "deep/file").read_text() == "deep"


def test_cp_of_a_file(engine: Engine, image: str, tmp_path: Path) -> None:
    engine.files.cp(image, "/etc/again", tmp_path)
    engine.files.cp(image, "/etc/again", tmp_path / "named")
    engine.files.cp(image, "/etc/again", tmp_path / "named")
    assert (tmp_path / "again").read_text() == (tmp_path / "named").read_text() == "hello\n"
    with pytest.raises(NotFound, match="no such directory"):
        engine.files.cp(image, "/etc/motd", tmp_path / "no/such/place")
    with pytest.raises((Denied, NotFound)):
        engine.files.cp(image, "/etc/motd", "/proc/nothing")


def test_the_verbs(engine: Engine, tmp_path: Path) -> None:
    console = Console(engine.root, tmp_path)
    rows = console("image", "files", "tiny:1", "/etc").ok().lines
    assert rows[0].split() == ["MODE", "OWNER", "SIZE", "MODIFIED", "PATH"]
    assert rows[1].startswith("-rwsr-xr-x")
    assert any(line.endswith("/etc/link -> /etc/motd") for line in rows)
    assert console("image", "files", "--format", "{{.Path}}", "tiny:1", "/etc/deep").ok().stdout == "/etc/deep/file\n"
    assert console("image", "tree", "tiny:1").ok().lines == [
        "/",
        "├── dirs -> etc",
        "└── etc/",
        "    ├── again",
        "    ├── away -> ../../../../etc/passwd",
        "    ├── deep/",
        "    │   └── file",
        "    ├── link -> /etc/motd",
        "    ├── motd",
        "    └── pipe",
    ]
    assert console("image", "tree", "--depth", "1", "tiny:1").ok().lines == ["/", "├── dirs -> etc", "└── etc/"]
    assert console("image", "tree", "tiny:1", "/etc/deep").ok().lines == ["/etc/deep", "└── file"]
    assert "left out" in console("image", "cp", "tiny:1", "/etc", str(tmp_path / "there")).ok().stderr
    assert console("image", "cp", "tiny:1", "/etc", "-").code == 1
