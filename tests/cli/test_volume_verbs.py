"""Volumes: made, filled from the image, mounted, counted, and never taken away from a container."""

from __future__ import annotations

import io
import json
import os
import tarfile
from pathlib import Path

import pytest
from tests.support.cli import Scow, bound_scow
from tests.support.rootfs import busybox_tar_path

from scow import Engine

ROOT = os.geteuid() == 0


def _with_data(busybox: Path) -> io.BytesIO:
    """busybox with /data (1000:1001, 0750), a file and a link in it, and /var/link on the way to it."""
    out = io.BytesIO(busybox.read_bytes())
    with tarfile.open(fileobj=out, mode="a") as archive:
        for name, kind, link, mode in (
            ("data", tarfile.DIRTYPE, "", 0o750), ("data/file", tarfile.REGTYPE, "", 0o640),
            ("data/again", tarfile.LNKTYPE, "data/file", 0o640), ("data/deep", tarfile.DIRTYPE, "", 0o700),
            ("data/deep/link", tarfile.SYMTYPE, "../file", 0o777), ("var/link", tarfile.SYMTYPE, "/../../data", 0o777),
        ):  # fmt: skip
            member = tarfile.TarInfo(name)
            member.type, member.linkname, member.mode, member.uid, member.gid = kind, link, mode, 1000, 1001
            content = b"of the image\n" if kind == tarfile.REGTYPE else b""
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    out.seek(0)
    return out


@pytest.fixture(scope="module")
def scow(tmp_path_factory: pytest.TempPathFactory) -> Scow:
    directory = tmp_path_factory.mktemp("volumes")
    (directory / "home").mkdir()
    images = Engine(directory / "store").images
    images.import_(_with_data(busybox_tar_path()), "plain")
    images.import_(_with_data(busybox_tar_path()), "declared", changes=["VOLUME /data /fresh"])
    return bound_scow(directory / "store", directory / "home")


def names(scow: Scow, *flags: str) -> list[str]:
    return scow("volume", "ls", "-q", *flags).ok().stdout.split()


def test_made_listed_shown_removed(scow: Scow) -> None:
    assert scow("volume", "create", "--label", "team=web", "one").ok().stdout == "one\n"
    assert scow("volume", "create", "one").ok().stdout == "one\n"
    shown = json.loads(scow("volume", "inspect", "one").ok().stdout)[0]
    assert Path(shown.pop("Mountpoint")).is_dir()
    assert shown.pop("CreatedAt").endswith("Z")
    assert shown == {"Driver": "local", "Labels": {"team": "web"}, "Name": "one", "Options": None, "Scope": "local"}
    assert scow("volume", "ls", "--filter", "name=on").ok().stdout == "DRIVER    VOLUME NAME\nlocal     one\n"
    template = '{{.Name}} {{.Label "team"}} {{.Labels}}'
    assert scow("volume", "ls", "--filter", "label=team", "--format", template).ok().stdout == "one web team=web\n"
    assert names(scow, "--filter", "dangling=false") == []
    assert scow("volume", "rm", "one").ok().stdout == "one\n"
    gone = scow("volume", "rm", "one")
    assert (gone.exit_code, gone.stderr.splitlines()[0]) == (1, "scow: get one: no such volume")
    assert scow("volume", "rm", "-f", "one").exit_code == 0
    missing = scow("volume", "inspect", "one")
    assert (missing.exit_code, missing.stdout) == (1, "[]\n")


@pytest.mark.parametrize("name", ["x", "../up", "a/b", ".lock", "-v", ""])
def test_bad_names(scow: Scow, name: str) -> None:
    result = scow("volume", "create", "--", name) if name else scow("volume", "rm", "--", "..")
    assert result.exit_code == 1
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("noun", ["volume", "network"])
def test_the_name_of_a_label_is_one_word(scow: Scow, noun: str) -> None:
    refused = scow(noun, "create", "--label", "a b=c", "labelled")
    assert (refused.exit_code, refused.stderr.splitlines()[0]) == (
        125, """invalid argument "a b=c" for "--label" flag: label 'a b' contains whitespaces""",
    )  # fmt: skip
    assert scow(noun, "rm", "labelled").exit_code == 1


SHOW = "cd $1; stat -c '%n %a %u:%g' . file deep; cat again; readlink deep/link"


def test_a_new_volume_is_filled_from_the_image(scow: Scow) -> None:
    shown = scow("run", "--rm", "-v", "filled:/data", "plain", "sh", "-c", f"set -- /data; {SHOW}").ok().stdout
    owner = "1000:1001" if ROOT or "1000:" in shown else "0:0"  # one's own id alone can be mapped
    assert shown.splitlines() == [f". 750 {owner}", f"file 640 {owner}", f"deep 700 {owner}", "of the image", "../file"]
    scow("run", "--rm", "-v", "filled:/data", "plain", "sh", "-c", "rm -r /data/*; touch /data/mine").ok()
    assert scow("run", "--rm", "-v", "filled:/data", "plain", "ls", "/data").ok().stdout == "mine\n"
    empty = scow("run", "--rm", "-v", "bare:/data:nocopy", "plain", "ls", "/data").ok().stdout
    assert empty == ""
    mount = "type=volume,source=barer,target=/data,volume-nocopy"
    assert scow("run", "--rm", "--mount", mount, "plain", "ls", "/data").ok().stdout == ""
    scow("volume", "rm", "filled", "bare", "barer").ok()


def test_a_symlinked_place_is_filled_and_mounted_inside(scow: Scow) -> None:
    script = "cat /data/file; echo changed > /var/link/file"
    assert scow("run", "--rm", "-v", "linked:/var/link", "plain", "sh", "-c", script).ok().stdout == "of the image\n"
    where = Path(json.loads(scow("volume", "inspect", "linked").ok().stdout)[0]["Mountpoint"])
    if ROOT:  # another's may be out of reach
        assert (where / "file").read_text() == "changed\n"
    scow("volume", "rm", "linked").ok()


def test_anonymous_volumes_go_with_their_container(scow: Scow) -> None:
    scow("run", "--rm", "-v", "/scratch", "declared", "sh", "-c", "cat /data/file; touch /scratch/x /fresh/y").ok()
    assert names(scow) == []
    scow("run", "--name", "keeper", "-v", "/scratch", "declared", "touch", "/scratch/x").ok()
    made = names(scow)
    assert [len(name) for name in made] == [64, 64, 64]
    mounts = json.loads(scow("inspect", "keeper").ok().stdout)[0]["Mounts"]
    assert sorted(one["Name"] for one in mounts) == made
    assert {one["Destination"] for one in mounts} == {"/data", "/fresh", "/scratch"}
    refused = scow("volume", "rm", made[0])
    assert refused.exit_code == 1
    assert f"remove {made[0]}: volume is in use - [" in refused.stderr
    assert scow("volume", "prune", "-af").ok().stdout == "Total reclaimed space: 0B\n"
    assert names(scow, "--filter", "dangling=true") == []
    scow("rm", "keeper").ok()
    assert names(scow, "--filter", "dangling=true") == made
    scow("volume", "create", "named").ok()
    assert "Deleted Volumes:\n" + "\n".join(made) + "\n" in scow("volume", "prune", "-f").ok().stdout
    assert names(scow) == ["named"]
    assert scow("volume", "prune", "-af", "--dry-run").ok().stdout.startswith("Would delete Volumes:\nnamed\n")
    scow("volume", "prune", "-af").ok()
    assert names(scow) == []
    scow("run", "--name", "again", "declared", "true").ok()
    scow("rm", "-v", "again").ok()
    assert names(scow) == []


def test_nothing_is_left_of_a_container_that_could_not_be_made(scow: Scow) -> None:
    scow("run", "--name", "taken", "plain", "true").ok()
    assert scow("run", "--name", "taken", "declared", "true").exit_code == 125
    assert names(scow) == []
    scow("rm", "taken").ok()


def test_volumes_of_another_container(scow: Scow) -> None:
    scow("run", "--name", "giver", "-v", "given:/given", "declared", "sh", "-c", "echo 1 > /given/f").ok()
    script = "cat /given/f; touch /given/no 2>/dev/null || echo read-only; ls /data"
    shown = scow("run", "--rm", "--volumes-from", "giver:ro,z", "plain", "sh", "-c", script).ok().stdout
    assert shown.split() == ["1", "read-only", "again", "deep", "file"]
    scow("rm", "-v", "giver").ok()
    assert names(scow) == ["given"]
    scow("volume", "rm", "given").ok()


def test_the_store_knows_its_volumes(scow: Scow) -> None:
    scow("run", "--name", "user", "-v", "used:/x", "declared", "true").ok()
    scow("volume", "create", "idle").ok()
    line = next(line for line in scow("system", "df").ok().stdout.splitlines() if line.startswith("Local Volumes"))
    assert line.split()[2:4] == ["4", "3"]
    told = scow("system", "prune", "-f", "--volumes").ok().stdout
    assert "Deleted Volumes:" in told
    assert names(scow) == ["idle", "used"]
    scow("volume", "prune", "-af").ok()


def test_mounts_of_every_kind(scow: Scow, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    flags = [
        "--mount", f"type=bind,src={tmp_path},dst=/b,readonly,bind-propagation=rslave",
        "--mount", "type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=0700", "--read-only", "--tmpfs", "/u",
    ]  # fmt: skip
    script = (
        "touch /b/x 2>&1 | grep -c only; stat -c %a /t; df -k /t | tail -1 | awk '{print $2}'; touch /u/x; touch /no"
    )
    result = scow("run", "--rm", *flags, "plain", "sh", "-c", script)
    assert result.stdout.split() == ["1", "700", "1024"]
    assert "Read-only file system" in result.stderr
