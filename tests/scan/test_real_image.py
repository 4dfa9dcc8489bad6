"""A real Debian 12 with known vulnerable packages in it, held against a second opinion that shares nothing with scow.

Packages come from ``dpkg-query``, versions are compared by ``dpkg`` and by Python's ``packaging``, and the advisories
are judged by the OSV text (:mod:`tests.support.osv`).
"""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version
from tests.support import osv
from tests.support.cli import Scow, bound_scow, popen_scow
from tests.support.peers import path_of
from tests.support.shared import shared

pytestmark = [pytest.mark.slow, pytest.mark.peers]

#: as pip and npm would have left them
PYPI = {
    "Django": "3.2.0",
    "urllib3": "1.26.0",
    "Jinja2": "2.11.0",
    "requests": "2.25.0",
    "PyYAML": "5.3",
    "idna": "3.7",
}
NPM = {"lodash": "4.17.10", "minimist": "1.2.0", "ms": "2.1.3"}


@pytest.fixture(scope="module")
def scanned(debian_tar: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Scow, Path]:
    """The command on a store that has the image ``app:1`` and every shared advisory."""
    directory = tmp_path_factory.mktemp("scan")
    (directory / "home").mkdir()
    scow = bound_scow(directory / "store", directory / "home")
    scow("db", "import", "-q", str(shared("advisories", "osv"))).ok()
    scow("db", "import", "-q", "--kev", str(shared("advisories", "kev-2025-08-25.json.gz"))).ok()
    scow("import", str(debian_tar), "base:1").ok()
    (directory / "context").mkdir()
    (directory / "context" / "app.tar").write_bytes(application())
    (directory / "context" / "Dockerfile").write_text("FROM base:1\nADD app.tar /\n")
    scow("build", "-q", "-t", "app:1", str(directory / "context")).ok()
    return scow, directory


def application() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, version in PYPI.items():
            text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
            _add(archive, f"usr/local/lib/python3.11/site-packages/{name}-{version}.dist-info/METADATA", text)
        for name, version in NPM.items():
            _add(archive, f"app/node_modules/{name}/package.json", json.dumps({"name": name, "version": version}))
    return out.getvalue()


def _add(archive: tarfile.TarFile, name: str, text: str) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(text)
    archive.addfile(member, io.BytesIO(text.encode()))


@cache
def by_dpkg(left: str, right: str) -> int:
    def holds(operator: str) -> bool:
        return subprocess.run(["dpkg", "--compare-versions", left, operator, right], check=False).returncode == 0

    return -1 if holds("lt") else 1 if holds("gt") else 0


def by_packaging(left: str, right: str) -> int:
    first, second = Version(left), Version(right)
    return (first > second) - (first < second)


def by_numbers(left: str, right: str) -> int:
    """The npm versions here are plain."""
    first, second = ([int(part) for part in text.split("-")[0].split(".")] for text in (left, right))
    return (first > second) - (first < second)


def debian_packages(debian_tar: Path, directory: Path) -> Iterator[tuple[str, str, str]]:
    """(binary package, source, source's version), as dpkg-query has them."""
    unpacking = ["tar", "-xf", str(debian_tar), "-C", str(directory), "--wildcards", "*var/lib/dpkg/*"]
    subprocess.run(unpacking, check=True)
    form = "${db:Status-Abbrev}|${Package}|${source:Package}|${source:Version}\n"
    argv = [path_of("dpkg-query"), f"--admindir={directory}/var/lib/dpkg", "-W", "-f", form]
    for line in subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines():
        state, name, source, version = line.split("|")
        if state[1] == "i":
            yield name, source, version


def expected(debian_tar: Path, directory: Path) -> set[tuple[str, str]]:
    """(package, advisory) by the second opinion."""
    found: set[tuple[str, str]] = set()
    packages = list(debian_packages(debian_tar, directory))
    for document in osv.documents("Debian"):
        names = {one["package"]["name"] for one in document["affected"]}
        for name, source, version in packages:
            if source in names and osv.is_vulnerable("Debian:12", source, version, document, by_dpkg):
                found.add((name, document["id"]))
    for ecosystem, several, compare in (("PyPI", PYPI, by_packaging), ("npm", NPM, by_numbers)):
        named = {canonicalize_name(name) if ecosystem == "PyPI" else name: name for name in several}
        for document in osv.documents(ecosystem):
            for told in {one["package"]["name"] for one in document["affected"]}:
                known = named.get(canonicalize_name(told) if ecosystem == "PyPI" else told)
                if known and osv.is_vulnerable(ecosystem, told, several[known], document, compare):
                    found.add((known, document["id"]))
    return found


def test_findings_are_those_of_the_second_opinion(scanned: tuple[Scow, Path], debian_tar: Path, tmp_path: Path) -> None:
    scow, _ = scanned
    report = json.loads(scow("scan", "--offline", "--format", "json", "app:1").ok().stdout)
    told = expected(debian_tar, tmp_path)
    ids = {name for _, name in told}
    found = {(one["Package"]["Name"], name) for one in report["Findings"] for name in one["IDs"] if name in ids}
    assert len({name for name, _ in told}) > 15
    assert found == told
    known = {one["Package"]["Name"] for one in report["Findings"]}
    assert known == {name for name, _ in told}
    assert report["Uncovered"] == []
    assert report["Undecided"] == []
    layers = {one["Package"]["Kind"]: one["Layer"] for one in report["Findings"]}
    assert layers == {"deb": 0, "pypi": 1, "npm": 1}
    unimportant = {one["Name"] for one in report["Findings"] if one["State"] == "unimportant"}
    assert "CVE-2005-2541" in unimportant


def test_eight_scans_at_once(scanned: tuple[Scow, Path]) -> None:
    scow, directory = scanned
    alone = scow("scan", "--offline", "-q", "app:1").ok().output
    running = [popen_scow("scan", "--offline", "-q", "app:1", root=directory / "store") for _ in range(8)]
    importing = popen_scow("db", "import", "-q", str(shared("advisories", "osv")), root=directory / "store")
    for process in running:
        stdout, stderr = process.communicate(timeout=120)
        assert (process.returncode, stdout, stderr) == (0, alone, b"")
    assert importing.wait(timeout=120) == 0
    assert alone


def test_the_same_image_gives_the_same_documents(scanned: tuple[Scow, Path]) -> None:
    scow, _ = scanned
    for form in ("cyclonedx", "spdx", "sarif"):
        first, second = (scow("scan", "--offline", "--format", form, "app:1").ok().output for _ in range(2))
        assert first == second


def test_an_image_and_its_bill_of_materials_have_the_same_findings(scanned: tuple[Scow, Path], tmp_path: Path) -> None:
    scow, _ = scanned
    whole: Any = json.loads(scow("scan", "--offline", "--format", "json", "app:1").ok().stdout)
    for form in ("cyclonedx", "spdx"):
        path = tmp_path / f"{form}.json"
        scow("sbom", "--format", form, "-o", str(path), "app:1").ok()
        told = json.loads(scow("scan", "--offline", "--format", "json", f"sbom:{path}").ok().stdout)
        assert _names(told) == _names(whole), form


def _names(report: Any) -> list[tuple[str, str]]:
    return sorted((one["Name"], one["Package"]["PURL"]) for one in report["Findings"])


def test_advice_is_true(scanned: tuple[Scow, Path]) -> None:
    """Each upgrade, taken alone, removes as many findings as it says and brings none."""
    scow, directory = scanned

    def told(bill: Any) -> Any:
        (directory / "told.json").write_text(json.dumps(bill))
        return json.loads(scow("scan", "--offline", "--format", "json", f"sbom:{directory / 'told.json'}").ok().stdout)

    bill = json.loads(scow("sbom", "--format", "cyclonedx", "app:1").ok().stdout)
    whole = told(bill)
    assert len(whole["Advice"]) >= 5
    for advice in whole["Advice"]:
        upgraded = json.loads(json.dumps(bill))
        for component in upgraded["components"]:
            base, _, _ = component.get("purl", "").partition("@")
            if base.rpartition("/")[2] in advice["Packages"]:
                component["purl"] = f"{base}@{advice['To']}"
        before, after = (
            {(one["Name"], one["Package"]["Name"]) for one in each["Findings"]} for each in (whole, told(upgraded))
        )
        assert (len(before - after), after - before) == (advice["Removes"], set()), advice
