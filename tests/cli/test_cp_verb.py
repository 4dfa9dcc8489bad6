"""``cp``: files between containers and the host, by docker's rules, and what must not get out on the way."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.boxes import IMAGE
from tests.support.cli import COMMAND, Scow, environment
from tests.support.peers import need_root

MAKING = (
    "mkdir -p /src/deep; echo one > /src/one; echo two > /src/deep/two; ln -s one /src/link; ln /src/one /src/hard;"
    " chown 5:6 /src/deep/two; chmod 4755 /src/deep/two; mkfifo /src/pipe; ln -s / /src/out;"
    " echo v > /vol/in; sleep 1000"
)


def members(tar: bytes) -> list[tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(tar)) as opened:
        return opened.getmembers()


@pytest.fixture(scope="module", params=["running", "stopped"])
def source(box: Scow, request: pytest.FixtureRequest) -> Iterator[str]:
    box("run", "-d", "--name", "source", "-v", "kept:/vol", IMAGE, "sh", "-c", MAKING).ok()
    while box("exec", "source", "cat", "/vol/in").exit_code:
        pass
    if request.param == "stopped":
        box("stop", "-t", "0", "source").ok()
    yield "source"
    box("rm", "-f", "source").ok()
    box("volume", "rm", "kept").ok()


def test_out(box: Scow, source: str, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    told = box("cp", f"{source}:/src/one", str(tmp_path / "new")).ok()
    assert (told.stdout, told.stderr) == ("", "")  # as docker, which tells a terminal alone
    assert (tmp_path / "new").read_text() == "one\n"
    box("cp", "-q", f"{source}:/src/one", str(there)).ok()
    assert (there / "one").read_text() == "one\n"
    box("cp", f"{source}:/src", str(tmp_path / "fresh")).ok()
    assert sorted(p.name for p in (tmp_path / "fresh").iterdir()) == ["deep", "hard", "link", "one", "out"]
    assert (tmp_path / "fresh/one").stat().st_nlink == 2
    assert os.readlink(tmp_path / "fresh/out") == "/"
    two = (tmp_path / "fresh/deep/two").stat()
    assert (two.st_mode & 0o7777, two.st_uid) == (0o755, os.geteuid())
    box("cp", f"{source}:/src", str(there)).ok()
    assert (there / "src/deep/two").read_text() == "two\n"
    box("cp", f"{source}:/src/.", str(there)).ok()
    assert (there / "deep/two").read_text() == "two\n"
    box("cp", f"{source}:/vol/in", str(tmp_path / "v")).ok()
    assert (tmp_path / "v").read_text() == "v\n"


def test_out_links_owners_and_streams(box: Scow, source: str, tmp_path: Path) -> None:
    box("cp", f"{source}:/src/link", str(tmp_path / "link")).ok()
    assert os.readlink(tmp_path / "link") == "one"
    box("cp", "-L", f"{source}:/src/link", str(tmp_path / "followed")).ok()
    assert (tmp_path / "followed").read_text() == "one\n"
    refused = box("cp", f"{source}:/src/pipe", str(tmp_path / "pipe"))
    assert (refused.exit_code, "copied with -a only" in refused.stderr) == (1, True)
    box("cp", "-a", f"{source}:/src/pipe", str(tmp_path / "pipe")).ok()
    assert (tmp_path / "pipe").is_fifo()
    box("cp", "-a", f"{source}:/src/deep", str(tmp_path / "kept")).ok()
    two = (tmp_path / "kept/two").stat()
    assert two.st_mode & 0o7777 == 0o4755
    if os.geteuid() == 0:  # an ordinary user's are mapped
        assert (two.st_uid, two.st_gid) == (5, 6)
    names = [member.name for member in members(box("cp", f"{source}:/src", "-").ok().output)]
    assert sorted(names) == ["src", *(f"src/{n}" for n in ("deep", "deep/two", "hard", "link", "one", "out", "pipe"))]


def test_in(box: Scow, source: str, tmp_path: Path) -> None:
    need_root()
    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "sub/file").write_text("hello\n")
    (tree / "sub/file").chmod(0o640)
    os.chown(tree / "sub/file", 7, 7)
    box("cp", str(tree), f"{source}:/in1").ok()
    box("cp", str(tree), f"{source}:/src").ok()
    box("cp", f"{tree}/.", f"{source}:/src/deep/").ok()
    box("cp", "-a", str(tree / "sub/file"), f"{source}:/owned").ok()
    box("cp", str(tree / "sub/file"), f"{source}:/vol/file").ok()
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        tar.add(tree / "sub/file", "piped")
    box("cp", "-", f"{source}:/src/out/tmp", stdin=made.getvalue()).ok()  # through a link, inside
    back = [
        m
        for place in ("in1", "src", "vol", "tmp", "owned")
        for m in members(box("cp", f"{source}:/{place}", "-").ok().output)
    ]
    seen = {m.name: (m.uid, m.mode) for m in back}
    for name in ("in1/sub/file", "src/tree/sub/file", "src/deep/sub/file", "vol/file", "tmp/piped"):
        assert seen[name] == (0, 0o640), name
    assert seen["owned"] == (7, 0o640)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["{}:/nosuch", "x"], "no such file"),
        (["{}:/src", "{tmp}/nosuch/x"], "no such directory"),
        (["{}:/src", "{tmp}/file"], "cannot copy directory"),
        (["{}:/src/one", "{tmp}/nosuch/"], "no such directory"),
        (["{tmp}/file", "{}:/nosuch/x"], "no such directory"),
        (["{tmp}", "{}:/src/one"], "cannot copy directory"),
        (["{tmp}/nosuch", "{}:/"], "no such file"),
        (["{}:/a", "{}:/b"], "between containers is not supported"),
        (["{tmp}", "{tmp}/x"], "at least one container source"),
        (["{tmp}/deep", "{}:/src/one"], "cannot copy directory"),
    ],
)
def test_refusals(box: Scow, source: str, tmp_path: Path, words: list[str], told: str) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "deep").mkdir()
    result = box("cp", *(word.replace("{tmp}", str(tmp_path)).replace("{}", source) for word in words))
    assert (result.exit_code, told in result.stderr.lower()) == (1, True), result.stderr
    assert (tmp_path / "file").read_text() == "mine"


def test_nothing_leads_out(box: Scow, tmp_path: Path) -> None:
    """Links and swaps of the container's, on both ways; and names in an archive."""
    secret, trap = tmp_path / "secret", tmp_path / "trap"
    secret.write_text("outside\n")
    trap.mkdir()
    swap = (
        f"trap='{trap}'; mkdir -p \"$trap\" /w/a /w/b; ln -s '{secret}' /leak; ln -s \"$trap\" /door;"
        ' echo in > "$trap/inside"; while :; do mv /w/a /w/x; ln -s "$trap" /w/a; rm /w/a; mv /w/x /w/a; done'
    )
    box("run", "-d", "--name", "swapper", IMAGE, "sh", "-c", swap).ok()
    (tmp_path / "payload").write_text("payload\n")
    try:
        assert "no such file" in box("cp", "-L", "swapper:/leak", str(tmp_path / "got")).stderr
        for number in range(8):
            box("cp", str(tmp_path / "payload"), f"swapper:/w/a/p{number}")
            box("cp", str(tmp_path / "payload"), f"swapper:/door/p{number}").ok()
        assert "no such file" in box("cp", "swapper:/proc/1/root/../../etc/shadow-", str(tmp_path / "got")).stderr
        assert list(trap.iterdir()) == []
    finally:
        box("rm", "-f", "swapper").ok()
    hostile = io.BytesIO()
    with tarfile.open(fileobj=hostile, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("../../escaped"))
    box("create", "--name", "still", IMAGE).ok()
    assert "leads out" in box("cp", "-", "still:/tmp", stdin=hostile.getvalue()).stderr
    box("rm", "still").ok()


def test_into_what_goes_with_its_first_run(box: Scow, tmp_path: Path) -> None:
    (tmp_path / "told").write_text("told\n")
    box("create", "--rm", "--name", "once", IMAGE, "cat", "/told").ok()
    box("cp", str(tmp_path / "told"), "once:/told").ok()
    assert box("start", "-a", "once").ok().stdout == "told\n"
    assert "once" not in box("ps", "-a").ok().stdout


def test_contents_as_a_stream_have_no_name(box: Scow, source: str) -> None:
    named = {member.name.split("/")[0] for member in members(box("cp", f"{source}:/src/.", "-").ok().output)}
    assert named == {"."}
    assert {member.name.split("/")[0] for member in members(box("cp", f"{source}:/src/", "-").ok().output)} == {"src"}


def test_a_file_with_a_slash_is_none(box: Scow, source: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for given in (f"{source}:/src/one/", f"{source}:/src/one/.", f"{tmp_path}/file/", f"{tmp_path}/file/."):
        target = str(tmp_path / "out") if given.startswith("source") else f"{source}:/out"
        refused = box("cp", given, target)
        assert (refused.exit_code, "not a directory" in refused.stderr) == (1, True), given


def test_files_of_a_container_whose_others_are_gone(box: Scow, tmp_path: Path) -> None:
    box("run", "-d", "--name", "other", "--ipc", "shareable", IMAGE, "sleep", "1000").ok()
    shares = [f"--{kind}=container:other" for kind in ("network", "pid", "ipc")]
    box("create", "--name", "sharing", *shares, IMAGE, "true").ok()
    box("rm", "-f", "other").ok()
    try:
        (tmp_path / "file").write_text("x")
        box("cp", str(tmp_path / "file"), "sharing:/file").ok()
        box("cp", "sharing:/file", str(tmp_path / "back")).ok()
        assert (tmp_path / "back").read_text() == "x"
    finally:
        box("rm", "sharing").ok()


def test_it_ends_when_nobody_takes_what_it_copies(box: Scow, source: str, directory: Path) -> None:
    """The other side was waited for while it waited for a reader."""
    reader, writer = os.pipe()
    os.close(reader)
    words = [sys.executable, *COMMAND, "cp", f"{source}:/bin", "-"]
    surroundings = environment(directory / "store", directory / "home")
    with os.fdopen(writer, "wb") as gone:
        ended = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=gone,
            stderr=subprocess.PIPE,
            env=surroundings,
            check=False,
            timeout=120,
        )
    assert (ended.returncode, ended.stderr) == (141, b"")
