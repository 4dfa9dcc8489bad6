"""Images out of scow and back into it, through docker, podman, skopeo and umoci: compressions, families, single
manifests and indexes. Digests stay where nobody promises otherwise than to keep bytes; the files always do.

The image has what a layer can have: xattrs, capabilities, hard links, sparse files, devices, FIFOs, names that are not
UTF-8, old and exact times, whiteouts (:mod:`tests.e2e.tricky`).
"""

from __future__ import annotations

import dataclasses
import json
import os
import stat
import subprocess
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.actors import Actor
from tests.e2e.test_same_files import Unpacked, unpacked, without
from tests.e2e.tricky import CAPABILITY, above, first
from tests.support.containers import Tool
from tests.support.daemons import Docker
from tests.support.registries import Registry
from tests.support.trees import Record, difference, snapshot_tar, snapshot_tree, umoci_unpack

pytestmark = [pytest.mark.peers, pytest.mark.slow]

Tree = Mapping[bytes, Record]


@dataclass(frozen=True)
class Form:
    """How an image is written: layers' compression, the family of media types, one manifest or an index of one."""

    compression: str
    family: str
    index: bool = False

    @property
    def name(self) -> str:
        """As a tag."""
        return f"{self.compression}-{self.family}-{'index' if self.index else 'single'}"


FORMS = (
    Form("gzip", "oci"),
    Form("gzip", "docker"),
    Form("none", "oci"),
    Form("none", "docker"),
    Form("zstd", "oci"),
    Form("gzip", "oci", index=True),
    Form("gzip", "docker", index=True),
    Form("zstd", "oci", index=True),
)


@dataclass(frozen=True)
class Loses:
    """What of an image's files a tool does not hand on, in itself or in how it is asked for them here."""

    fields: tuple[str, ...] = ()
    fractions: bool = False
    before_1970: bool = False


LOSES = {"docker": Loses(("xattrs",), fractions=True, before_1970=True), "podman": Loses(before_1970=True)}


@dataclass
class Ground:
    """A registry with the image in every form, and what its files are."""

    registry: Registry
    maker: Actor
    image: Unpacked

    def place(self, form: Form, name: str = "made") -> str:
        """The name of a form at the registry."""
        return f"{self.registry.host}/trips/{name}:{form.name}"

    def digest(self, name: str) -> str:
        """What the registry says that a name means."""
        return self.maker("digest", name).ok().stdout.strip().rpartition("@")[2]

    def check(self, found: Tree, loses: Loses = Loses()) -> None:
        """Every path and field, but for times of directories that no layer says, and what the reader ``loses``."""
        expected = without(self.image.tree, b"proc", b"sys", b"dev", b"etc")
        if loses.before_1970:
            expected = {path: dataclasses.replace(one, mtime_ns=max(0, one.mtime_ns)) for path, one in expected.items()}
        times = {path: expected[path].mtime_ns for path in self.image.timeless if path in expected}
        found = without(found, b"proc", b"sys", b"dev", b"etc", b".dockerenv")
        found = {path: dataclasses.replace(one, mtime_ns=times.get(path, one.mtime_ns)) for path, one in found.items()}
        lines = difference(found, expected, ignore=loses.fields, whole_seconds=loses.fractions)
        assert not lines, "\n".join(lines[:30])
        assert len(found) > 100


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory, busybox_tar: Path, open_registry: Registry) -> Ground:
    directory = tmp_path_factory.mktemp("trips")
    image = unpacked(directory, busybox_tar, (first, above))
    made = Ground(open_registry, Actor(directory), image)
    for form in FORMS:
        flags = ["--compression", form.compression, "--format", form.family]
        plain = made.place(form, "plain") if form.index else made.place(form)
        made.maker("copy", *flags, f"oci:{directory}/layout:tricky:latest", f"docker://{plain}").ok()
        if form.index:
            made.maker("manifest", "create", made.place(form), plain).ok()
            made.maker("manifest", "push", made.place(form)).ok()
    return made


# -- how each of them takes an image, and gives one away ---------------------------------------------------------------


def in_docker(docker: Docker, name: str, directory: Path) -> Tree:
    """docker's export leaves out users' xattrs and fractions of seconds."""
    docker("pull", "-q", name)
    container = docker("create", name, "true").strip()
    docker("export", "-o", str(directory / "docker.tar"), container)
    docker("rm", container)
    return snapshot_tar(directory / "docker.tar")


def in_podman(podman: Tool, name: str, directory: Path) -> Tree:
    podman("pull", "-q", "--tls-verify=false", name)
    tree = snapshot_tree(podman("image", "mount", name).strip())
    podman("image", "umount", name)
    return tree


def in_skopeo(skopeo: Tool, name: str, directory: Path) -> Tree:
    """skopeo unpacks nothing: umoci does, from what skopeo wrote. umoci knows no zstd."""
    skopeo(
        "copy",
        "--src-tls-verify=false",
        "--format",
        "oci",
        "--dest-compress-format",
        "gzip",
        f"docker://{name}",
        f"oci:{directory}/skopeo:x",
    )
    return snapshot_tree(umoci_unpack(directory / "skopeo", "x", directory / "bundle"))


def in_umoci(scow: Actor, name: str, directory: Path) -> Tree:
    """From what scow wrote, as umoci knows no registry, no zstd and no media types of docker's."""
    scow("copy", "--compression", "gzip", "--format", "oci", f"docker://{name}", f"oci:{directory}/umoci:x").ok()
    return snapshot_tree(umoci_unpack(directory / "umoci", "x", directory / "bundle"))


@pytest.fixture(params=["docker", "podman", "skopeo", "umoci"])
def taken(request: pytest.FixtureRequest, caller: Actor) -> tuple[str, Callable[[str, Path], Tree]]:
    """A peer's name, and how it takes the image of a name."""
    name: str = request.param
    if name == "umoci":
        return name, lambda image, directory: in_umoci(caller, image, directory)
    tool = request.getfixturevalue(name)
    takes: dict[str, Callable[[Any, str, Path], Tree]] = {"docker": in_docker, "podman": in_podman, "skopeo": in_skopeo}
    take = takes[name]
    return name, lambda image, directory: take(tool, image, directory)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_out(ground: Ground, taken: tuple[str, Callable[[str, Path], Tree]], form: Form, tmp_path: Path) -> None:
    """What scow pushed, a peer has whole."""
    name, take = taken
    if name == "docker" and form.compression == "zstd":
        pytest.skip("docker 20.10 knows no zstd layers")
    tree = take(ground.place(form), tmp_path)
    ground.check(tree, LOSES.get(name, Loses()))


def exported(caller: Actor, name: str) -> Tree:
    caller("pull", "-q", name).ok()
    caller("create", "--name", "looker", name, "true").ok()
    caller("export", "-o", "files.tar", "looker").ok()
    return snapshot_tar(caller.directory / "files.tar")


def id_of(caller: Actor, name: str) -> str:
    return caller("inspect", "-f", "{{.Id}}", name).ok().stdout.strip()


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_in_through_skopeo(ground: Ground, skopeo: Tool, caller: Actor, form: Form) -> None:
    """skopeo keeps the bytes: so does what scow makes of them."""
    name = ground.place(form, "by-skopeo")
    flags = ["--all", "--preserve-digests", "--src-tls-verify=false", "--dest-tls-verify=false"]
    skopeo("copy", *flags, f"docker://{ground.place(form)}", f"docker://{name}")
    assert ground.digest(name) == ground.digest(ground.place(form))
    ground.check(exported(caller, name))
    caller("push", "-q", name).ok()
    shown = json.loads(caller("inspect", "-f", "{{json .RepoDigests}}", name).ok().stdout)
    assert any(ground.digest(name) in one for one in shown)


@pytest.mark.parametrize("form", [one for one in FORMS if one.compression != "zstd"], ids=lambda form: form.name)
def test_in_through_docker(ground: Ground, docker: Docker, caller: Actor, form: Form) -> None:
    """docker compresses layers anew, and keeps the config: the image's id stays."""
    name = ground.place(form, "by-docker")
    docker("pull", "-q", ground.place(form))
    docker("tag", ground.place(form), name)
    docker("push", "-q", name)
    ground.check(exported(caller, name))
    assert id_of(caller, name) == docker("inspect", "-f", "{{.Id}}", name).strip()


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
@pytest.mark.parametrize("family", ["oci", "v2s2"])
def test_in_through_podman(ground: Ground, podman: Tool, caller: Actor, compression: str, family: str) -> None:
    """podman writes layers out of its storage again, byte by byte as they were: diff_ids stay."""
    if compression == "zstd" and family == "v2s2":
        pytest.skip("docker's format has no zstd layers")
    source = ground.place(FORMS[0])
    name = f"{ground.registry.host}/trips/by-podman:{compression}-{family}"
    podman("pull", "-q", "--tls-verify=false", source)
    podman("tag", source, name)
    podman("push", "-q", "--tls-verify=false", "--format", family, "--compression-format", compression, name)
    ground.check(exported(caller, name))
    shown = "{{json .RootFS.Layers}}"
    caller("pull", "-q", source).ok()
    assert caller("inspect", "-f", shown, name).ok().stdout == caller("inspect", "-f", shown, source).ok().stdout


def test_an_index_in_through_podman(ground: Ground, podman: Tool, caller: Actor) -> None:
    """An index that podman made, of an image that it had."""
    name = f"{ground.registry.host}/trips/by-podman:index"
    podman("pull", "-q", "--tls-verify=false", ground.place(FORMS[0]))
    podman("manifest", "create", "listed", f"containers-storage:{ground.place(FORMS[0])}")
    podman("manifest", "push", "-q", "--all", "--tls-verify=false", "listed", f"docker://{name}")
    podman("manifest", "rm", "listed")
    ground.check(exported(caller, name))


def test_plain_layers_in_through_podman(ground: Ground, podman: Tool, caller: Actor) -> None:
    """podman pushes compressed layers only; what it saves may be plain."""
    name, saved = f"{ground.registry.host}/trips/by-podman:none", caller.directory / "saved.tar"
    podman("pull", "-q", "--tls-verify=false", ground.place(FORMS[0]))
    podman("save", "-q", "--format", "oci-archive", "--uncompressed", "-o", str(saved), ground.place(FORMS[0]))
    caller("copy", f"oci-archive:{saved}", f"docker://{name}").ok()
    ground.check(exported(caller, name))


def test_in_through_umoci(ground: Ground, caller: Actor) -> None:
    """umoci's own layer on top: a sparse file, a device, a link, a capability, a name that is no text."""
    layout = caller.directory / "layout"
    caller("copy", f"docker://{ground.place(FORMS[0])}", f"oci:{layout}:x").ok()
    bundle = caller.directory / "bundle"
    subprocess.run(["umoci", "unpack", "--image", f"{layout}:x", str(bundle)], check=True, capture_output=True)
    changed(bundle / "rootfs")
    subprocess.run(["umoci", "repack", "--image", f"{layout}:y", str(bundle)], check=True, capture_output=True)
    expected = snapshot_tree(umoci_unpack(layout, "y", caller.directory / "again"))
    name = f"{ground.registry.host}/trips/by-umoci:1"
    caller("copy", f"oci:{layout}:y", f"docker://{name}").ok()
    found = exported(caller, name)
    left, right = (without(one, b"proc", b"sys", b"dev", b"etc") for one in (found, expected))
    times = {path: one.mtime_ns for path, one in right.items() if one.kind == "directory"}
    left = {path: dataclasses.replace(one, mtime_ns=times.get(path, one.mtime_ns)) for path, one in left.items()}
    assert difference(left, right) == []
    assert left[b"new/sparse"].size == 50_000_000


def changed(root: Path) -> None:
    """What somebody did in the container."""
    (root / "new").mkdir()
    with (root / "new/sparse").open("wb") as file:
        file.seek(50_000_000 - 4)
        file.write(b"tail")
    os.mknod(root / "new/null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    (root / "new/file").write_bytes(b"file")
    os.link(root / "new/file", root / "new/linked")
    os.setxattr(root / "new/file", "user.one", b"\x00\xff")
    os.setxattr(root / "new/file", "security.capability", CAPABILITY)
    (Path(os.fsdecode(os.fsencode(root) + b"/new/latin-\xe9"))).write_bytes(b"x")
    (root / "t/empty").unlink()


@pytest.fixture(scope="module")
def sparse_tar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A sparse file, as GNU tar writes one."""
    directory = tmp_path_factory.mktemp("sparse")
    with (directory / "sparse").open("wb") as file:
        for at in (0, 10_000_000, 30_000_000 - 3):
            file.seek(at)
            file.write(b"xyz")
    path = directory / "sparse.tar"
    argv = ["tar", "-C", str(directory), "--sparse", "--format=posix", "-cf", str(path), "sparse"]
    subprocess.run(argv, check=True)
    with tarfile.open(path) as archive:
        assert archive.getmembers()[0].issparse()
    yield path


def test_sparse_files(sparse_tar: Path, ground: Ground, podman: Tool, docker: Docker, caller: Actor) -> None:
    """As tar writes them, through all of them."""
    name = f"{ground.registry.host}/trips/sparse:1"
    caller("import", str(sparse_tar), name).ok()
    caller("push", "-q", name).ok()
    expected = snapshot_tar(sparse_tar)[b"sparse"].content
    assert in_podman(podman, name, caller.directory)[b"sparse"].content == expected
    assert in_docker(docker, name, caller.directory)[b"sparse"].content == expected
    caller("rmi", name).ok()
    assert exported(caller, name)[b"sparse"].content == expected
