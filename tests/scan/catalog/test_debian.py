"""A real Debian with packages that pip and npm installed: what scow lists is what dpkg, pip and npm list."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.cli import Scow, bound_scow

PYPI = ("requests==2.19.1", "jinja2==2.10.1")
NPM = ("lodash@4.17.15", "minimist@1.2.0", "express@4.16.0")
DOCKERFILE = """\
FROM debian:pip
COPY wheels /wheels
RUN pip install --no-index --find-links=/wheels --break-system-packages --root-user-action=ignore {pypi}
COPY app /srv/app
RUN dpkg --purge --force-all e2fsprogs && rm -rf /wheels
"""

pytestmark = [pytest.mark.slow, pytest.mark.peers]


def fetched(argv: list[str], cwd: Path) -> None:
    """Something from a package registry, or a test that is skipped aloud: the network is no peer."""
    done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"{argv[0]} could not fetch: {done.stderr.strip()[-300:]}")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An npm application, installed by npm."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed (apt-get install npm)")
    place = tmp_path_factory.mktemp("npm")
    (place / "package.json").write_text('{"name": "app", "version": "1.0.0"}')
    fetched([npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", *NPM], place)
    return place


@pytest.fixture(scope="module")
def scow_here(tmp_path_factory: pytest.TempPathFactory, debian_pip_tar: Path, app: Path) -> Iterator[Scow]:
    """The command on a store that holds ``app:1``."""
    place = tmp_path_factory.mktemp("debian")
    context = place / "context"
    (context / "wheels").mkdir(parents=True)
    wheels = ["--quiet", "-d", str(context / "wheels"), "--only-binary", ":all:", "--python-version", "3.11", *PYPI]
    fetched([sys.executable, "-m", "pip", "download", *wheels], place)
    shutil.copytree(app, context / "app", symlinks=True)
    (context / "Dockerfile").write_text(DOCKERFILE.format(pypi=" ".join(PYPI)))
    scow = bound_scow(place / "store", place)
    scow("import", str(debian_pip_tar), "debian:pip").ok()
    scow("build", "-q", "-t", "app:1", str(context)).ok()
    yield scow


@pytest.fixture(scope="module")
def listed(scow_here: Scow) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(scow_here("sbom", "--format", "json", "app:1").ok().stdout)
    return found


def of_kind(listed: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [one for one in listed["packages"] if one["type"] == kind]


def test_dpkg(scow_here: Scow, listed: dict[str, Any]) -> None:
    form = "${db:Status-Status} ${Package} ${Version} ${Architecture} ${source:Package} ${source:Version}\\n"
    told = scow_here("run", "--rm", "app:1", "dpkg-query", "-W", "-f", form).ok().stdout.splitlines()
    expected = sorted(line.partition(" ")[2] for line in told if line.startswith("installed "))
    ours = [
        f"{one['name']} {one['version']} {one['architecture']} {one['source']['name']} {one['source']['version']}"
        for one in of_kind(listed, "deb")
    ]
    assert sorted(ours) == expected
    assert len(ours) > 100
    assert not any(line.startswith("e2fsprogs ") for line in ours)
    assert {one["ecosystem"] for one in of_kind(listed, "deb")} == {"Debian:12"}
    assert {one["layerNumber"] for one in of_kind(listed, "deb")} == {0}


def test_pip(scow_here: Scow, listed: dict[str, Any]) -> None:
    """pip also lists what dpkg brought; scow lists that once, as Debian's."""
    local = "/usr/local/lib/python3.11/dist-packages"
    told = scow_here("run", "--rm", "app:1", "pip", "list", "--format", "json", "--path", local).ok().stdout
    expected = sorted((one["name"], one["version"]) for one in json.loads(told))
    assert sorted((one["name"], one["version"]) for one in of_kind(listed, "pypi")) == expected
    assert ("requests", "2.19.1") in expected
    assert {one["layerNumber"] for one in of_kind(listed, "pypi")} == {2}
    everything = json.loads(scow_here("run", "--rm", "app:1", "pip", "list", "--format", "json").ok().stdout)
    rest = {one["name"] for one in everything} - {name for name, _ in expected}
    assert {"pip", "setuptools", "wheel"} <= rest


def test_npm(scow_here: Scow, listed: dict[str, Any], app: Path) -> None:
    npm = shutil.which("npm")
    assert npm
    argv = [npm, "ls", "--all", "--parseable", "--long"]
    told = subprocess.run(argv, cwd=app, capture_output=True, text=True, check=True).stdout.splitlines()
    expected = sorted(line.split(":")[1] for line in told if "/node_modules/" in line)
    assert sorted(f"{one['name']}@{one['version']}" for one in of_kind(listed, "npm")) == expected
    assert len(expected) > 40
    assert {one["layerNumber"] for one in of_kind(listed, "npm")} == {3}


def test_nothing_else(listed: dict[str, Any]) -> None:
    assert {one["type"] for one in listed["packages"]} == {"deb", "pypi", "npm"}
    assert listed["unread"] == []


def test_the_same_bytes_from_another_store(scow_here: Scow, tmp_path: Path) -> None:
    archive = tmp_path / "app.tar"
    scow_here("save", "-o", str(archive), "app:1").ok()
    for form in ("cyclonedx", "spdx"):
        first = scow_here("sbom", "--format", form, "app:1").ok().stdout
        scow_here("load", "-i", str(archive), root=tmp_path / form).ok()
        assert scow_here("sbom", "--format", form, "app:1", root=tmp_path / form).ok().stdout == first
