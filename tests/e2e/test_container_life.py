"""The life of containers on a real Debian, as root and as ordinary users; what is committed, seen by skopeo."""

from __future__ import annotations

import json
import subprocess
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.e2e.conftest import DEBIAN as IMAGE
from tests.support.cli import Scow
from tests.support.leftovers import until
from tests.support.peers import path_of

pytestmark = [pytest.mark.slow, pytest.mark.peers, pytest.mark.timeout(600)]


@pytest.mark.parametrize("runtime", ["sandbox", "runc", "crun"])
def test_a_life(debian: Scow, runtime: str) -> None:
    script = "trap 'echo bye; exit 5' TERM; echo started; while :; do sleep 0.1; done"
    started = debian("--runtime", runtime, "run", "-d", "--name", "deb", IMAGE, "bash", "-c", script)
    if "is not installed" in started.stderr or "needs" in started.stderr:
        pytest.skip(started.stderr)
    started.ok()
    try:
        work = "echo hi > /srv/file && ln -s file /srv/link && rm /etc/motd; cat /etc/debian_version; exit 3"
        done = debian("exec", "deb", "bash", "-c", work)
        assert (done.exit_code, done.stdout[:3]) == (3, "12."), done.stderr
        assert debian("exec", "deb", "dpkg", "-s", "bash").ok().stdout.startswith("Package: bash")
        assert {"A /srv/file", "A /srv/link"} <= set(debian("diff", "deb").ok().stdout.splitlines())
        debian("stop", "deb").ok()
        assert debian("logs", "deb").ok().stdout == "started\nbye\n"
        assert debian("inspect", "-f", "{{.State.ExitCode}}", "deb").ok().stdout == "5\n"
        debian("start", "deb").ok()
        assert debian("exec", "deb", "cat", "/srv/link").ok().stdout == "hi\n"
    finally:
        debian("rm", "-f", "deb").ok()
    assert debian("ps", "-aq").ok().stdout == ""


def test_twenty_at_once(debian: Scow) -> None:
    names = [f"one{number}" for number in range(20)]

    def start(name: str) -> None:
        debian("run", "-d", "--name", name, IMAGE, "sh", "-c", f"echo {name} > /same; sleep 1000").ok()

    try:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(start, names))
        assert len(debian("ps", "-q").ok().stdout.split()) == 20
        pids = debian("inspect", "-f", "{{.State.Pid}}", *names).ok().stdout.split()
        files = [Path(f"/proc/{pid}/root/same") for pid in pids]
        until(lambda: all(file.exists() and file.read_text() for file in files))
        assert [file.read_text() for file in files] == [f"{name}\n" for name in names]
        assert debian("exec", names[-1], "cat", "/same").ok().stdout == f"{names[-1]}\n"
    finally:
        debian("rm", "-f", *names).ok()


def test_commit_has_the_right_owners(debian: Scow, tmp_path: Path) -> None:
    skopeo = path_of("skopeo")
    make = "install -m 4755 /bin/true /usr/bin/tool; chown 33:33 /srv || true; touch /srv/mine; usermod -c x www-data"
    debian("run", "--name", "maker", IMAGE, "sh", "-c", f"{make} || true").ok()
    debian("commit", "-m", "made", "maker", "made:1").ok()
    debian("rm", "maker").ok()
    archive = debian("save", "made:1").ok().output
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
    inside = debian("run", "--rm", "made:1", "stat", "-c", "%u:%g", "/srv").ok().stdout.strip()
    recorded = f"{seen['srv'].uid}:{seen['srv'].gid}"
    assert recorded in (inside, "0:0")
