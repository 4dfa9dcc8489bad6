"""Bills of materials against the official schemas, and read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scow.scan.bom.cyclonedx import cyclonedx
from scow.scan.bom.licences import is_expression
from scow.scan.bom.plain import plain
from scow.scan.bom.spdx import spdx
from scow.scan.bom.writing import pieces
from scow.scan.catalog.bills import from_bill
from scow.scan.catalog.sbom import bill
from scow.scan.package import Catalog, Distribution, Origin, Package, Unread
from scow.scan.purls import from_purl

DEBIAN = Distribution("debian", "12", "12 (bookworm)", "bookworm", "Debian GNU/Linux 12 (bookworm)")
PACKAGES = (
    Package("libssl3", "3.0.11-1~deb12u2", "deb", "Debian:12", "openssl", "3.0.11-1", "amd64", (),
            b"var/lib/dpkg/status", 0, "debian", "debian-12"),
    Package("npm", "1:6.14-1.el9", "rpm", "Rocky Linux:9", "nodejs", "14.21-1.el9", "x86_64", namespace="rocky",
            distro="rocky-9.3", location=b"var/lib/rpm/rpmdb.sqlite", modularity="nodejs:14:9010:abc"),
    Package("bash", "1:5.1.8-9.el9", "rpm", "Rocky Linux:9", arch="x86_64", licences=("GPLv3+",), namespace="rocky",
            distro="rocky-9.3", location=b"var/lib/rpm/rpmdb.sqlite"),
    Package("@babel/core", "7.0.0", "npm", "npm", licences=("MIT",), location=b"node_modules/x/package.json", layer=1),
    Package("golang.org/x/text", "v0.3.5", "golang", "Go", location=b"usr/bin/app", layer=1),
    Package("org.x:y", "1", "maven", "Maven", licences=("MIT OR Apache-2.0",), location=b"a.jar!/b.jar", layer=1),
    Package("six", "1.16", "pypi", "PyPI", licences=("MIT", "Some text, of any"), location=b"\xff/METADATA", layer=1),
    Package("thing", "1", "maven", location=b"thing.jar"),
)  # fmt: skip
WHOLE = Catalog(
    "app:1", "sha256:" + "a" * 64, DEBIAN, PACKAGES, (Unread(b"x.jar", "is damaged", 1),),
    (Origin("sha256:" + "b" * 64, "ADD x /"), Origin("sha256:" + "c" * 64)), "2024-05-06T07:08:09.123456789Z",
)  # fmt: skip
CATALOGS = {"whole": WHOLE, "empty": Catalog(), "directory": msgspec.structs.replace(WHOLE, digest="", layers=())}


def encoded(document: dict[str, Any]) -> str:
    return b"".join(pieces(document)).decode()


@pytest.mark.parametrize("name", CATALOGS)
def test_cyclonedx_is_valid(name: str) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(encoded(cyclonedx(CATALOGS[name], "1.0")))
    assert problem is None


@pytest.mark.parametrize("name", CATALOGS)
def test_spdx_is_valid(name: str, tmp_path: Path) -> None:
    from spdx_tools.spdx.parser.parse_anything import parse_file
    from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

    path = tmp_path / "x.spdx.json"
    path.write_text(encoded(spdx(CATALOGS[name], "1.0")))
    assert validate_full_spdx_document(parse_file(str(path))) == []


@pytest.mark.parametrize("write", [cyclonedx, spdx, plain])
def test_the_same_catalog_gives_the_same_bytes(write: Any) -> None:
    copy = msgspec.msgpack.decode(msgspec.msgpack.encode(WHOLE), type=Catalog)
    assert encoded(write(WHOLE, "1")) == encoded(write(copy, "1"))
    other = msgspec.structs.replace(WHOLE, packages=PACKAGES[1:])
    assert encoded(write(WHOLE, "1")) != encoded(write(other, "1"))


@pytest.mark.parametrize("name", CATALOGS)
@pytest.mark.parametrize("write", [cyclonedx, spdx, plain])
def test_a_document_in_pieces_is_laid_out_as_a_whole_one(write: Any, name: str) -> None:
    text = encoded(write(CATALOGS[name], "1"))
    assert text == json.dumps(json.loads(text), ensure_ascii=False, indent=2) + "\n"


def test_a_document_is_never_there_as_a_whole() -> None:
    """What is written of a package is gone before the next ones are made."""
    many = (msgspec.structs.replace(PACKAGES[3], name=f"p{number}") for number in range(3000))
    catalog = msgspec.structs.replace(WHOLE, packages=tuple(many))
    for write in (cyclonedx, spdx, plain):
        sizes = [len(piece) for piece in pieces(write(catalog, "1"))]
        assert len(sizes) > 3 and max(sizes) < 300_000


def test_what_an_spdx_document_says() -> None:
    document = json.loads(encoded(spdx(WHOLE, "1.0")))
    assert document["creationInfo"] == {"created": "2024-05-06T07:08:09Z", "creators": ["Tool: scow-1.0"]}
    assert document["comment"] == "Could not be read:\n/x.jar: is damaged"
    declared = {one["name"]: one["licenseDeclared"] for one in document["packages"]}
    assert declared["org.x:y"] == "MIT OR Apache-2.0"
    assert declared["bash"].startswith("LicenseRef-")
    assert {one["extractedText"] for one in document["hasExtractedLicensingInfos"]} == {
        "GPLv3+",
        "Some text, of any",
    }


def test_the_plain_document_names_layers() -> None:
    document = json.loads(encoded(plain(WHOLE, "1.0")))
    assert document["packages"][3]["layer"] == "sha256:" + "c" * 64
    assert document["packages"][2]["source"] == {"name": "bash", "version": "1:5.1.8-9.el9"}
    assert document["unread"] == [{"path": "/x.jar", "reason": "is damaged", "layer": "sha256:" + "c" * 64}]


@pytest.mark.parametrize("write", [cyclonedx, spdx])
def test_a_bill_is_read_back(write: Any, tmp_path: Path) -> None:
    path = tmp_path / "bill.json"
    path.write_text(encoded(write(WHOLE, "1")))
    found = from_bill("bill.json", str(path))

    def key(package: Package) -> tuple[str, ...]:
        return package.purl, package.ecosystem if package.name != "thing" else "", package.source

    assert sorted(map(key, found.packages)) == sorted(map(key, PACKAGES))
    assert found.distribution == Distribution("debian", "12")
    assert found.unread == ()


@pytest.mark.parametrize("data", ["", "{", "[]", "{}", '{"bomFormat": "CycloneDX", "components": [{"purl": "pkg:x"}]}'])
def test_what_is_no_bill_is_told(data: str, tmp_path: Path) -> None:
    path = tmp_path / "bill.json"
    path.write_text(data)
    found = from_bill("bill.json", str(path))
    assert found.packages == ()
    assert len(found.unread) == 1


@pytest.mark.parametrize("package", PACKAGES, ids=lambda one: one.name)
def test_purls_both_ways(package: Package) -> None:
    found = from_purl(package.purl, package.location)
    assert isinstance(found, Package)
    assert found.purl == package.purl
    assert (found.name, found.version, found.kind) == (package.name, package.version, package.kind)
    assert (found.source, found.source_version) == (package.source, package.source_version)
    assert found.modularity == package.modularity


@pytest.mark.parametrize(
    ("purl", "name", "ecosystem"),
    [
        ("pkg:deb/debian/bash@5.2?distro=debian-12.5", "bash", "Debian:12"),
        ("pkg:deb/debian/bash@5.2?distro=bookworm", "bash", "Debian:12"),
        ("pkg:apk/alpine/musl@1.2.4-r2?distro=3.18.4", "musl", "Alpine:v3.18"),
        ("pkg:rpm/redhat/bash@5-1.el9?distro=redhat-9.3", "bash", "Red Hat:enterprise_linux:9"),
        ("pkg:rpm/alma/bash@5-1.el9?distro=alma-9.3", "bash", "AlmaLinux:9"),
        ("pkg:rpm/opensuse.leap/bash@5-1?distro=opensuse.leap-15.5", "bash", "openSUSE:Leap 15.5"),
        ("pkg:rpm/opensuse/bash@5-1?distro=opensuse-tumbleweed", "bash", "openSUSE:Tumbleweed"),
        ("pkg:deb/debian/bash@5.2", "bash", ""),
        ("pkg:hex/phoenix@1.7.0", "phoenix", "Hex"),
        ("pkg:pub/http@0.13.0", "http", "Pub"),
        ("pkg:swift/github.com/vapor/vapor@4.0.0", "github.com/vapor/vapor", "SwiftURL"),
        ("pkg:githubactions/actions/checkout@v3", "actions/checkout", "GitHub Actions"),
        ("pkg:cran/readxl@1.4.0", "readxl", "CRAN"),
        ("pkg:conan/zlib@1.2.11", "zlib", ""),
    ],
)
def test_purls_that_others_write(purl: str, name: str, ecosystem: str) -> None:
    found = from_purl(purl)
    assert isinstance(found, Package)
    assert (found.name, found.ecosystem) == (name, ecosystem)


def test_a_bill_of_trivys_tells_the_source_apart_from_the_purl() -> None:
    def component(purl: str, **source: str) -> dict[str, Any]:
        return {"purl": purl, "properties": [{"name": f"aquasecurity:trivy:Src{key}", "value": value}
                                             for key, value in source.items()]}  # fmt: skip

    told = {"bomFormat": "CycloneDX", "components": [
        component("pkg:deb/debian/libssl3@3.0-1%2Bb1?distro=debian-12.5", Name="openssl", Version="3.0", Release="1"),
        component("pkg:deb/debian/dos@1%3A2-1", Name="dos", Epoch="1", Version="2", Release="1"),
        component("pkg:rpm/redhat/libs@3-1.el9?epoch=1", Name="openssl", Epoch="1", Version="3", Release="1.el9"),
        component("pkg:apk/alpine/data@3.4-r1?distro=3.18.4", Name="baselayout", Version="3.4-r1"),
        component("pkg:npm/a@1.0.0", Name="b"),
    ]}  # fmt: skip
    found = [(one.source, one.source_version) for one in bill(b"", json.dumps(told).encode()).packages]
    assert found == [("openssl", "3.0-1"), ("", ""), ("openssl", ""), ("baselayout", ""), ("", "")]
    described = {"sourceInfo": "built package from: openssl 3.0.11-1", "externalRefs": [
        {"referenceType": "purl", "referenceLocator": "pkg:deb/debian/libssl3@3.0.11-1"}]}  # fmt: skip
    (package,) = bill(b"", json.dumps({"spdxVersion": "SPDX-2.3", "packages": [described]}).encode()).packages
    assert (package.source, package.source_version) == ("openssl", "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("MIT", True),
        ("MIT OR Apache-2.0", True),
        ("(MIT AND BSD-3-Clause) OR GPL-2.0-only WITH Classpath-exception-2.0", True),
        ("GPLv3+", False),
        ("MIT OR", False),
        ("MIT Apache-2.0", False),
        ("(MIT", False),
        ("MIT)", False),
        ("MIT WITH MIT", False),
        ("", False),
        ("AND", False),
    ],
)
def test_licence_expressions(text: str, expected: bool) -> None:
    assert is_expression(text) is expected
