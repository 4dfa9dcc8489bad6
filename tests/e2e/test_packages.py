"""``apt-get install`` in a container, as every kind of user with every runtime; what is committed and pushed has the
owners that the package asked for. Judged by skopeo and umoci.

Where one id stands for all, nothing can be given to another owner: such a package fails aloud, and one whose files are
all root's is installed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.conftest import DEBIAN
from tests.support.cli import Scow
from tests.support.containers import Tool
from tests.support.peers import need_root, path_of
from tests.support.registries import Registry
from tests.support.trees import Tree, snapshot_tree, umoci_unpack

pytestmark = [pytest.mark.slow, pytest.mark.peers, pytest.mark.timeout(900)]

_POSTINST = """#!/bin/sh -e
useradd --system --uid 444 --user-group scowpkg
chown -h scowpkg:scowpkg /var/lib/scowpkg/link
chown -R scowpkg:www-data /var/lib/scowpkg/state
chmod 2750 /var/lib/scowpkg/state
chgrp scowpkg /usr/bin/scowpkg-owned && chmod 4750 /usr/bin/scowpkg-owned
"""
#: path → mode, uid, gid, as the package wants it
OWNED = {
    b"usr/bin/scowpkg-root": (0o4755, 0, 0),
    b"usr/bin/scowpkg-game": (0o2755, 0, 60),
    b"usr/bin/scowpkg-owned": (0o4750, 0, 444),
    b"var/lib/scowpkg": (0o750, 33, 33),
    b"var/lib/scowpkg/state": (0o2750, 444, 33),
    b"var/lib/scowpkg/state/file": (0o640, 444, 33),
    b"var/lib/scowpkg/link": (0o777, 444, 444),
    b"etc/shadow": (0o640, 0, 42),
}
PLAIN = {b"usr/bin/scowplain": (0o4755, 0, 0), b"etc/scowplain.conf": (0o644, 0, 0), b"etc/shadow": (0o640, 0, 42)}
APT = "echo 'deb [trusted=yes] file:/repository ./' > /etc/apt/sources.list; rm -f /etc/apt/sources.list.d/*; "


def _file(path: Path, mode: int, uid: int = 0, gid: int = 0, text: str = "#!/bin/sh\nid -u\n") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.chown(path, uid, gid)
    path.chmod(mode)


def _package(root: Path, name: str) -> None:
    _file(root / "DEBIAN/control", 0o644, text=(
        f"Package: {name}\nVersion: 1.0\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\n"
        "Description: files with owners\n"
    ))  # fmt: skip


def _scowpkg(root: Path) -> None:
    _package(root, "scowpkg")
    _file(root / "DEBIAN/postinst", 0o755, text=_POSTINST)
    _file(root / "usr/bin/scowpkg-root", 0o4755)
    _file(root / "usr/bin/scowpkg-game", 0o2755, gid=60)
    _file(root / "usr/bin/scowpkg-owned", 0o755)
    _file(root / "var/lib/scowpkg/state/file", 0o640)
    os.chown(root / "var/lib/scowpkg", 33, 33)
    (root / "var/lib/scowpkg").chmod(0o750)
    (root / "var/lib/scowpkg/link").symlink_to("state/file")


def _scowplain(root: Path) -> None:
    _package(root, "scowplain")
    _file(root / "DEBIAN/conffiles", 0o644, text="/etc/scowplain.conf\n")
    _file(root / "usr/bin/scowplain", 0o4755)
    _file(root / "etc/scowplain.conf", 0o644, text="plain\n")


@pytest.fixture(scope="module")
def repository() -> Iterator[Path]:
    """A directory that apt takes for a repository: two packages and their list."""
    need_root()
    deb = path_of("dpkg-deb")
    place = Path(tempfile.mkdtemp(prefix="scow-apt-"))
    place.chmod(0o755)
    listed = []
    for name, fill in (("scowpkg", _scowpkg), ("scowplain", _scowplain)):
        tree, package = place / f"{name}.tree", place / f"{name}.deb"
        fill(tree)
        subprocess.run([deb, "--build", str(tree), str(package)], check=True, capture_output=True)
        data, control = package.read_bytes(), (tree / "DEBIAN/control").read_text()
        digest = hashlib.sha256(data).hexdigest()
        listed.append(f"{control}Filename: ./{name}.deb\nSize: {len(data)}\nSHA256: {digest}\n")
        shutil.rmtree(tree)
    (place / "Packages").write_text("\n".join(listed))
    yield place
    shutil.rmtree(place)


@pytest.fixture(params=["sandbox", "runc", "crun"])
def runtime(debian: Scow, request: pytest.FixtureRequest) -> str:
    """One that runs here for this user; another is skipped with its reason."""
    name: str = request.param
    tried = debian("--runtime", name, "run", "--rm", DEBIAN, "true")
    if tried.exit_code == 125:
        pytest.skip(f"{name}: {tried.stderr.strip()}")
    tried.ok()
    return name


def single(debian: Scow) -> bool:
    """Whether one id stands for all."""
    return "rung 3 of 4" in debian("info").ok().stdout


def pushed(debian: Scow, registry: Registry, skopeo: Tool, container: str, tmp_path: Path) -> Tree:
    """Commit it, push that, and see what umoci makes of what skopeo fetches."""
    name = f"{registry.host}/packages/{tmp_path.name}:1"
    image_id = debian("commit", "-m", "installed", container, name).ok().stdout.strip()
    debian("push", "-q", name).ok()
    trust = "--src-tls-verify=false"
    skopeo("copy", "-q", trust, f"docker://{name}", f"oci:{tmp_path}/layout:made")
    history = json.loads(skopeo("inspect", "--config", f"oci:{tmp_path}/layout:made"))["history"]
    assert history[-1]["comment"] == "installed"
    assert image_id.startswith("sha256:")
    return snapshot_tree(umoci_unpack(tmp_path / "layout", "made", tmp_path / "bundle"))


def owners(tree: Tree, wanted: dict[bytes, tuple[int, int, int]]) -> dict[bytes, tuple[int, int, int]]:
    return {path: (tree[path].mode, tree[path].uid, tree[path].gid) for path in wanted if path in tree}


def test_install(
    debian: Scow, runtime: str, repository: Path, open_registry: Registry, skopeo: Tool, tmp_path: Path
) -> None:
    one_id = single(debian)
    package, wanted = ("scowplain", PLAIN) if one_id else ("scowpkg", OWNED)
    as_root = "-o APT::Sandbox::User=root" if one_id else ""  # apt itself wants to be another user
    script = f"{APT} apt-get {as_root} update && apt-get {as_root} install -y {package}"
    words = ("-v", f"{repository}:/repository:ro", DEBIAN, "sh", "-c")
    if one_id and runtime == "sandbox":
        failed = debian("run", "--rm", *words, script.replace(package, "scowpkg"))
        assert (failed.exit_code, "error setting ownership" in failed.stdout) == (100, True)
    try:
        debian("--runtime", runtime, "run", "--name", "installer", *words, script).ok()
        tree = pushed(debian, open_registry, skopeo, "installer", tmp_path)
        assert owners(tree, wanted) == wanted
    finally:
        debian("rm", "-f", "installer")
