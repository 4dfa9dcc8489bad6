"""``scow advise``: proposals in bytes, and the proof of them."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.cli.boxes import IMAGE, make_box
from tests.support.cli import Scow, bound_scow
from tests.support.peers import path_of
from tests.support.rootfs import debian_tar_path

from scow import Engine

CACHE = "mkdir -p /var/lib/apt/lists && head -c 400000 /dev/urandom > /var/lib/apt/lists/a_Packages"


@pytest.fixture(scope="module")
def scow(tmp_path_factory: pytest.TempPathFactory) -> Scow:
    return make_box(tmp_path_factory.mktemp("advise"))


@pytest.fixture
def context(tmp_path: Path) -> Path:
    made = tmp_path / "context"
    (made / ".git").mkdir(parents=True)
    (made / ".git" / "pack").write_bytes(os.urandom(300_000))
    (made / "app.txt").write_text("the app\n")
    (made / "Dockerfile").write_text(
        f"FROM {IMAGE}\nCOPY . /app\nRUN {CACHE}\nRUN head -c 200000 /dev/urandom > /download && cp /download /kept\n"
        'RUN rm /download\nCMD ["cat", "/app/app.txt"]\n'
    )
    return made


def prove(scow: Scow, context: Path, test: str, code: int = 0) -> dict[str, Any]:
    done = scow("advise", "--prove", "--format", "json", "--test", test, str(context))
    assert done.exit_code == code, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_what_is_promised_is_saved_and_the_test_passes(scow: Scow, context: Path) -> None:
    before = {path: path.read_bytes() for path in context.iterdir() if path.is_file()}
    proof = prove(scow, context, "cat /app/app.txt /kept")
    assert [(one["Kind"], one["Saves"]) for one in proof["Proposals"]] == [
        ("clean", 400_000), ("ignore", 300_000), ("join", 200_000),
    ]  # fmt: skip
    assert proof["Saves"] == proof["Saved"] == proof["Before"] - proof["After"] == 900_000
    assert proof["TestExitCode"] == 0
    assert proof["Dockerignore"] == ".git\n"
    assert {path: path.read_bytes() for path in context.iterdir() if path.is_file()} == before
    assert scow("images", "-q").stdout.split() == scow("images", "-q", IMAGE).stdout.split()


def test_nothing_is_left_of_the_scratch_store(scow: Scow, context: Path, tmp_path: Path) -> None:
    prove(scow, context, "true")
    info = json.loads(scow("info", "--format", "json").ok().stdout)
    assert not list(Path(info["DockerRootDir"]).glob("advise-*"))


def test_a_test_that_fails_is_told(scow: Scow, context: Path) -> None:
    assert prove(scow, context, "cat /app/.git/pack", code=1)["TestExitCode"] == 1
    told = scow("advise", "--prove", "--test", "false", str(context))
    assert told.exit_code == 1
    assert "The test failed: 1\n" in told.stdout


def test_an_image_is_measured(scow: Scow, context: Path) -> None:
    scow("build", "-q", "-t", "app:1", str(context)).ok()
    found = json.loads(scow("advise", "--format", "json", "--image", "app:1", str(context)).ok().stdout)
    assert found["Saves"] == 900_000
    text = scow("advise", "--image", "app:1", str(context)).ok().stdout
    assert text.startswith("   400kB  remove apt's package lists in the RUN that filled them (line 3)\n")
    assert "          .dockerignore: .git\n" in text
    alone = json.loads(scow("advise", "--format", "json", "app:1").ok().stdout)
    assert {"apt-lists", "deleted", "version-control"} <= {one["Kind"] for one in alone["Proposals"]}


def test_without_an_image_bytes_of_the_context_are_known(scow: Scow, context: Path) -> None:
    told = scow("advise", str(context)).ok().stdout
    assert "   300kB  leave .git out of the context (line 2)\n" in told
    assert told.endswith("--image, or let --prove build it.\n")
    (context / ".dockerignore").write_text(".git\n")
    assert scow("advise", str(context)).ok().stdout == "Nothing to advise.\n"


@pytest.mark.parametrize(
    "arguments",
    [["--test", "true", "."], ["--prove", "no/such:image"], ["no/such:image"], ["-f", "nothing", "."]],
)
def test_refusals(scow: Scow, context: Path, arguments: list[str]) -> None:
    told = scow("advise", *arguments, cwd=context)
    assert (told.exit_code, told.stdout) == (1, "")
    assert "Traceback" not in told.stderr


def _package(repository: Path, name: str, needs: str, size: int, program: str = "") -> None:
    tree = repository.parent / f"deb-{name}"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "usr/lib" / name).mkdir(parents=True)
    (tree / "usr/lib" / name / "content").write_bytes(os.urandom(size))
    if program:
        (tree / "usr/bin").mkdir()
        (tree / "usr/bin" / name).write_text(program)
        (tree / "usr/bin" / name).chmod(0o755)
    depends = f"Depends: {needs}\n" if needs else ""
    (tree / "DEBIAN/control").write_text(
        f"Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: a <a@example.com>\n{depends}Description: {name}\n"
    )
    argv = [path_of("dpkg-deb"), "-Znone", "--root-owner-group", "-b", str(tree), str(repository / f"{name}.deb")]
    subprocess.run(argv, check=True, capture_output=True)


def _index(repository: Path) -> None:
    """``Packages``, as large as a real one."""
    parts = []
    for deb in sorted(repository.glob("*.deb")):
        control = subprocess.run([path_of("dpkg-deb"), "-f", str(deb)], check=True, capture_output=True, text=True)
        digest = subprocess.run(["sha256sum", str(deb)], check=True, capture_output=True, text=True).stdout.split()[0]
        parts.append(f"{control.stdout}Filename: ./{deb.name}\nSize: {deb.stat().st_size}\nSHA256: {digest}\n")
    filler = "Package: filler{}\nVersion: 1\nArchitecture: all\nFilename: ./f{}.deb\nSize: 1\nSHA256: {:064x}\n"
    parts += (filler.format(number, number, number) for number in range(8_000))
    (repository / "Packages").write_text("\n".join(parts))


@pytest.mark.slow
@pytest.mark.peers
def test_a_fat_dockerfile_on_debian(tmp_path: Path) -> None:
    """Single stage, apt's lists and archives left, tools for building left, .git sent, pip's cache left."""
    store, context = tmp_path / "store", tmp_path / "context"
    repository = context / "repository"
    (context / ".git").mkdir(parents=True)
    (context / ".git/pack").write_bytes(os.urandom(9_000_000))
    (context / "app").mkdir()
    (context / "app/greeting").write_text("hello\n")
    repository.mkdir()
    install = "#!/bin/sh\nmkdir -p /opt/app && cp /src/app/greeting /opt/app/greeting\n"
    _package(repository, "make", "", 100_000, install)
    _package(repository, "gcc", "", 20_000_000)
    _package(repository, "build-essential", "gcc, make", 1_000)
    _package(repository, "libapp1", "", 400_000)
    _index(repository)
    (context / "Dockerfile").write_text(
        "FROM debian:12\nENV LANG=C.UTF-8\nCOPY . /src\n"
        "RUN --mount=type=bind,source=repository,target=/repository \\\n"
        '    echo "deb [trusted=yes] copy:/repository ./" > /etc/apt/sources.list && \\\n'
        "    rm -f /etc/apt/sources.list.d/* && \\\n"
        "    apt-get update && \\\n    apt-get install -y --no-install-recommends build-essential libapp1\n"
        "WORKDIR /src\nRUN make && mkdir -p /root/.cache/pip && head -c 5000000 /dev/urandom > /root/.cache/pip/a\n"
        'CMD ["cat", "/opt/app/greeting"]\n'
    )
    with debian_tar_path().open("rb") as tar:
        Engine(store).images.import_(tar, "debian:12")
    (tmp_path / "home").mkdir()
    scow = bound_scow(store, tmp_path / "home")
    test = (
        "sh -c 'grep -q hello /opt/app/greeting && test -e /usr/lib/libapp1/content && ! test -e /usr/lib/gcc/content'"
    )
    proof = prove(scow, context, test)
    assert {one["Kind"] for one in proof["Proposals"] if one["Applies"]} == {"clean", "ignore", "stage"}
    assert proof["TestExitCode"] == 0
    assert proof["Saved"] == pytest.approx(proof["Saves"], rel=0.05)
    assert proof["Saved"] > 30_000_000
    assert "COPY --from=build /opt /opt\n" in proof["Dockerfile"]
