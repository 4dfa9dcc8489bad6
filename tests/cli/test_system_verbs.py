"""``system df``, ``system prune``, ``builder prune``, ``info`` and ``version``."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from tests.cli.boxes import IMAGE, make_box
from tests.image import images
from tests.layer.tars import item
from tests.support.cli import Scow, run_scow
from tests.support.peers import need_root
from tests.support.rootfs import busybox_tar_path
from tests.support.users import User, as_user

from scow import Engine, __version__
from scow.cli.units import human_size
from scow.layer.usage import disk_usage


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def scow(directory: Path) -> Scow:
    return make_box(directory)


def build(scow: Scow, directory: Path, *flags: str) -> str:
    context = directory / "context"
    context.mkdir(exist_ok=True)
    (context / "Dockerfile").write_text(f"FROM {IMAGE}\nRUN head -c 3000000 /dev/urandom > /big\n")
    return scow("build", "-q", *flags, str(context)).ok().stdout.strip()


def total(output: str) -> str:
    return output.rpartition(": ")[2]


def megabytes(output: str) -> float:
    return float(total(output).removesuffix("MB\n"))


def test_df(scow: Scow, directory: Path) -> None:
    scow("run", IMAGE, "true").ok()
    rows = [json.loads(line) for line in scow("system", "df", "--format", "json").ok().stdout.splitlines()]
    assert [row["Type"] for row in rows] == ["Images", "Containers", "Local Volumes", "Build Cache"]
    assert (rows[0]["TotalCount"], rows[0]["Active"], rows[0]["Reclaimable"]) == ("1", "1", "0B (0%)")
    assert (rows[1]["TotalCount"], rows[1]["Reclaimable"]) == ("1", f"{rows[1]['Size']} (100%)")
    build(scow, directory, "-t", "big")
    heading, images, *_ = scow("system", "df").ok().stdout.splitlines()
    assert heading == "TYPE            TOTAL     ACTIVE    SIZE      RECLAIMABLE"
    assert images.startswith("Images          2         1 ")
    assert "0B" not in images.split()[4]
    verbose = scow("system", "df", "-v").ok().stdout
    assert "Images space usage:\n\nREPOSITORY" in verbose
    assert "Build cache usage: 0B in 1 records" in verbose
    document = json.loads(scow("system", "df", "-v", "--format", "json").ok().stdout)
    assert {name: len(rows) for name, rows in document.items()} == {
        "Images": 2, "Containers": 1, "Volumes": 0, "BuildCache": 1
    }  # fmt: skip
    template = "{{range .Images}}{{.Containers}} {{end}}{{range .Containers}}{{.Command}}{{end}}"
    assert scow("system", "df", "-v", "--format", template).ok().stdout in ('1 0 "true"\n', '0 1 "true"\n')


def test_df_adds_up_to_du(scow: Scow, directory: Path) -> None:
    scow("run", IMAGE, "true").ok()
    build(scow, directory, "-t", "big")
    scow("tag", "big", "again").ok()
    scow("rmi", "big").ok()
    (directory / "store/ingest/rest.part").write_bytes(b"x" * 10_000)
    plain = [[item("gzip", data=bytes(40_000))], [item("plain", data=bytes(70_000))]]  # whose blob is its tree's tar
    images.stored(Engine(directory / "store").workplace.store, plain, "plain:1")
    parts = Engine(directory / "store").system.parts()
    need_root()  # du enters directories of others
    du = subprocess.run(["du", "-s", "-B1", directory / "store"], capture_output=True, text=True, check=True)
    assert sum(part.size for part in parts) == int(du.stdout.split()[0])
    assert all(part.size >= 0 for part in parts)
    assert "Unfinished" in scow("system", "df", "-v").ok().stdout


def test_what_goes_comes_back_once(directory: Path) -> None:
    """Also where blob and tree are one file."""
    engine = Engine(directory / "store")
    images.stored(engine.workplace.store, [[item("gzip")], [item("plain", data=bytes(700_000))]], "plain:1")
    before = disk_usage(directory / "store")
    promised = engine.system.prune_images(every=True, dry_run=True).bytes
    freed = engine.system.prune_images(every=True).bytes
    came_back = before - disk_usage(directory / "store")
    assert came_back == pytest.approx(promised, abs=50_000)
    assert came_back == pytest.approx(freed, abs=50_000)


DAY = """
    head -c 300000 /dev/urandom > /data/a; ln /data/a /data/b; truncate -s 20M /sparse; echo x >> /sparse
    mkdir -m 700 /closed; echo x > /closed/file; echo hello
"""


@pytest.mark.parametrize("who", ["root", "subordinate_user", "ordinary_user"])
def test_df_adds_up_to_du_after_a_day(tmp_path: Path, who: str, request: pytest.FixtureRequest) -> None:
    """Images, a commit, a build, volumes, a network, results of scans, advisories, a download that was cut short."""
    user: User | None = None if who == "root" else request.getfixturevalue(who)
    home = user.home if user else tmp_path
    root = home / "day"

    def scow(*argv: str, stdin: bytes = b"") -> str:
        return run_scow(*argv, root=root, home=home, user=user, stdin=stdin).ok().stdout

    scow("import", "-", IMAGE, stdin=busybox_tar_path().read_bytes())
    scow("run", "--name", "one", "-v", "named:/data", "-v", "/anonymous", IMAGE, "sh", "-c", DAY)
    scow("commit", "one", "committed:1")
    scow(
        "build", "-q", "-t", "built:1", "-", stdin=b"FROM committed:1\nRUN --mount=type=cache,target=/c echo x > /c/y\n"
    )
    scow("analyze", "built:1")
    scow("sbom", "built:1")
    scow("network", "create", "net")
    scow("rmi", "committed:1")
    (root / f"ingest/{'0' * 64}.part").write_bytes(b"x" * 700_001)
    (root / "advisories").mkdir(exist_ok=True)
    (root / "advisories/Debian.sqlite").write_bytes(b"x" * 300_001)
    parts = dict(line.rsplit(maxsplit=1) for line in scow("system", "df", "-v").split("PART ")[1].splitlines()[1:])
    if user is None:
        need_root()  # du enters directories of others
    counted = ("du", "-s", "-B1", str(root))
    du = as_user(user, counted) if user else subprocess.run(counted, capture_output=True, check=True)
    assert parts["Total"] == human_size(int(du.stdout.split()[0]), 4)
    assert not [name for name, size in parts.items() if size.startswith("-")]
    empty = {"Other platforms, artifacts", "Unneeded"}
    assert {name for name, size in parts.items() if size == "0B"} <= empty


def test_prune_asks_first(scow: Scow) -> None:
    asked = scow("system", "prune", stdin=b"n\n").ok()
    assert asked.stdout == (
        "WARNING! This will remove:\n  - all stopped containers\n"
        "  - all networks not used by at least one container\n  - all dangling images\n  - unused build cache\n\n"
        "Are you sure you want to continue? [y/N] "
    )
    more = scow("system", "prune", "-a", "--volumes", "--filter", "label=x", stdin=b"").ok().stdout
    assert "  - all images without at least one container associated to them\n" in more
    assert "  Items to be pruned will be filtered with:\n  - label=x\n" in more
    assert scow("images", "-q").ok().stdout != ""


def test_prune_all(scow: Scow, directory: Path) -> None:
    made = build(scow, directory, "-t", "big")
    scow("run", "--name", "one", "big", "true").ok()
    dry = scow("system", "prune", "-a", "--dry-run").ok().stdout
    gone = scow("system", "prune", "-af").ok().stdout
    for text in ("Containers:\n", "Images:\n", f"\nuntagged: big:latest\ndeleted: {made}\n", "build cache objects:\n"):
        assert text in gone
        assert text in dry
    assert [line for line in dry.splitlines() if ": " not in line] == [
        line.replace("Deleted", "Would delete") for line in gone.splitlines() if ": " not in line
    ]
    assert megabytes(dry) == pytest.approx(megabytes(gone), rel=0.01)
    assert megabytes(gone) > 4
    assert not list((directory / "store/blobs/sha256").iterdir())
    assert scow("images", "-aq").ok().stdout == scow("ps", "-aq").ok().stdout == ""
    assert total(scow("system", "prune", "-af").ok().stdout) == "0B\n"


def test_prune_keeps_what_is_named_or_used(scow: Scow, directory: Path) -> None:
    dangling = build(scow, directory)
    assert "deleted: " + dangling in scow("system", "prune", "-f").ok().stdout
    assert scow("images", "--format", "{{.Repository}}").ok().stdout == "busybox\n"
    scow("run", "--name", "one", IMAGE, "true").ok()
    assert "untagged" not in scow("image", "prune", "-af").ok().stdout
    assert "untagged" not in scow("system", "prune", "-af", "--filter", "until=1h").ok().stdout
    both = scow("system", "prune", "-f", "--volumes", "--filter", "until=1h")
    assert (both.exit_code, "not supported" in both.stderr) == (1, True)


def test_builder_prune(scow: Scow, directory: Path) -> None:
    build(scow, directory, "-t", "big")
    assert total(scow("builder", "prune", "-f").ok().stdout) == "0B\n"
    scow("rmi", "big").ok()
    dry = scow("builder", "prune", "--dry-run").ok().stdout
    asked = scow("builder", "prune", stdin=b"y\n").ok().stdout
    assert asked.startswith("WARNING! This will remove all dangling build cache. Are you sure")
    assert megabytes(dry) == pytest.approx(megabytes(asked), rel=0.01)
    assert megabytes(asked) > 3


def test_info(scow: Scow, directory: Path) -> None:
    text = scow("info").ok().stdout
    assert f" Root Dir: {directory}/store\n" in text
    assert " Images: 1\n" in text
    document = json.loads(scow("info", "--format", "json").ok().stdout)
    assert f" Default Runtime: {document['DefaultRuntime']}\n" in text
    for reason in document["Isolation"]["Reasons"]:
        assert f"  {reason}\n" in text
    assert scow("system", "info", "-f", "{{.Isolation.Rung}}").ok().stdout == f"{document['Isolation']['Rung']}\n"


def test_version(scow: Scow) -> None:
    assert scow("version", "--format", "{{.Client.Version}}").ok().stdout == f"{__version__}\n"
    assert json.loads(scow("version", "-f", "json").ok().stdout)["Client"]["Version"] == __version__
    assert scow("version").ok().stdout.startswith(f"Client:\n Version:           {__version__}\n")
    wrong = scow("version", "--format", "{{.Nosuch}}")
    assert (wrong.exit_code, wrong.stdout) == (1, "")
