"""The verbs that run nothing, on an imitation of macOS (tests/support/macos): no /proc, no xattrs, no pipe2 …"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.cli import Result, run_scow

from scow.testing.registry import Registry

IMITATION = Path(__file__).resolve().parents[1] / "support/macos"
Mac = Callable[..., Result]


@pytest.fixture(scope="module")
def registry() -> Iterator[Registry]:
    with Registry() as server:
        yield server


def _archive() -> bytes:
    """A file system with a package, a file of another owner, and one with an xattr."""
    status = b"Package: tar\nStatus: install ok installed\nVersion: 1.34\nArchitecture: arm64\n\n"
    files = {
        "etc/os-release": b'ID=debian\nVERSION_ID="12"\n', "var/lib/dpkg/status": status, "usr/bin/ping": b"x",
        "upper/A": b"A", "upper/a": b"a",
    }  # fmt: skip
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode, member.uid = len(content), 0o755, 1234
            member.pax_headers = {"SCHILY.xattr.user.note": "kept"} if name == "usr/bin/ping" else {}
            tar.addfile(member, io.BytesIO(content))
    return out.getvalue()


@pytest.fixture(scope="module")
def mac(tmp_path_factory: pytest.TempPathFactory, registry: Registry) -> Mac:
    """The command on a Mac, with ``app:1`` in its store, and its build context as directory."""
    place = tmp_path_factory.mktemp("mac")
    context = place / "context"
    context.mkdir()
    (context / "A").write_bytes(b"content\n")
    (context / "link").symlink_to("A")
    (place / "root.tar").write_bytes(_archive())

    def run(*argv: str) -> Result:
        return run_scow(
            "--insecure-registry", registry.host, *argv,
            root=place / "store", home=place, cwd=context, env={"PYTHONPATH": str(IMITATION)},
        )  # fmt: skip

    run("import", str(place / "root.tar"), f"{registry.host}/app:1").ok()
    return run


def test_the_imitation_is_one(mac: Mac) -> None:
    assert "OS/Arch:           darwin/arm64" in mac("version").ok().stdout


def test_what_is_imported_here_is_for_linux_on_this_processor(mac: Mac, registry: Registry) -> None:
    told = json.loads(mac("inspect", f"{registry.host}/app:1").ok().stdout)[0]
    assert (told["Os"], told["Architecture"]) == ("linux", "arm64")


def test_there_and_back(mac: Mac, registry: Registry, tmp_path: Path) -> None:
    name, archive = f"{registry.host}/app:1", str(tmp_path / "app.tar")
    mac("push", name).ok()
    mac("save", "-o", archive, name).ok()
    mac("rmi", name).ok()
    assert "Downloaded newer image" in mac("pull", name).ok().stdout
    mac("load", "-i", archive).ok()
    mac("copy", f"docker-archive:{archive}", f"oci:{tmp_path / 'layout'}:1").ok()
    mac("copy", f"docker://{name}", f"docker://{registry.host}/other:1").ok()
    assert mac("tags", f"{registry.host}/other").ok().stdout == "1\n"
    refused = mac("pull", "--keep", "unpacked", name)
    assert refused.stderr == "scow: layers are unpacked on Linux only\nhint: keep compressed\n"


@pytest.mark.parametrize(
    "argv",
    [
        ("images",), ("history", "{}"), ("scan", "{}"), ("sbom", "--format", "spdx", "{}"), ("analyze", "{}"),
        ("db", "status"), ("manifest", "inspect", "{}"), ("system", "check"), ("system", "df", "-v"), ("info",),
        ("ps", "-a"), ("network", "ls"), ("volume", "ls"), ("image", "prune", "-f"),
        ("system", "prune", "--dry-run"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_verbs_that_look(mac: Mac, registry: Registry, argv: tuple[str, ...]) -> None:
    assert mac(*(word.format(f"{registry.host}/app:1") for word in argv)).ok().stderr == ""


def test_packages_are_found(mac: Mac, registry: Registry) -> None:
    assert "tar" in mac("sbom", f"{registry.host}/app:1").ok().stdout


def test_a_build_that_runs_nothing(mac: Mac, registry: Registry, tmp_path: Path) -> None:
    text = f"FROM {registry.host}/app:1\nCOPY --chown=7:8 --chmod=640 A link /in/\nCOPY --from=0 /usr /again\nENV A=1\n"
    (tmp_path / "Dockerfile").write_text(text.replace("--from=0", f"--from={registry.host}/app:1"))
    mac("lint", str(tmp_path / "Dockerfile")).ok()
    out = tmp_path / "built.tar"
    for output in (f"type=tar,dest={out}", f"type=oci,dest={tmp_path / 'oci.tar'}"):
        mac("build", "-f", str(tmp_path / "Dockerfile"), "-o", output, ".").ok()
    mac("build", "-f", str(tmp_path / "Dockerfile"), "-t", f"{registry.host}/app:2", "--push", ".").ok()
    with tarfile.open(out) as tar:
        copied = tar.getmember("in/A")
        assert (copied.uid, copied.gid, copied.mode, copied.size) == (7, 8, 0o640, 8)
        assert tar.getmember("again/bin/ping").pax_headers["SCHILY.xattr.user.note"] == "kept"
        assert {"upper/A", "upper/a"} <= set(tar.getnames())
    mac("system", "check").ok()


def test_what_runs_something_says_why_not(mac: Mac, registry: Registry, tmp_path: Path) -> None:
    refused = mac("run", "--rm", f"{registry.host}/never-pulled:1", "true")
    assert (refused.exit_code, refused.stdout) == (125, "")
    assert refused.stderr.startswith("scow: no container can be made here: containers need Linux\nhint: ")
    assert mac("create", f"{registry.host}/app:1").stderr == refused.stderr
    assert mac("ps", "-aq").ok().stdout == ""
    (tmp_path / "Dockerfile").write_text(f"FROM {registry.host}/app:1\nRUN true\n")
    built = mac("build", "-f", str(tmp_path / "Dockerfile"), ".")
    assert built.exit_code == 1
    assert all(line in built.stderr for line in refused.stderr.removeprefix("scow: ").splitlines())


def test_doctor_says_where_containers_are_to_be_had(mac: Mac) -> None:
    page = mac("doctor").ok().stdout
    assert page.startswith("This machine lets this user make no container.\n")
    assert "no   containers: containers need Linux\n" in page
