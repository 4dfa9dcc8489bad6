"""An ordinary user with subordinate ids: real owners, without root."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator

import pytest
from tests.support.cli import Result, run_scow
from tests.support.rootfs import busybox_tar_path
from tests.support.users import User, throw_away_user

from scow.runtime.kernel.idmap import Range, subordinate


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
