"""An ordinary user with subordinate ids: real owners, without root."""

from __future__ import annotations

import hashlib
import io
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.cli import Result, run_scow
from tests.support.peers import path_of
from tests.support.rootfs import busybox_tar_path, debian_tar_path
from tests.support.users import User, throw_away_user

from scow.runtime.idmap import Range, subordinate


def test_subordinate_ids_are_read_by_name_and_number() -> None:
    text = "other:1:2\nme:100000:65536\n# no line\n1000:300000:10\nme:x:1\nme:5\n"
    assert subordinate(text, "me", 1000) == (Range(100_000, 65_536), Range(300_000, 10))
    assert subordinate("", "me", 1000) == ()


class Someone:
    """A user of the command."""

    def __init__(self, user: User) -> None:
        self.user = user

    def __call__(self, *argv: str, stdin: bytes | None = None) -> Result:
        return run_scow(*argv, root=self.user.home / "store", home=self.user.home, user=self.user, stdin=stdin)


@pytest.fixture(scope="module")
def mapped() -> Iterator[Someone]:
    with throw_away_user(subordinate=True) as user:
        someone = Someone(user)
        someone("import", "-", "busybox", stdin=busybox_tar_path().read_bytes()).ok()
        yield someone


SCRIPT = """
    echo data > /data; chown 33:44 /data; chmod 4755 /data
    mkdir /dir; chown 5:6 /dir; chmod 2770 /dir
    rm /etc/passwd; stat -c '%n %u:%g %a' /data /dir; mknod /dev/own c 1 3 || echo no device
"""


def test_the_rung_is_told(mapped: Someone, ordinary_user: User) -> None:
    assert mapped("info", "--format", "{{.Isolation.Rung}}").ok().stdout == "2\n"
    assert Someone(ordinary_user)("info", "--format", "{{.Isolation.Rung}}").ok().stdout == "3\n"


def test_owners_are_real_and_exported(mapped: Someone) -> None:
    told = mapped("run", "--name", "owners", "busybox", "sh", "-c", SCRIPT).ok().stdout
    assert told.splitlines() == ["/data 33:44 4755", "/dir 5:6 2770", "no device"]
    with tarfile.open(fileobj=io.BytesIO(mapped("export", "owners").ok().output)) as tar:
        shown = {member.name: (member.uid, member.gid, member.mode) for member in tar}
    assert shown["data"] == (33, 44, 0o4755)
    assert shown["dir"] == (5, 6, 0o2770)
    assert shown["home/app"][:2] == (1000, 1000)
    assert "etc/passwd" not in shown
    files = mapped.user.home / "store/containers"
    assert (next(files.glob("*/upper/data")).stat().st_uid) > 65_536  # of the range, on the host
    mapped("rm", "owners").ok()


def test_what_is_committed_and_saved_has_the_owners(mapped: Someone) -> None:
    mapped("run", "--name", "origin", "busybox", "sh", "-c", SCRIPT).ok()
    mapped("commit", "origin", "committed").ok()
    shown = mapped("run", "--rm", "committed", "stat", "-c", "%u:%g %a", "/data", "/dir").ok().stdout
    assert shown.splitlines() == ["33:44 4755", "5:6 2770"]
    archive = io.BytesIO(mapped("save", "committed").ok().output)
    owners: dict[str, tuple[int, int]] = {}
    with tarfile.open(fileobj=archive) as outer:
        for blob in (outer.extractfile(member) for member in outer if member.isfile()):
            assert blob is not None
            try:
                with tarfile.open(fileobj=io.BytesIO(blob.read())) as layer:
                    owners |= {member.name.strip("./"): (member.uid, member.gid) for member in layer}
            except tarfile.ReadError:
                continue  # a document
    assert (owners["data"], owners["dir"]) == ((33, 44), (5, 6))
    mapped("rm", "origin").ok()
    mapped("rmi", "committed").ok()


def test_what_was_written_with_one_id_keeps_the_image_s_owners(mapped: Someone) -> None:
    """A container that was made before the user had subordinate ids, exported after."""
    mapped("run", "--name", "before", "busybox", "sh", "-c", "echo more >> /home/app/.profile; echo x > /new").ok()
    home = next((mapped.user.home / "store/containers").glob("*/upper")).parent
    (home / "one-id").touch()
    with tarfile.open(fileobj=io.BytesIO(mapped("export", "before").ok().output)) as tar:
        shown = {member.name: (member.uid, member.gid) for member in tar}
    assert (shown["home/app"], shown["new"]) == ((1000, 1000), (0, 0))
    mapped("rm", "before").ok()


def test_another_user_of_the_image(mapped: Someone) -> None:
    told = mapped("run", "--rm", "-u", "app", "busybox", "sh", "-c", "id; touch /home/app/x; touch /x || echo refused")
    assert told.ok().stdout.startswith("uid=1000(app) gid=1000(app) groups=1000(app),2000(extra)\n")
    assert told.stdout.endswith("refused\n")


def test_volumes_have_the_image_s_owners(mapped: Someone) -> None:
    told = mapped("run", "--rm", "-v", "homes:/home", "busybox", "stat", "-c", "%u:%g", "/home/app").ok()
    assert told.stdout == "1000:1000\n"
    mapped("volume", "rm", "homes").ok()
    assert not (mapped.user.home / "store/volumes/homes").exists()


def test_a_running_container_is_reached_by_later_commands(mapped: Someone) -> None:
    mapped("run", "-d", "--name", "stays", "-u", "app", "busybox", "sleep", "60").ok()
    mapped("kill", "stays").ok()
    mapped("wait", "stays").ok()
    mapped("rm", "stays").ok()
    assert list((mapped.user.home / "store/containers").iterdir()) == []


def test_everything_can_be_removed_again(mapped: Someone) -> None:
    mapped("import", "-", "again", stdin=busybox_tar_path().read_bytes()).ok()
    mapped("rmi", "again").ok()
    assert mapped("run", "--rm", "busybox", "true").exit_code == 0


def _package(directory: Path) -> bytes:
    """A Debian package with a setuid program of another owner and a setgid directory, in a repository as a tar."""
    tree = directory / "package"
    for name in ("DEBIAN", "usr/bin", "var/lib/owned"):
        (tree / name).mkdir(parents=True)
    control = "Package: owned\nVersion: 1\nArchitecture: all\nMaintainer: a <a@example.org>\nDescription: owned\n"
    (tree / "DEBIAN/control").write_text(control)
    (tree / "DEBIAN/postinst").write_text(
        "#!/bin/sh\nset -e\nchown games:www-data /usr/bin/owned\nchmod 4750 /usr/bin/owned\n"
        "chown backup:mail /var/lib/owned\nchmod 2770 /var/lib/owned\n"
    )
    (tree / "DEBIAN/postinst").chmod(0o755)
    (tree / "usr/bin/owned").write_text("#!/bin/sh\n")
    deb = directory / "owned_1_all.deb"
    subprocess.run([path_of("dpkg-deb"), "--root-owner-group", "-Zgzip", "-b", str(tree), str(deb)], check=True)
    digest = hashlib.sha256(deb.read_bytes()).hexdigest()
    index = f"{control}Filename: ./owned_1_all.deb\nSize: {deb.stat().st_size}\nSHA256: {digest}\n\n".encode()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in (("repo/Packages", index), ("repo/owned_1_all.deb", deb.read_bytes())):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o644
            tar.addfile(member, io.BytesIO(content))
    return out.getvalue()


INSTALL = """
    set -e
    rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/*
    echo 'deb [trusted=yes] file:/repo ./' > /etc/apt/sources.list
    apt-get -q update >/dev/null && apt-get -q install -y owned >/dev/null 2>&1
    stat -c '%n %U:%G %a' /usr/bin/owned /var/lib/owned
"""


@pytest.mark.slow
@pytest.mark.peers
@pytest.mark.parametrize("who", ["root", "mapped"])
def test_apt_get_install(mapped: Someone, tmp_path: Path, who: str) -> None:
    """A package of a local repository, with owners, setuid and setgid; what it wrote is exported as it is."""
    (tmp_path / "repo").mkdir(mode=0o755)
    with tarfile.open(fileobj=io.BytesIO(_package(tmp_path))) as tar:
        tar.extractall(tmp_path, filter="data")
    shared = mapped.user.home / f"repo-{who}"
    (tmp_path / "repo").rename(shared)
    tar_bytes = debian_tar_path().read_bytes()

    def scow(*argv: str, stdin: bytes | None = None) -> Result:
        if who == "mapped":
            return mapped(*argv, stdin=stdin)
        return run_scow(*argv, root=tmp_path / "store", home=tmp_path, stdin=stdin)

    scow("import", "-", "debian", stdin=tar_bytes).ok()
    told = scow("run", "--name", "apt", "-v", f"{shared}:/repo:ro", "debian", "sh", "-c", INSTALL)
    assert told.stdout == "/usr/bin/owned games:www-data 4750\n/var/lib/owned backup:mail 2770\n", told.stderr
    with tarfile.open(fileobj=io.BytesIO(scow("export", "apt").ok().output)) as tar:
        shown = {name: tar.getmember(name) for name in ("usr/bin/owned", "var/lib/owned")}
    assert {name: (one.uid, one.gid, one.mode) for name, one in shown.items()} == {
        "usr/bin/owned": (5, 33, 0o4750), "var/lib/owned": (34, 8, 0o2770),
    }  # fmt: skip
    scow("rm", "apt").ok()
