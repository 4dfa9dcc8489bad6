"""The life of containers on a real Debian, as root and as ordinary users; what is committed, seen by skopeo."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.cli import Scow, bound_scow
from tests.support.peers import path_of
from tests.support.rootfs import debian_tar_path
from tests.support.users import User, throw_away_user

pytestmark = [pytest.mark.slow, pytest.mark.peers, pytest.mark.timeout(600)]

IMAGE = "debian:12"


@pytest.fixture(scope="module", params=["root", "subordinate", "ordinary"])
def scow(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scow]:
    """The command of some user, whose store has Debian in it."""
    if request.param == "root":
        place = tmp_path_factory.mktemp("life")
        yield _with_debian(bound_scow(place / "store", place))
        return
    with throw_away_user(subordinate=request.param == "subordinate") as user:
        yield _with_debian(_as(user))


def _as(user: User) -> Scow:
    command = bound_scow(user.home / "store", user.home)

    def scow(*argv: str, **rest: object) -> object:
        return command(*argv, user=user, **rest)  # type: ignore[arg-type]

    return scow  # type: ignore[return-value]


def _with_debian(scow: Scow) -> Scow:
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        shutil.copy(debian_tar_path(), f"{place}/debian.tar")
        os.chmod(f"{place}/debian.tar", 0o644)
        scow("import", f"{place}/debian.tar", IMAGE).ok()
    return scow


@pytest.mark.parametrize("runtime", ["sandbox", "runc", "crun"])
def test_a_life(scow: Scow, runtime: str) -> None:
    script = "trap 'echo bye; exit 5' TERM; echo started; while :; do sleep 0.1; done"
    started = scow("--runtime", runtime, "run", "-d", "--name", "deb", IMAGE, "bash", "-c", script)
    if "is not installed" in started.stderr or "needs" in started.stderr:
        pytest.skip(started.stderr)
    started.ok()
    try:
        work = "echo hi > /srv/file && ln -s file /srv/link && rm /etc/motd; cat /etc/debian_version; exit 3"
        done = scow("exec", "deb", "bash", "-c", work)
        assert (done.exit_code, done.stdout[:3]) == (3, "12."), done.stderr
        assert scow("exec", "deb", "dpkg", "-s", "bash").ok().stdout.startswith("Package: bash")
        assert {"A /srv/file", "A /srv/link"} <= set(scow("diff", "deb").ok().stdout.splitlines())
        scow("stop", "deb").ok()
        assert scow("logs", "deb").ok().stdout == "started\nbye\n"
        assert scow("inspect", "-f", "{{.State.ExitCode}}", "deb").ok().stdout == "5\n"
        scow("start", "deb").ok()
        assert scow("exec", "deb", "cat", "/srv/link").ok().stdout == "hi\n"
    finally:
        scow("rm", "-f", "deb").ok()
    assert scow("ps", "-aq").ok().stdout == ""


def test_twenty_at_once(scow: Scow) -> None:
    names = [f"one{number}" for number in range(20)]
    for name in names:
        scow("run", "-d", "--name", name, IMAGE, "sh", "-c", f"echo {name} > /same; sleep 1000").ok()
    try:
        assert len(scow("ps", "-q").ok().stdout.split()) == 20
        for name in names:
            assert scow("exec", name, "cat", "/same").ok().stdout == f"{name}\n"
    finally:
        scow("rm", "-f", *names).ok()


def test_commit_has_the_right_owners(scow: Scow, tmp_path: Path) -> None:
    skopeo = path_of("skopeo")
    make = "install -m 4755 /bin/true /usr/bin/tool; chown 33:33 /srv || true; touch /srv/mine; usermod -c x www-data"
    scow("run", "--name", "maker", IMAGE, "sh", "-c", f"{make} || true").ok()
    scow("commit", "-m", "made", "maker", "made:1").ok()
    scow("rm", "maker").ok()
    archive = scow("save", "made:1").ok().output
    (tmp_path / "made.tar").write_bytes(archive)
    subprocess.run(
        [skopeo, "--insecure-policy", "copy", "-q", f"docker-archive:{tmp_path}/made.tar", f"dir:{tmp_path}/made"],
        check=True,
    )
    manifest = json.loads((tmp_path / "made/manifest.json").read_bytes())
    blob = tmp_path / "made" / manifest["layers"][-1]["digest"].partition(":")[2]
    with tarfile.open(blob) as layer:
        seen = {member.name.strip("/"): member for member in layer}
    assert (seen["usr/bin/tool"].mode, seen["usr/bin/tool"].uid) == (0o4755, 0)
    shadow = seen.get("etc/shadow") or seen.get("etc/passwd")
    assert shadow is not None
    assert shadow.uid == 0
    inside = scow("run", "--rm", "made:1", "stat", "-c", "%u:%g", "/srv").ok().stdout.strip()
    recorded = f"{seen['srv'].uid}:{seen['srv'].gid}"
    assert recorded in (inside, "0:0")
