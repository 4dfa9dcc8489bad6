"""The ground itself: every peer really runs here, and the oracles agree with each other."""

from __future__ import annotations

import base64
import dataclasses
import os
import ssl
import subprocess
import tarfile
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from tests.support.cli import python_of
from tests.support.containers import Tool
from tests.support.daemons import Docker
from tests.support.peers import PACKAGES, need, need_root
from tests.support.processes import NotStarted, started
from tests.support.registries import Registry
from tests.support.rootfs import made_once
from tests.support.trees import difference, snapshot_tar, snapshot_tree, umoci_unpack
from tests.support.users import User, as_user

pytestmark = pytest.mark.peers


def status_of(registry: Registry, *, username: str = "", password: str = "") -> int:
    request = urllib.request.Request(f"{registry.url}/v2/")
    if username:
        token = base64.b64encode(f"{username}:{password}".encode()).decode()
        request.add_header("Authorization", f"Basic {token}")
    context = ssl.create_default_context(cafile=registry.ca) if registry.ca else None
    try:
        with urllib.request.urlopen(request, context=context) as response:
            status: int = response.status
            return status
    except urllib.error.HTTPError as refusal:
        return refusal.code


@pytest.fixture(scope="module")
def busybox_layout(skopeo: Tool, podman: Tool, busybox_tar: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """busybox as an OCI layout with the tag 1, made by podman."""
    layout = tmp_path_factory.mktemp("layout") / "busybox"
    podman("import", str(busybox_tar), "localhost/busybox:1")
    podman("push", "localhost/busybox:1", f"oci:{layout}:1")
    return layout


def test_open_registry_lets_everyone_in(open_registry: Registry) -> None:
    assert status_of(open_registry) == 200


def test_password_registry_wants_the_password(password_registry: Registry) -> None:
    assert status_of(password_registry) == 401
    assert status_of(password_registry, username=password_registry.username, password="wrong") == 401
    assert status_of(password_registry, username=password_registry.username, password=password_registry.password) == 200


def test_tls_registry_is_trusted_through_its_ca_only(tls_registry: Registry) -> None:
    assert status_of(tls_registry) == 200
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(f"{tls_registry.url}/v2/")


def test_skopeo_pushes_to_each_registry(
    skopeo: Tool, busybox_layout: Path, password_registry: Registry, tls_registry: Registry, tmp_path: Path
) -> None:
    credentials = f"{password_registry.username}:{password_registry.password}"
    target = f"docker://{password_registry.host}/ground/busybox:1"
    skopeo("copy", "--dest-creds", credentials, f"oci:{busybox_layout}:1", target)
    assert '"Layers"' in skopeo("inspect", "--creds", credentials, target)
    (tmp_path / "ca.crt").write_bytes((tls_registry.ca or Path()).read_bytes())
    target = f"docker://{tls_registry.host.replace('127.0.0.1', 'localhost')}/ground/busybox:1"
    skopeo("copy", "--dest-cert-dir", str(tmp_path), f"oci:{busybox_layout}:1", target)


def test_podman_pulls_and_runs(podman: Tool, skopeo: Tool, busybox_layout: Path, open_registry: Registry) -> None:
    name = f"{open_registry.host}/ground/for-podman:1"
    skopeo("copy", f"oci:{busybox_layout}:1", f"docker://{name}")
    podman("pull", name)
    assert podman("run", "--rm", "--network", "none", name, "id", "-u").strip() == "0"
    assert podman("run", "--rm", "--network", "host", "-u", "app", name, "id", "-G").split() == ["1000", "2000"]


def test_buildah_builds(buildah: Tool, podman: Tool, busybox_layout: Path, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM localhost/busybox:1\nRUN echo built > /made\nCMD cat /made\n")
    buildah("bud", "--network", "none", "-t", "localhost/built:1", str(tmp_path))
    assert podman("run", "--rm", "--network", "none", "localhost/built:1") == "built\n"


def test_docker_pulls_builds_and_runs(
    docker: Docker, skopeo: Tool, busybox_layout: Path, open_registry: Registry, tmp_path: Path
) -> None:
    name = f"{open_registry.host}/ground/for-docker:1"
    skopeo("copy", f"oci:{busybox_layout}:1", f"docker://{name}")
    docker("pull", "-q", name)
    assert docker("run", "--rm", "--network", "none", name, "id", "-u").strip() == "0"
    (tmp_path / "Dockerfile").write_text(f"FROM {name}\nRUN echo built > /made\nCMD cat /made\n")
    docker("build", "--network", "none", "-t", "built:1", str(tmp_path))
    assert docker("run", "--rm", "built:1") == "built\n"


def test_docker_loads_what_skopeo_archives(docker: Docker, skopeo: Tool, busybox_layout: Path, tmp_path: Path) -> None:
    archive = tmp_path / "busybox.tar"
    skopeo("copy", f"oci:{busybox_layout}:1", f"docker-archive:{archive}:localhost/archived:1")
    docker("load", "-i", str(archive))
    assert docker("run", "--rm", "localhost/archived:1", "echo", "hello") == "hello\n"


def test_umoci_unpacks_what_the_tar_says(busybox_layout: Path, busybox_tar: Path, tmp_path: Path) -> None:
    rootfs = umoci_unpack(busybox_layout, "1", tmp_path / "bundle")
    left = {path: record for path, record in snapshot_tree(rootfs).items() if path != b"."}
    assert difference(left, snapshot_tar(busybox_tar)) == []


def test_debian_is_debian(debian_tar: Path) -> None:
    tree = snapshot_tar(debian_tar)
    assert tree[b"tmp"].mode == 0o1777
    assert tree[b"etc/os-release"].kind == "symlink"
    assert len(tree) > 5000


def test_the_two_snapshots_agree(tmp_path: Path) -> None:
    need_root()
    tree = tmp_path / "tree"
    (tree / "d").mkdir(parents=True)
    (tree / "d/file").write_bytes(b"content")
    os.utime(tree / "d/file", ns=(1, -1_500_000_000))
    (tree / "d/link").symlink_to("file")
    os.link(tree / "d/file", tree / "hard")
    os.mkfifo(tree / "fifo")
    os.mknod(tree / "null", 0o20666, os.makedev(1, 3))
    os.chown(tree / "d", 123456789, 7)
    os.chmod(tree / "d", 0o3711)
    os.setxattr(tree / "hard", "user.note", b"kept")
    archive = tmp_path / "tree.tar"
    argv = ["tar", "--format=posix", "--xattrs", "-cf", str(archive), "-C", str(tree), "."]
    subprocess.run(argv, check=True)
    assert difference(snapshot_tree(tree), snapshot_tar(archive)) == []


def test_difference_names_what_differs(tmp_path: Path) -> None:
    (tmp_path / "same").write_text("a")
    left = snapshot_tree(tmp_path)
    right = {path: record for path, record in left.items() if path != b"same"}
    assert difference(left, right) == ["same: only on the left"]
    right[b"same"] = dataclasses.replace(left[b"same"], mode=0o4755)
    assert difference(left, right) == [f"same: mode {oct(left[b'same'].mode)} != 0o4755"]
    assert difference(left, right, ignore=["mode"]) == []


def test_tar_overwrites_count_once(tmp_path: Path) -> None:
    archive = tmp_path / "twice.tar"
    with tarfile.open(archive, "w") as writing:
        for mode in (0o600, 0o644):
            member = tarfile.TarInfo("./file")
            member.mode = mode
            writing.addfile(member)
    assert {path: record.mode for path, record in snapshot_tar(archive).items()} == {b"file": 0o644}


def test_ordinary_user_has_one_id(ordinary_user: User) -> None:
    assert as_user(ordinary_user, ["id", "-u"]).stdout.decode().split() == [str(ordinary_user.uid)]
    assert as_user(ordinary_user, ["sh", "-c", "touch here && echo $HOME"]).stdout.decode() == f"{ordinary_user.home}\n"
    assert ordinary_user.name not in Path("/etc/subuid").read_text()
    assert as_user(ordinary_user, ["cat", "/etc/shadow"]).returncode != 0


def test_ordinary_user_can_run_the_code_under_test(ordinary_user: User) -> None:
    python, env = python_of(ordinary_user)
    done = as_user(ordinary_user, [python, "-c", "import scow.errors; print(scow.errors.__file__)"], env)
    assert done.stdout.decode().strip().endswith("src/scow/errors.py")


def test_subordinate_user_has_a_range(subordinate_user: User) -> None:
    assert f"{subordinate_user.name}:" in Path("/etc/subuid").read_text()
    argv = ["unshare", "--map-auto", "--map-root-user", "id", "-u"]
    assert as_user(subordinate_user, argv).stdout.decode().split() == ["0"]


def test_a_missing_peer_is_skipped_aloud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SCOW_REQUIRE_PEERS", raising=False)
    monkeypatch.setitem(PACKAGES, "no-such-peer", "its-package")
    with pytest.raises(pytest.skip.Exception, match=r"peer missing: no-such-peer \(apt-get install its-package\)"):
        need("no-such-peer")


def test_a_missing_peer_fails_where_peers_are_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCOW_REQUIRE_PEERS", "1")
    with pytest.raises(pytest.fail.Exception, match="peer missing: no-such-peer"):
        need("no-such-peer")


def test_a_server_that_ends_is_not_waited_for(tmp_path: Path) -> None:
    argv = ["sh", "-c", "echo the reason; exit 3"]
    with pytest.raises(NotStarted, match="the reason"), started(argv, log=tmp_path / "log", ready=lambda: False):
        pytest.fail("it did not start")


def _write_whole(path: Path) -> None:
    path.write_text("whole")


def test_what_is_made_once_is_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCOW_TEST_CACHE", str(tmp_path))

    def broken(path: Path) -> None:
        path.write_text("half")
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        made_once("thing", broken)
    assert made_once("thing", _write_whole).read_text() == "whole"
    assert made_once("thing", broken).read_text() == "whole"
