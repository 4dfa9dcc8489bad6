"""``scow sbom``: the table, the documents, and the one beside the image at its registry."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from tests.image.images import stored
from tests.layer.tars import item
from tests.support.cli import Scow

from scow.image.store import Store
from scow.testing.registry import Registry

STATUS = b"Package: bash\nStatus: install ok installed\nVersion: 5.2\nArchitecture: amd64\n"
NPM = b'{"name": "x", "version": "1.0.0"}'
LOCK = b'{"packages": {"": {}, "node_modules/y": {"version": "2.0.0"}}}'


@pytest.fixture
def image(scow_root: Path) -> str:
    base = [item("etc/os-release", data=b"ID=debian\nVERSION_ID=12\n"), item("var/lib/dpkg/status", data=STATUS)]
    top = [
        item("app/node_modules/x/package.json", data=NPM),
        item("app/package-lock.json", data=LOCK),
        item("x.jar", data=b"nothing"),
    ]
    stored(Store(scow_root), [base, top], "app:1")
    return "app:1"


def test_the_table(scow: Scow, image: str) -> None:
    done = scow("sbom", image).ok()
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [line[:3] for line in lines] == [["NAME", "VERSION", "TYPE"], ["bash", "5.2", "deb"], ["x", "1.0.0", "npm"]]
    assert done.stderr == "not read: /x.jar: is not a ZIP archive, or is cut short\n"


def test_documents(scow: Scow, image: str, tmp_path: Path) -> None:
    first = scow("sbom", "--format", "cyclonedx", image).ok().stdout
    assert scow("sbom", "--format=cyclonedx", image).ok().stdout == first
    assert [one["name"] for one in json.loads(first)["components"]] == ["debian", "bash", "x"]
    scow("sbom", "--format", "spdx", "-o", str(tmp_path / "x.json"), image).ok()
    assert json.loads((tmp_path / "x.json").read_text())["spdxVersion"] == "SPDX-2.3"
    again = json.loads(scow("sbom", "--format", "json", str(tmp_path / "x.json")).ok().stdout)
    assert [one["purl"] for one in again["packages"]] == [
        "pkg:deb/debian/bash@5.2?arch=amd64&distro=debian-12",
        "pkg:npm/x@1.0.0",
    ]


def test_lockfiles_on_request(scow: Scow, image: str) -> None:
    assert "2.0.0" not in scow("sbom", image).ok().stdout
    assert "2.0.0" in scow("sbom", "--lockfiles", image).ok().stdout


def test_what_goes_wrong(scow: Scow, image: str) -> None:
    assert "no such format" in scow("sbom", "--format", "xml", image).stderr
    assert scow("sbom", "--format", "table", "--attach", image).exit_code != 0
    assert scow("sbom", "sbom:/nowhere.json").exit_code != 0
    assert "is at no registry" in scow("sbom", "--attach", "dir:/nowhere").stderr


def test_a_path_that_is_no_text(scow: Scow, tmp_path: Path) -> None:
    place = tmp_path / os.fsdecode(b"ro\xff ot") / "var/lib/dpkg"
    place.mkdir(parents=True)
    (place / "status").write_bytes(STATUS)
    told = scow("sbom", "--format", "json", f"dir:{place.parents[2]}").ok().stdout
    assert json.loads(told)["image"]["name"].endswith("ro\\xff ot")


def test_attached(scow: Scow, image: str, tmp_path: Path) -> None:
    with Registry() as registry:
        name = f"{registry.host}/app:1"
        scow("tag", image, name).ok()
        scow("push", name).ok()
        here = json.loads(scow("sbom", "--format", "json", name).ok().stdout)
        there = json.loads(scow("sbom", "--format", "json", f"docker://{name}", root=tmp_path / "two").ok().stdout)
        assert there["packages"] == here["packages"]
        made = scow("sbom", "--attach", name).ok().stdout.strip()
        listed = scow("referrers", "--format", "{{.Digest}} {{.ArtifactType}}", name).ok().stdout
        assert listed == f"{made} application/vnd.cyclonedx+json\n"
