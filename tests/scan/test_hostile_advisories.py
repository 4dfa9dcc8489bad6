"""Whatever an advisory, an ignore file or a mark is made of: an answer or a reason, in bounded time, no other error."""

from __future__ import annotations

import contextlib
import io
import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scow.errors import Invalid, Limit, Unsupported
from scow.scan.advisory import Record, parse
from scow.scan.affected import fixed_version, is_affected, ruling
from scow.scan.ignore import parse_ignore
from scow.scan.marks import exploited, likelihoods
from scow.scan.match import match
from scow.scan.package import Package
from scow.scan.severity import rated
from scow.scan.vex import parse_vex

_SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=12))
_ANYTHING = st.recursive(
    _SCALARS, lambda one: st.one_of(st.lists(one, max_size=4), st.dictionaries(st.text(max_size=6), one, max_size=4)),
    max_leaves=12,
)  # fmt: skip
_VERSIONS = st.one_of(
    st.sampled_from(["0", "1.0", "1.0.0-rc1", "2", "v3", "1:2-3", "*", "", "latest", "9" * 600]), st.text(max_size=9)
)
_EVENTS = st.lists(
    st.dictionaries(st.sampled_from(["introduced", "fixed", "last_affected", "limit", "other"]), _VERSIONS, max_size=2),
    max_size=5,
)
_RANGES = st.fixed_dictionaries({"type": st.sampled_from(["SEMVER", "ECOSYSTEM", "GIT", "NEW", ""]), "events": _EVENTS})
_AFFECTED = st.fixed_dictionaries(
    {
        "package": st.fixed_dictionaries({
            "ecosystem": st.sampled_from(["Debian:12", "PyPI", "npm", "Maven", "Go", "Odd", "Alpine:v3.19", ""]),
            "name": st.sampled_from(["x", "X_y", "é"]),
        }),
    },
    optional={
        "ranges": st.lists(_RANGES, max_size=3), "versions": st.lists(_VERSIONS, max_size=4),
        "severity": st.lists(st.fixed_dictionaries({"type": st.text(max_size=8), "score": st.text()}), max_size=2),
        "ecosystem_specific": st.dictionaries(st.sampled_from(["urgency", "x"]), _ANYTHING, max_size=2),
    },
)  # fmt: skip
_DOCUMENTS = st.fixed_dictionaries(
    {"id": st.text(min_size=1, max_size=9)},
    optional={
        "affected": st.one_of(st.lists(_AFFECTED, max_size=3), _ANYTHING),
        "aliases": st.lists(st.text(max_size=9), max_size=3),
        "summary": st.text(max_size=300), "details": _ANYTHING, "references": _ANYTHING, "database_specific": _ANYTHING,
        "withdrawn": st.none(), "modified": st.text(max_size=9),
    },
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(_DOCUMENTS, _VERSIONS)
def test_any_document_is_judged_or_refused(document: dict[str, Any], version: str) -> None:
    try:
        advisory, several = parse(json.dumps(document).encode())
    except (Invalid, Limit):
        return
    records: dict[tuple[str, str], list[Record]] = {}
    for affected in several:
        record = Record(advisory, affected)
        rated(record)
        with contextlib.suppress(Invalid, Unsupported):
            assert is_affected(version, ruling(affected)) in (True, False)
            fixed_version(version, [ruling(affected)])
        records.setdefault((affected.ecosystem.partition(":")[0], affected.name), []).append(record)
    packages = [Package(name, version, "deb", one.ecosystem) for one in several for name in ("x", "é")]
    findings, _ = match(packages, records)
    assert all(finding.ids and finding.name for finding in findings)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200), _ANYTHING, st.text(max_size=80))
def test_any_file_is_read_or_refused(raw: bytes, value: Any, text: str) -> None:
    wrapped = json.dumps({"@context": "https://openvex.dev/ns", "statements": value}).encode()
    for read in (
        lambda: parse_ignore(text, "x"), lambda: parse_vex(raw, "x"), lambda: parse_vex(wrapped, "x"),
        lambda: list(exploited(io.BytesIO(raw), "x")), lambda: list(likelihoods(io.BytesIO(raw), "x")),
        lambda: list(exploited(io.BytesIO(json.dumps({"vulnerabilities": value}).encode()), "x")),
    ):  # fmt: skip
        with contextlib.suppress(Invalid, Limit):
            read()


@pytest.mark.parametrize(
    "ecosystem", ["Debian:12", "PyPI", "npm", "Maven", "RubyGems", "Packagist", "Alpine:v3.19", "Go"]
)
def test_a_document_of_huge_lists_is_judged_in_bounded_time(ecosystem: str) -> None:
    """10 000 events and as many versions, none of them twice, and no fix that helps: a second or two, and not hours."""
    events = [{"introduced" if at % 2 else "fixed": f"{at}.0-a{at}"} for at in range(10_000)]
    ranges = [{"type": "ECOSYSTEM", "events": several} for several in (events, [{"introduced": "0"}])]
    package = {"ecosystem": ecosystem, "name": "x"}
    affected = {"package": package, "ranges": ranges, "versions": [f"{at}.1" for at in range(10_000)]}
    raw = json.dumps({"id": "H", "affected": [affected]}).encode()
    begun = time.process_time()
    _, (one,) = parse(raw)
    with contextlib.suppress(Invalid):
        is_affected("5000.5", ruling(one))
        fixed_version("5000.5", [ruling(one)])
    assert time.process_time() - begun < 10


@pytest.mark.parametrize(
    "text", ["1." * 255 + "1", "a" * 512, "-" * 512, "1" + "-a" * 255, "1.0+" + "a." * 200, "9" * 512, "~" * 512]
)
def test_versions_that_look_like_traps_are_read_quickly(text: str) -> None:
    from scow.scan.versions.order import ORDERS

    begun = time.process_time()
    for order in set(ORDERS.values()):
        with contextlib.suppress(Invalid):
            order(text)
    assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://example.com/CVE-1?a=b#c", True), ("https://example.com/\u00e9 x", False), ("https://", False),
        ("https://example.com/\x1b[31m", False), ("javascript:alert(1)", False), ("https://a/" + "b" * 5000, False),
    ],
)  # fmt: skip
def test_a_link_is_one_that_a_document_may_hold(url: str, kept: bool) -> None:
    raw = json.dumps({"id": "X-1", "modified": "", "references": [{"type": "ADVISORY", "url": url}]})
    assert parse(raw.encode())[0].url == (url if kept else "")
