"""``save``, ``load``, ``import``, ``export``: what they print and write, and their exit codes."""

from __future__ import annotations

import gzip
import io
import json
import os
import stat
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from tests.cli.conftest import Console
from tests.support.cli import COMMAND, environment

from scow import Engine
from scow.runtime.spec.options import Options


def members(data: bytes) -> dict[str, bytes]:
    """The files of a tar."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        files = {member.name: archive.extractfile(member) for member in archive if member.isreg()}
        return {name: file.read() for name, file in files.items() if file}


def test_save_writes_a_file_for_its_owner_alone(console: Console, tiny: bytes, tmp_path: Path) -> None:
    console.image(tiny, "app:1")
    file = tmp_path / "app.tar"
    file.write_bytes(b"older")
    file.chmod(0o644)
    saved = console("save", "-o", str(file), "app:1").ok()
    assert (saved.stdout, saved.stderr) == ("", "")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(members(file.read_bytes())["manifest.json"])[0]["RepoTags"] == ["app:1"]
    assert sorted(os.listdir(tmp_path)) == ["app.tar", "home", "store"]


def test_save_to_standard_output_is_the_same(console: Console, tiny: bytes, tmp_path: Path) -> None:
    console.image(tiny, "app:1")
    console("save", "-o", str(tmp_path / "app.tar"), "app:1").ok()
    assert console("image", "save", "app:1").ok().output == (tmp_path / "app.tar").read_bytes()


def test_save_into_a_pipe(console: Console, tiny: bytes) -> None:
    console.image(tiny, "app:1")
    argv = [sys.executable, *COMMAND, "save", "app:1"]
    env = environment(console.store, console.home)
    piped = subprocess.run(argv, env=env, capture_output=True, check=True).stdout
    assert piped == console("save", "app:1").ok().output


def test_save_into_a_fifo_leaves_it_a_fifo(console: Console, tiny: bytes, tmp_path: Path) -> None:
    console.image(tiny, "app:1")
    os.mkfifo(tmp_path / "fifo")
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append((tmp_path / "fifo").read_bytes()))
    reader.start()
    console("save", "-o", str(tmp_path / "fifo"), "app:1").ok()
    reader.join(60)
    assert got == [console("save", "app:1").ok().output]
    assert stat.S_ISFIFO((tmp_path / "fifo").stat().st_mode)


@pytest.mark.parametrize("verb", ["save", "export"])
def test_a_terminal_gets_no_tar(console: Console, tiny: bytes, verb: str) -> None:
    console.image(tiny, "app:1")
    refused = console(verb, "app:1", terminal=True)
    assert refused.code == 1
    assert refused.output == b""
    assert refused.stderr == "scow: cowardly refusing to save to a terminal. Use the -o flag or redirect\n"


def test_a_save_that_fails_leaves_the_file_as_it_was(console: Console, tiny: bytes, tmp_path: Path) -> None:
    console.image(tiny, "app:1")
    file = tmp_path / "app.tar"
    file.write_bytes(b"older")
    missing = console("save", "-o", str(file), "app:1", "nope")
    assert (missing.code, missing.stderr) == (1, "scow: No such image: nope:latest\n")
    assert file.read_bytes() == b"older"
    assert sorted(os.listdir(tmp_path)) == ["app.tar", "home", "store"]
    nowhere = console("save", "-o", "/no/such/place.tar", "app:1")
    assert nowhere.stderr == 'scow: invalid output path: directory "/no/such" does not exist\n'
    assert console("save", "-o", str(tmp_path), "app:1").code == 1


def test_load_says_what_it_loaded(console: Console, tiny: bytes, tmp_path: Path) -> None:
    image = console.image(tiny, "app:1")
    console("tag", "app:1", "other/app:2").ok()
    archive = console("save", "app:1", "other/app:2").ok().output
    other = console.at(tmp_path / "other")
    assert other("load", stdin=archive).ok().lines == ["Loaded image: app:1", "Loaded image: other/app:2"]
    assert other("images", "-q", "--no-trunc", "app").ok().stdout == f"{image}\n"


def test_load_keeps_what_came_before_an_image_that_is_wrong(console: Console, tiny: bytes, tmp_path: Path) -> None:
    """A name that is there twice is the last one's."""
    for name in ("app:1", "app:2", "app:3"):
        console.image(tiny, name, f"LABEL name={name}")
    files = members(console("save", "app:1", "app:2", "app:3").ok().output)
    listed = json.loads(files["manifest.json"])
    ids = [console("inspect", "-f", "{{.Id}}", one["RepoTags"][0]).ok().stdout.strip() for one in listed]
    console("rmi", "app:1", "app:2", "app:3").ok()
    listed[1]["RepoTags"] = listed[0]["RepoTags"]
    wrong = json.loads(files[listed[2]["Config"]])
    wrong["rootfs"]["diff_ids"] = ["sha256:" + "0" * 64]
    files[listed[2]["Config"]] = json.dumps(wrong).encode()
    with tarfile.open(tmp_path / "some.tar", "w") as archive:
        for name in (one for one in files if one not in ("index.json", "oci-layout")):
            data = json.dumps(listed).encode() if name == "manifest.json" else files[name]
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    assert console("load", "-i", str(tmp_path / "some.tar")).code == 1
    assert set(console("images", "-a", "-q", "--no-trunc").ok().lines) == set(ids[:2])
    assert console("inspect", "-f", "{{.Id}}", "app:1").ok().stdout.strip() == ids[1]


def test_load_without_a_name_says_the_id(console: Console, tiny: bytes, tmp_path: Path) -> None:
    image = console.image(tiny)
    (tmp_path / "app.tar.gz").write_bytes(gzip.compress(console("save", image).ok().output))
    other = console.at(tmp_path / "other")
    told = other("image", "load", "-q", "-i", str(tmp_path / "app.tar.gz")).ok().stdout
    assert told == f"Loaded image ID: {image}\n"
    assert other("images", "-aq").ok().stdout == f"{image[7:19]}\n"


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["-i", "/no/such.tar"], "open /no/such.tar: no such file or directory"),
        (["-i", "/"], "is a directory"),
        ([], "not a tar archive"),
    ],
)
def test_load_of_nothing_good(console: Console, flags: list[str], told: str) -> None:
    refused = console("load", *flags, stdin=b"certainly no tar\n" * 100)
    assert refused.code == 1
    assert told in refused.stderr
    assert "Traceback" not in refused.stderr


def test_load_waits_for_no_terminal(console: Console) -> None:
    refused = console("load", terminal=True)
    assert refused.code == 1
    assert refused.stderr.startswith("scow: requested load from stdin, but stdin is empty\n")


def test_import_makes_an_image_and_prints_its_id(console: Console, tiny: bytes, tmp_path: Path) -> None:
    (tmp_path / "root.tar").write_bytes(tiny)
    changes = ["-c", 'CMD ["/hello"]', "--change", "ENV A=1"]
    told = console("import", *changes, "-m", "by hand", str(tmp_path / "root.tar"), "app:1").ok().stdout
    template = "{{.Id}} {{json .Config.Cmd}} {{json .Config.Env}} {{.Comment}}"
    assert console("inspect", "-f", template, "app:1").ok().stdout == f'{told.strip()} ["/hello"] ["A=1"] by hand\n'


def test_import_tells_nobody_where_the_file_was(console: Console, tiny: bytes, tmp_path: Path) -> None:
    (tmp_path / "root.tar").write_bytes(tiny)
    console("image", "import", str(tmp_path / "root.tar"), "app:1").ok()
    assert console("inspect", "-f", "{{.Comment}}", "app:1").ok().stdout == "Imported from -\n"


def test_import_refuses(console: Console, tiny: bytes, tmp_path: Path) -> None:
    url = console("import", "https://example.com/root.tar", "app:1")
    assert url.code == 1
    assert "hint: curl -fsSL URL | scow import - app:1" in url.stderr
    assert console("import", "-c", "RUN true", "-", stdin=tiny).code == 1
    assert console("import", "-", "App", stdin=tiny).code == 1
    assert console("import", "-", stdin=b"certainly no tar\n" * 100).code == 1
    (tmp_path / "photo").write_bytes(b"certainly no tar\n" * 100)
    assert console("import", str(tmp_path / "photo")).stderr.startswith(f"scow: {tmp_path}/photo: ")
    assert console("images", "-aq").ok().stdout == ""


def test_export_writes_the_container_flat(
    console: Console, tar_of: Callable[[Mapping[str, str]], bytes], tmp_path: Path
) -> None:
    console.image(tar_of({"etc/motd": "hello\n", "bin/app": "#!"}), "app:1", 'CMD ["/bin/app"]')
    Engine(console.store).containers.create("app:1", Options(), name="web")
    out = console("export", "web").ok().output
    assert members(out).items() >= {"etc/motd": b"hello\n", "bin/app": b"#!"}.items()
    console("container", "export", "-o", str(tmp_path / "web.tar"), "web").ok()
    assert (tmp_path / "web.tar").read_bytes() == out
    assert console("export", "-o", str(tmp_path / "x.tar"), "nope").stderr == "scow: No such container: nope\n"
    assert not (tmp_path / "x.tar").exists()
