"""Go's and Rust's programs: made by hand in every shape, by ``go build``, and Debian's own."""

from __future__ import annotations

import shutil
import subprocess
from io import BytesIO
from pathlib import Path

import pytest
from tests.scan.catalog import programs
from tests.support.peers import path_of
from tests.support.rootfs import cache_directory

from scow.scan.catalog.programs import program
from scow.scan.catalog.reading import Reading
from scow.scan.catalog.window import Window


def read(data: bytes) -> Reading:
    return program(b"usr/bin/app", Window(BytesIO(data)))


def told(reading: Reading) -> list[str]:
    return [f"{one.name} {one.version}" for one in reading.packages]


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("big_endian", [True, False])
def test_go(wide: bool, big_endian: bool) -> None:
    modules = ["example.com/app (devel)", "golang.org/x/text v0.3.5", "example.com/new v1.1.0"]
    newer = read(programs.go(wide=wide, big_endian=big_endian))
    assert told(newer) == ["stdlib 1.20.3", *modules]
    older = read(programs.old_go(wide=wide, big_endian=big_endian))
    assert told(older) == ["stdlib 1.16.7", *modules]
    assert newer.reasons == older.reasons == ()
    assert {one.ecosystem for one in newer.packages} == {"Go"}


def test_go_modules_replaced_by_a_directory() -> None:
    lines = "dep\texample.com/a\tv1.0.0\n=>\t./local/a\t(devel)\t\ndep\texample.com/b\tv1.2.0\th1:x=\n"
    assert told(read(programs.go(modules=lines)))[1:] == ["example.com/a (devel)", "example.com/b v1.2.0"]


def test_go_without_section_names() -> None:
    assert told(read(programs.go(named=False)))[0] == "stdlib 1.20.3"


@pytest.mark.parametrize(
    ("version", "stdlib"),
    [
        ("go1.21rc2", "1.21.0-rc.2"),
        ("go1.20", "1.20.0"),
        ("go1.22.1 X:boringcrypto", "1.22.1"),
        ("devel go1.21-abc", "devel go1.21-abc"),
    ],
)
def test_go_versions_are_those_of_advisories(version: str, stdlib: str) -> None:
    assert told(read(programs.go(version)))[0] == f"stdlib {stdlib}"


def test_go_that_cannot_be_read_is_told() -> None:
    broken = programs.elf({b".go.buildinfo": b"\xff Go buildinf:\x08\x00" + b"\xff" * 16})
    assert read(broken) == Reading(reasons=("is a Go program whose build information cannot be read",))


def test_rust() -> None:
    crates: list[dict[str, object]] = [
        {"name": "app", "version": "0.1.0", "source": "local", "root": True},
        {"name": "smallvec", "version": "1.6.0", "source": "crates.io"},
        {"name": "cc", "version": "1.0.0", "source": "crates.io", "kind": "build"},
    ]
    found = read(programs.rust(crates))
    assert told(found) == ["app 0.1.0", "smallvec 1.6.0"]
    assert [one.ecosystem for one in found.packages] == ["", "crates.io"]


def test_damaged_rust_is_told() -> None:
    assert read(programs.elf({b".dep-v0": b"not zlib"})).reasons == ("its list of crates is damaged",)
    assert read(programs.elf({b".dep-v0": b"x\x9c\x03\x00\x00\x00\x00\x01"})).reasons != ()


def test_other_programs_say_nothing() -> None:
    assert read(programs.elf({b".text": b"code"})) == Reading()
    assert read(b"\x7fELF") == Reading()


def test_a_program_that_go_built(tmp_path: Path) -> None:
    go = shutil.which("go")
    if go is None:
        pytest.skip("go is not installed: install it to build a real program")
    (tmp_path / "go.mod").write_text("module example.com/hello\n\ngo 1.18\n")
    (tmp_path / "main.go").write_text("package main\n\nfunc main() { println(1) }\n")
    env = {
        "PATH": str(Path(go).parent) + ":/usr/bin:/bin",
        "HOME": str(tmp_path),
        "GOCACHE": str(cache_directory() / "go"),
        "GOFLAGS": "-mod=mod",
        "CGO_ENABLED": "0",
    }
    subprocess.run([go, "build", "-ldflags=-s -w -buildid=", "-o", "hello"], cwd=tmp_path, env=env, check=True)
    version = subprocess.run(
        [go, "env", "GOVERSION"], env=env, capture_output=True, text=True, check=True
    ).stdout.strip()
    with (tmp_path / "hello").open("rb") as file:
        found = program(b"x", Window(file))
    assert [one.name for one in found.packages] == ["stdlib", "example.com/hello"]
    assert version.removeprefix("go") in found.packages[0].version + ".0"


@pytest.mark.peers
@pytest.mark.parametrize("peer", ["umoci", "skopeo"])
def test_debians_go_programs_say_their_go(peer: str) -> None:
    with Path(path_of(peer)).open("rb") as file:
        found = program(b"x", Window(file))
    assert found.packages[0].name == "stdlib"
    assert found.packages[0].version.startswith("1.")
