"""What is left out: ignore files and OpenVEX."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scow.errors import Invalid, Limit
from scow.scan.finding import Finding, Report
from scow.scan.ignore import Ignoring, Rule, joined, left_out, parse_ignore
from scow.scan.package import Catalog, Package
from scow.scan.vex import parse_vex

PACKAGE = Package(
    "libssl3", "3.0.11-1", "deb", "Debian:12", "openssl", arch="amd64", namespace="debian", distro="debian-12"
)
FINDING = Finding("CVE-2024-1", ("CVE-2024-1", "DEBIAN-CVE-2024-1"), PACKAGE)
CATALOG = Catalog("registry.example.com:5000/team/app:1", "sha256:" + "a" * 64)


def reason(ignoring: Ignoring, today: str = "2024-06-01") -> str:
    told = left_out(Report(CATALOG, (FINDING,)), ignoring, today)
    return "".join(one.ignored for one in told.ignored)


def test_the_rules_of_a_file() -> None:
    told = parse_ignore("""
# looked at by Ada
CVE-2024-1
CVE-2024-2 exp:2024-12-31   # until the rebuild

GHSA-aaaa-bbbb-cccc pkg:openssl pkg:curl
""", ".scowignore")  # fmt: skip
    assert told.rules == (
        Rule("CVE-2024-1", reason="looked at by Ada"),
        Rule("CVE-2024-2", until="2024-12-31", reason="until the rebuild"),
        Rule("GHSA-aaaa-bbbb-cccc", ("openssl", "curl")),
    )


@pytest.mark.parametrize(
    ("text", "today", "expected"),
    [
        ("CVE-2024-1", "2024-06-01", "ignored"),
        ("DEBIAN-CVE-2024-1 # by any of its names", "2024-06-01", "by any of its names"),
        ("CVE-2024-11", "2024-06-01", ""),
        ("CVE-2024-1 exp:2024-06-01", "2024-06-01", "ignored"),
        ("CVE-2024-1 exp:2024-05-31", "2024-06-01", ""),
        ("CVE-2024-1 pkg:libssl3", "2024-06-01", "ignored"),
        ("CVE-2024-1 pkg:openssl", "2024-06-01", "ignored"),
        ("CVE-2024-1 pkg:curl", "2024-06-01", ""),
        ("", "2024-06-01", ""),
    ],
)
def test_what_a_rule_leaves_out(text: str, today: str, expected: str) -> None:
    assert reason(parse_ignore(text, "x"), today) == expected


@pytest.mark.parametrize(
    "text", ["CVE-1 exp:tomorrow", "CVE-1 exp:2025-02-30", "CVE-1 CVE-2", "CVE-1 pkg:", "ok\nCVE-1 until:2024-01-01"]
)
def test_what_is_no_rule_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_ignore(text, ".scowignore")
    assert caught.value.where
    assert caught.value.where.line == text.count("\n") + 1


def vex(*statements: dict[str, Any], **fields: Any) -> Ignoring:
    document = {"@context": "https://openvex.dev/ns/v0.2.0", "timestamp": "2024-01-01T00:00:00Z", **fields}
    return Ignoring(statements=parse_vex(json.dumps({**document, "statements": statements}).encode(), "x.json"))


def statement(*products: Any, status: str = "not_affected", **fields: Any) -> dict[str, Any]:
    return {"vulnerability": {"name": "CVE-2024-1"}, "products": products, "status": status, **fields}


SSL = "pkg:deb/debian/libssl3@3.0.11-1"


@pytest.mark.parametrize(
    ("product", "holds"),
    [
        ({"@id": SSL}, True),
        ({"@id": "pkg:deb/debian/libssl3"}, True),
        ({"@id": SSL + "?arch=amd64"}, True),
        ({"@id": SSL + "?arch=arm64"}, False),
        ({"@id": SSL + "?epoch=1"}, False),
        ({"@id": "pkg:deb/debian/libssl3@3.0.12-1"}, False),
        ({"@id": "pkg:deb/ubuntu/libssl3"}, False),
        ({"@id": "pkg:rpm/debian/libssl3"}, False),
        ({"@id": "libssl3", "identifiers": {"purl": SSL}}, True),
        ({"@id": "pkg:oci/app@sha256%3A" + "a" * 64}, True),
        ({"@id": "pkg:oci/app@sha256:" + "b" * 64}, False),
        ({"@id": "pkg:oci/app?repository_url=registry.example.com:5000/team"}, True),
        ({"@id": "pkg:oci/app?repository_url=registry.example.com:5000/team/app"}, True),
        ({"@id": "pkg:oci/app?repository_url=registry.example.com:5000/other/app"}, False),
        ({"@id": "pkg:oci/app?repository_url=!"}, False),
        ({"@id": "pkg:oci/other"}, False),
        ({"@id": "registry.example.com:5000/team/app:1"}, True),
        ({"@id": "pkg:oci/app", "subcomponents": [{"@id": SSL}]}, True),
        ({"@id": "pkg:oci/app", "subcomponents": [{"@id": "pkg:deb/debian/curl"}]}, False),
        ({"@id": "pkg:oci/other", "subcomponents": [{"@id": SSL}]}, False),
        (SSL, True),
        ({"@id": "not a purl"}, False),
        ({}, False),
        (7, False),
    ],
)
def test_products(product: Any, holds: bool) -> None:
    assert bool(reason(vex(statement(product)))) is holds


@pytest.mark.parametrize(
    ("status", "holds"), [("not_affected", True), ("fixed", True), ("affected", False), ("under_investigation", False)]
)
def test_statuses(status: str, holds: bool) -> None:
    assert bool(reason(vex(statement(SSL, status=status)))) is holds


def test_the_last_statement_counts() -> None:
    old = statement(SSL, timestamp="2024-01-01T00:00:00Z")
    new = statement(SSL, status="affected", timestamp="2024-02-01T00:00:00Z")
    assert not reason(vex(new, old))
    assert reason(joined([vex(new), vex(statement(SSL), timestamp="2024-03-01T00:00:00Z")]))


def test_of_statements_of_one_time_the_last_counts() -> None:
    denied, affected = statement(SSL), statement(SSL, status="affected")
    assert not reason(vex(denied, affected))
    assert reason(vex(affected, denied))
    other = {**affected, "vulnerability": {"name": "DEBIAN-CVE-2024-1"}}
    assert not reason(vex(denied, other))
    assert reason(vex(other, denied))


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("2024-01-01T09:00:00+09:00", "2024-01-01T01:00:00Z"),
        ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00.123456789Z"),
        ("2024-01-01T00:00:00", "2024-01-01T00:00:01Z"),
        ("soon", "2024-01-01T00:00:00Z"),
    ],
)
def test_times_are_compared_as_times(earlier: str, later: str) -> None:
    told = statement(SSL, timestamp=later), statement(SSL, status="affected", timestamp=earlier)
    assert reason(vex(*told, timestamp=""))
    assert reason(vex(*reversed(told), timestamp=""))


def test_many_rules_and_statements_are_no_trouble() -> None:
    """Counted: what is not about a vulnerability is not looked at for it."""
    looked = 0

    class Name(str):
        def __eq__(self, other: object) -> bool:
            nonlocal looked
            looked += 1
            return str.__eq__(self, other)

        __hash__ = str.__hash__

    rules = tuple(Rule(Name(f"CVE-1-{number}")) for number in range(1000))
    findings = tuple(Finding(f"CVE-2-{number}", (f"CVE-2-{number}",), PACKAGE) for number in range(1000))
    told = left_out(Report(CATALOG, findings), Ignoring(rules), "2024-01-01")
    assert told.findings == findings
    assert looked < 20_000


def test_why() -> None:
    told = statement(SSL, justification="vulnerable_code_not_present", impact_statement="built without it")
    assert reason(vex(told)) == "VEX: not affected, vulnerable code not present, built without it"


def test_names_of_the_vulnerability() -> None:
    assert reason(vex({**statement(SSL), "vulnerability": "CVE-2024-1"}))
    assert reason(vex({**statement(SSL), "vulnerability": {"name": "X", "aliases": ["DEBIAN-CVE-2024-1"]}}))
    assert not reason(vex({**statement(SSL), "vulnerability": {"name": "CVE-2024-2"}}))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"[]",
        b'{"@context": "https://cyclonedx.org"}',
        b'{"@context": "https://openvex.dev/ns", "statements": 1}',
    ],
)
def test_what_is_no_vex_is_refused(raw: bytes) -> None:
    with pytest.raises(Invalid):
        parse_vex(raw, "x.json")


def test_a_deep_document_is_refused() -> None:
    with pytest.raises(Limit):
        parse_vex(b'{"statements":' + b"[" * 1000 + b"]" * 1000 + b"}", "x.json")
