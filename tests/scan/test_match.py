"""Packages and advisories → findings: names, releases, streams, aliases, severities."""

from __future__ import annotations

import time
from collections import defaultdict
from itertools import permutations
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support import osv, shared

from scow.scan.advisory import Record, parse
from scow.scan.concern import channel_of, covering, covers, queries
from scow.scan.ecosystem import normalised, root
from scow.scan.finding import Finding, Undecided
from scow.scan.match import match
from scow.scan.package import Package
from scow.scan.severity import rated


def advisory(
    name: str,
    *affected: tuple[str, str, str],
    versions: tuple[str, ...] = (),
    urgency: str = "",
    **fields: Any,
) -> list[Record]:
    """The records of an advisory on (ecosystem, package, fixed version); no fix where that is empty."""
    parts = []
    for ecosystem, package, fixed in affected:
        events: list[dict[str, str]] = [{"introduced": "0"}, *([{"fixed": fixed}] if fixed else [])]
        part: dict[str, Any] = {"package": {"ecosystem": ecosystem, "name": package}, "versions": versions}
        part |= {"ranges": [{"type": "ECOSYSTEM", "events": events}], "ecosystem_specific": {"urgency": urgency}}
        parts.append(part)
    document = {"id": name, "modified": "2024-01-01T00:00:00Z", "affected": parts, **fields}
    told, several = parse(msgspec.json.encode(document))
    return [Record(told, one) for one in several]


def scan(packages: list[Package], *several: list[Record]) -> tuple[tuple[Finding, ...], tuple[Undecided, ...]]:
    records: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in [record for records in several for record in records]:
        records[root(record.affected.ecosystem), record.affected.name].append(record)
    return match(packages, records)


def found(package: Package, *several: list[Record]) -> list[str]:
    return [finding.name for finding in scan([package], *several)[0]]


LIBSSL = Package(
    "libssl3", "3.0.11-1~deb12u2+b1", "deb", ecosystem="Debian:12", source="openssl", source_version="3.0.11-1~deb12u2"
)


def test_debian_speaks_of_sources_and_their_versions() -> None:
    assert found(LIBSSL, advisory("CVE-1", ("Debian:12", "openssl", "3.0.11-1~deb12u3"))) == ["CVE-1"]
    assert found(LIBSSL, advisory("CVE-1", ("Debian:12", "openssl", "3.0.11-1~deb12u2"))) == []
    assert found(LIBSSL, advisory("CVE-1", ("Debian:12", "libssl3", "9"))) == []


def test_almalinux_speaks_of_binaries_and_epochs_count() -> None:
    package = Package("bind-libs", "32:9.16.23-1.el9", "rpm", ecosystem="AlmaLinux:9", source="bind")
    assert found(package, advisory("A", ("AlmaLinux:9", "bind-libs", "32:9.16.23-2.el9"))) == ["A"]
    assert found(package, advisory("A", ("AlmaLinux:9", "bind-libs", "9.18.0-1.el9"))) == []  # its epoch is 0
    assert found(package, advisory("A", ("AlmaLinux:9", "bind", "32:9.16.23-2.el9"))) == []


def test_other_rpm_distributions_speak_of_either() -> None:
    package = Package("libcurl4", "8.0-1", "rpm", ecosystem="openSUSE:Leap 15.5", source="curl")
    for name in ("libcurl4", "curl"):
        assert found(package, advisory("S", ("openSUSE:Leap 15.5", name, "8.1-1"))) == ["S"]


@pytest.mark.parametrize(
    ("own", "told", "version", "holds"),
    [
        ("Debian:12", "Debian:12", "", True), ("Debian:12", "Debian", "", True), ("Debian:12", "Debian:1", "", False),
        ("Debian:12", "Debian:11", "", False), ("Debian:12", "Ubuntu:12", "", False),
        ("Alpine:v3.19", "Alpine:v3.1", "", False), ("Alpine:v3.19", "Alpine:v3.19", "", True),
        ("Ubuntu:22.04:LTS", "Ubuntu:22.04:LTS", "", True), ("Ubuntu:22.04", "Ubuntu:22.04:LTS", "", True),
        ("Ubuntu:22.04:LTS", "Ubuntu:Pro:22.04:LTS", "1.0", False),
        ("Ubuntu:16.04:LTS", "Ubuntu:Pro:16.04:LTS", "1.0-1+esm2", True),
        ("Ubuntu:22.04:LTS", "Ubuntu:20.04:LTS", "", False),
        ("Ubuntu:22.04:LTS", "Ubuntu:Pro:FIPS-updates:22.04:LTS", "3.0.2-0ubuntu1.10+Fips1", True),
        ("Ubuntu:22.04:LTS", "Ubuntu:Pro:FIPS:22.04:LTS", "3.0.2-0ubuntu1.10+Fips1", False),
        ("Ubuntu:22.04:LTS", "Ubuntu:Pro:FIPS-updates:22.04:LTS", "1.0-1+esm2", False),
        ("Ubuntu:24.04:LTS", "Ubuntu:Nvidia-BlueField:24.04:LTS", "", False),
        ("Red Hat:enterprise_linux:9", "Red Hat:enterprise_linux:9::baseos", "", True),
        ("Red Hat:enterprise_linux:9", "Red Hat:enterprise_linux:90::baseos", "", False),
        ("Red Hat:enterprise_linux:10", "Red Hat:enterprise_linux:10.1", "", True),
        ("Red Hat:enterprise_linux:10", "Red Hat:rhel_eus:10.0", "", False),
        ("SUSE:Linux Enterprise Server 15 SP5", "SUSE:Linux Enterprise Module for Basesystem 15 SP5", "", True),
        ("SUSE:Linux Enterprise Server 15 SP5", "SUSE:Linux Enterprise Module for Basesystem 15 SP4", "", False),
        ("SUSE:Linux Enterprise Server 15 SP3", "SUSE:Linux Enterprise Server 15 SP3-LTSS", "", True),
        ("SUSE:Linux Enterprise Server 15", "SUSE:Linux Enterprise Module for Basesystem 15", "", True),
        ("SUSE:Linux Enterprise Server 15 SP5", "SUSE:Linux Enterprise Module for Basesystem 15", "", False),
        ("SUSE:Linux Enterprise Server 12 SP5", "SUSE:Linux Enterprise Module for Web and Scripting 12", "", True),
        ("SUSE:Linux Enterprise Server 12 SP5", "SUSE:Linux Enterprise Server 12", "", False),
        ("SUSE:Linux Enterprise Server 16", "SUSE:Linux Enterprise Server 16.0", "", True),
        ("SUSE:Linux Enterprise Server 15 SP3", "SUSE:Manager Server 4.3", "", False),
        ("SUSE:Linux Enterprise Micro 5.3", "SUSE:Linux Enterprise Micro for Rancher 5.3", "", True),
        ("SUSE:Linux Enterprise Server 15 SP3", "SUSE:A product without a release", "", False),
        ("PyPI", "PyPI", "", True), ("Packagist", "Packagist:https://packages.drupal.org/8", "", True),
        ("npm", "PyPI", "", False),
    ],
)  # fmt: skip
def test_releases(own: str, told: str, version: str, holds: bool) -> None:
    assert covers(own, told, channel_of(version)) is holds
    assert covering([Package("x", version, "deb", own)], [told, "Other"]) == ((told,) if holds else ())


def test_names_are_normalised_where_their_ecosystem_does() -> None:
    assert found(
        Package("Zope.Interface", "1", "pypi", ecosystem="PyPI"), advisory("P", ("PyPI", "zope_interface", "2"))
    ) == ["P"]
    assert found(
        Package("newtonsoft.json", "1.0", "nuget", ecosystem="NuGet"), advisory("N", ("NuGet", "Newtonsoft.Json", "2"))
    ) == ["N"]
    assert (
        found(Package("JSONStream", "1.0.0", "npm", ecosystem="npm"), advisory("J", ("npm", "jsonstream", "2.0.0")))
        == []
    )


def test_module_streams() -> None:
    told = advisory("A", ("AlmaLinux:8", "nodejs", "1:14.18.2-2.module_el8.5.0+2618+8d46dafd"),
                    summary="Moderate: nodejs:14 security, bug fix, and enhancement update")  # fmt: skip

    def node(version: str, modularity: str = "") -> Package:
        return Package("nodejs", version, "rpm", ecosystem="AlmaLinux:8", modularity=modularity)

    assert found(node("1:14.16.0-2.module_el8.4.0+2178+2a", "nodejs:14:8040:522a0ee4"), told) == ["A"]
    assert found(node("1:12.22.0-2.module_el8.4.0+2178+2a", "nodejs:12:8040:522a0ee4"), told) == []
    assert found(node("1:12.22.0-2.el8"), told) == []  # no module's package
    plain = advisory("B", ("AlmaLinux:8", "nodejs", "1:99-1.el8"))
    assert found(node("1:14.16.0-2.module_el8.4.0+2178+2a", "nodejs:14:8040:522a0ee4"), plain) == []


def test_withdrawn_is_nothing() -> None:
    told = advisory("W", ("PyPI", "x", "2"), withdrawn="2024-02-01T00:00:00Z")
    assert scan([Package("x", "1", "pypi", ecosystem="PyPI")], told) == ((), ())


def test_aliases_are_one_finding_with_all_ids_and_the_last_fix() -> None:
    package = Package("x", "1.0", "pypi", ecosystem="PyPI")
    one = advisory("PYSEC-2024-1", ("PyPI", "x", "1.1"), aliases=["CVE-2024-1"])
    two = advisory("GHSA-aaaa", ("PyPI", "x", "1.2"), aliases=["CVE-2024-1"], summary="A hole",
                   database_specific={"severity": "HIGH"})  # fmt: skip
    three = advisory("PYSEC-2024-3", ("PyPI", "x", ""), aliases=["CVE-2024-3"])
    findings, _ = scan([package], one, two, three)
    assert [finding.name for finding in findings] == ["CVE-2024-1", "CVE-2024-3"]
    first, second = findings
    assert first.ids == ("CVE-2024-1", "GHSA-aaaa", "PYSEC-2024-1")
    assert (first.fixed, first.state, first.severity, first.title) == ("1.2", "fixable", "high", "A hole")
    assert (second.fixed, second.state, second.severity) == ("", "open", "unknown")


def test_aliases_through_others_are_one_finding_in_any_order() -> None:
    package = Package("x", "1.0", "pypi", ecosystem="PyPI")
    chain = [advisory(f"G-{at}", ("PyPI", "x", ""), aliases=[f"A-{at}", f"A-{at + 1}"]) for at in range(5)]
    apart = advisory("H-1", ("PyPI", "x", ""), aliases=["B-1"])
    for several in permutations(chain):
        findings, _ = scan([package], *several, apart)
        assert sorted(len(finding.ids) for finding in findings) == [2, 11]


def test_a_package_with_thousands_of_advisories() -> None:
    package = Package("linux", "6.1-1", "deb", ecosystem="Debian:12")
    several = [advisory(f"D-{at}", ("Debian:12", "linux", "6.2-1"), aliases=[f"CVE-2024-{at}"]) for at in range(5000)]
    begun = time.process_time()
    findings, _ = scan([package], *several)
    assert len(findings) == 5000
    assert time.process_time() - begun < 5.0


def test_a_distributions_record_of_one_upstream_vulnerability_is_that_one() -> None:
    told = advisory("DEBIAN-CVE-2024-7", ("Debian:12", "openssl", ""), upstream=["CVE-2024-7"])
    (finding,), _ = scan([LIBSSL], told)
    assert (finding.name, finding.ids) == ("CVE-2024-7", ("CVE-2024-7", "DEBIAN-CVE-2024-7"))


def test_an_upstream_vulnerability_may_have_a_name_in_each_database() -> None:
    package = Package("haproxy-3.1", "3.1.5-r0", "apk", ecosystem="Wolfi")
    told = advisory("CGA-1", ("Wolfi", "haproxy-3.1", "3.1.7-r0"), upstream=["CVE-2026-1", "GHSA-1", "CVE-2026-1"])
    (finding,), _ = scan([package], told)
    assert (finding.ids, finding.cves) == (("CVE-2026-1", "GHSA-1", "CGA-1"), ())


def test_ubuntu_pros_packages_are_judged_by_what_is_said_of_their_channel() -> None:
    """The plain release never gets the fix; FIPS packages are older than nobody's by their numbers."""
    told = advisory("U-1", ("Ubuntu:22.04:LTS", "vips", ""), ("Ubuntu:Pro:22.04:LTS", "vips", "8.12-1ubuntu0.1~esm2"),
                    ("Ubuntu:Pro:FIPS:22.04:LTS", "vips", ""),
                    ("Ubuntu:Pro:FIPS-updates:22.04:LTS", "vips", "8.12-1+Fips2"))  # fmt: skip
    for version, expected in {
        "8.12-1": [("U-1", "")], "8.12-1ubuntu0.1~esm1": [("U-1", "8.12-1ubuntu0.1~esm2")],
        "8.12-1ubuntu0.1~esm2": [], "8.12-1+Fips1": [("U-1", "8.12-1+Fips2")], "8.12-1+Fips2": [],
    }.items():  # fmt: skip
        findings, _ = scan([Package("vips", version, "deb", ecosystem="Ubuntu:22.04:LTS")], told)
        assert [(one.name, one.fixed) for one in findings] == expected, version


def test_a_local_python_version_is_its_public_one() -> None:
    """PEP 440, "Version matching": torch 2.0.1+cu118 is a 2.0.1, and what is wrong with that is wrong with it."""
    events = [{"introduced": "1.0"}, {"last_affected": "2.0.1"}]
    part = {"package": {"ecosystem": "PyPI", "name": "torch"}, "ranges": [{"type": "ECOSYSTEM", "events": events}]}
    ranged = advisory("R-1", affected=[part])
    listed = advisory("L-1", affected=[{"package": part["package"], "versions": ["1.5", "2.0.1", "3.0+a"]}])
    for version, expected in {
        "2.0.1": ["L-1", "R-1"], "2.0.1+cu118": ["L-1", "R-1"], "2.0.2": [], "2.0.1.post1+cpu": [], "1.0+cpu": ["R-1"],
        "3.0": [], "3.0+a": ["L-1"], "3.0+b": [],
    }.items():  # fmt: skip
        assert found(Package("torch", version, "pypi", ecosystem="PyPI"), ranged, listed) == expected, version
    fixed = advisory("F-1", ("PyPI", "torch", "2.0.1"))
    assert found(Package("torch", "2.0.1+cu118", "pypi", ecosystem="PyPI"), fixed) == []


def test_a_branch_of_composer_is_neither_old_nor_new() -> None:
    for version in ("dev-main", "1.x-dev", "v1.2.x-dev"):
        package = Package("a/b", version, "composer", ecosystem="Packagist")
        findings, undecided = scan([package], advisory("P-1", ("Packagist", "a/b", "1.5")))
        assert (findings, [one.ids for one in undecided]) == ((), [("P-1",)]), version


def test_an_erratum_covers_several_and_is_none_of_them() -> None:
    package = Package("bash", "5.1-1.el9", "rpm", ecosystem="AlmaLinux:9")
    told = advisory("ALSA-2024:1", ("AlmaLinux:9", "bash", "5.1-2.el9"), related=["CVE-2024-1", "CVE-2024-2"],
                    summary="Important: bash security update")  # fmt: skip
    (finding,), _ = scan([package], told)
    assert (finding.name, finding.cves, finding.severity) == ("ALSA-2024:1", ("CVE-2024-1", "CVE-2024-2"), "high")


def test_an_erratum_whose_vulnerabilities_are_findings_themselves_adds_its_id_to_them() -> None:
    told = [advisory(f"DEBIAN-CVE-{at}", ("Debian:12", "openssl", "4"), upstream=[f"CVE-{at}"]) for at in (1, 2)]
    whole = advisory("DSA-1", ("Debian:12", "openssl", "4"), upstream=["CVE-1", "CVE-2"])
    more = advisory("DSA-2", ("Debian:12", "openssl", "4"), upstream=["CVE-2", "CVE-3"])
    findings, _ = scan([LIBSSL], *told, whole, more)
    assert [(finding.name, finding.ids[1:], finding.cves) for finding in findings] == [
        ("CVE-1", ("DEBIAN-CVE-1", "DSA-1"), ()), ("CVE-2", ("DEBIAN-CVE-2", "DSA-1"), ()),
        ("DSA-2", (), ("CVE-2", "CVE-3")),
    ]  # fmt: skip


def test_unimportant_is_a_state_of_its_own_and_comes_last() -> None:
    told = advisory("CVE-1", ("Debian:12", "openssl", ""), urgency="unimportant")
    other = advisory("CVE-2", ("Debian:12", "openssl", ""), urgency="low")
    findings, _ = scan([LIBSSL], told, other)
    assert [(one.name, one.state, one.severity) for one in findings] == [
        ("CVE-2", "open", "low"), ("CVE-1", "unimportant", "negligible"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "word", "score"),
    [
        ({"severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]}, "critical", 9.8),
        ({"severity": [{"type": "CVSS_V3", "score": "rubbish"}]}, "unknown", None),
        ({"severity": [{"type": "Ubuntu", "score": "low"}]}, "low", None),
        (
            {"severity": [
                {"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"},
                {"type": "Ubuntu", "score": "medium"},
            ]}, "medium", 9.8,
        ),
        ({"database_specific": {"severity": "MODERATE"}}, "medium", None),
        ({"database_specific": {"severity": ["odd"]}}, "unknown", None),
        ({"summary": "Critical: kernel update"}, "critical", None),
        ({}, "unknown", None),
    ],
)  # fmt: skip
def test_severities(fields: dict[str, Any], word: str, score: float | None) -> None:
    (record,) = advisory("S", ("PyPI", "x", "2"), **fields)
    assert (rated(record).word, rated(record).score) == (word, score)


def test_what_cannot_be_compared_is_said() -> None:
    package = Package("x", "not a version", "npm", ecosystem="npm")
    findings, (doubt,) = scan([package], advisory("N-1", ("npm", "x", "2.0.0")), advisory("N-2", ("npm", "x", "3.0.0")))
    assert findings == ()
    assert doubt.ids == ("N-1", "N-2")
    assert "not a semantic version" in doubt.reason


def test_binaries_of_one_source_have_findings_of_their_own() -> None:
    other = msgspec.structs.replace(LIBSSL, name="openssl", layer=3)
    older = msgspec.structs.replace(LIBSSL, name="libssl-dev", source_version="3.0.10-1")
    records = advisory("CVE-1", ("Debian:12", "openssl", "3.0.11-1~deb12u2"))
    assert [one.package for one in scan([LIBSSL, other, older], records)[0]] == [older]
    records = advisory("CVE-1", ("Debian:12", "openssl", "3.0.11-1~deb12u3"))
    assert [one.package for one in scan([LIBSSL, other, older], records)[0]] == [older, LIBSSL, other]


def test_a_package_without_an_ecosystem_is_not_asked_about() -> None:
    assert queries(Package("pacman", "6", "alpm")) == ()


def test_real_answers() -> None:
    """osv.dev's own answers: every id that our data holds is found, and no other that was published before."""
    wanted = [one for one in shared.documents("vectors", "osvdev-answers.jsonl.gz") if "package" in one["query"]]
    records, told = real_records({root(one["query"]["package"]["ecosystem"]) for one in wanted})
    missing, extra = [], []
    for one in wanted:
        asked = one["query"]["package"]
        package = Package(asked["name"], one["query"]["version"], "", ecosystem=asked["ecosystem"])
        findings, undecided = match([package], records)
        assert undecided == ()
        ids = {name for finding in findings for name in finding.ids if name in told}
        missing += [(package.name, name) for name in one["ids"] if name in told and name not in ids]
        extra += [
            (package.name, name)
            for name in ids - set(one["ids"])
            if told[name][:4] != "0001" and told[name] < "2026-08"
        ]
    assert len(wanted) > 400
    assert missing == []
    # both of our records list 3.4.0 itself; osv.dev's have changed since
    assert sorted(extra) == [("dnsjava:dnsjava", "GHSA-crjg-w57m-rqqf"), ("dnsjava:dnsjava", "GHSA-mmwx-rj87-vfgr")]


def real_records(ecosystems: set[str]) -> tuple[dict[tuple[str, str], list[Record]], dict[str, str]]:
    """The shared advisories' records, and when each was published. A record without a date has ``0001-…``."""
    records: dict[tuple[str, str], list[Record]] = defaultdict(list)
    published: dict[str, str] = {}
    there = {path.name for path in shared.shared("advisories", "osv").iterdir()}
    for document in [one for ecosystem in sorted(there) for one in osv.documents(ecosystem)]:
        told, several = parse(msgspec.json.encode(document))
        if told.id not in published:
            published[told.id] = told.published
            for one in several:
                records[root(one.ecosystem), normalised(one.ecosystem, one.name)].append(Record(told, one))
    return records, published


def test_an_upgrade_leads_into_nothing_new() -> None:
    """Fixed in 2.0, which has a hole of its own; what nobody fixed keeps no upgrade away."""
    package = Package("x", "1.0", "pypi", ecosystem="PyPI")
    later = {"type": "ECOSYSTEM", "events": [{"introduced": "2.0"}, {"fixed": "2.5"}]}
    records = (
        advisory("A", ("PyPI", "x", "2.0"))
        + advisory("B", ("PyPI", "x", "1.5"))
        + advisory("C", ("PyPI", "x", ""))
        + advisory("D", affected=[{"package": {"ecosystem": "PyPI", "name": "x"}, "ranges": [later]}])
    )
    findings, _ = scan([package], records)
    told = {one.name: (one.fixed, one.upgrade) for one in findings}
    assert told == {"A": ("2.0", "2.5"), "B": ("1.5", "2.5"), "C": ("", "")}


_RPM = ["1.0~rc1-1.el9", "1.0-1.el9", "1.0-1.el9_2", "1.0-2.el9", "1.10-1.el9", "1:0.1-1.el9"]
#: ecosystem -> versions in its order
RISING = {
    "Debian:12": ["1.0~rc1-1", "1.0-1", "1.0-1+deb12u1", "1.0-2", "1.10-1", "1:0.9-1"],
    "Ubuntu:22.04:LTS": ["1.0-1ubuntu1~22.04", "1.0-1ubuntu1", "1.0-1ubuntu1.1", "1.0-1ubuntu2", "1.10-1"],
    "Alpine:v3.19": ["1.0_rc1-r0", "1.0-r0", "1.0-r1", "1.0_p1-r0", "1.10-r0"],
    "Rocky Linux:9": _RPM,
    "SUSE:Linux Enterprise Server 15 SP5": _RPM,
    "PyPI": ["1.0.dev1", "1.0rc1", "1.0", "1.0.post1", "1.10", "1!0.1"],
    "npm": ["1.0.0-alpha", "1.0.0-rc.1", "1.0.0", "1.2.0", "1.10.0"],
    "Go": ["0.0.0-20200101000000-abcdefabcdef", "1.0.0-rc.1", "1.0.0", "1.2.0", "1.10.0"],
    "Maven": ["1.0-alpha-1", "1.0-rc1", "1.0", "1.0-sp", "1.10"],
    "RubyGems": ["1.0.0.a", "1.0.0.pre", "1.0.0", "1.0.0.1", "1.10"],
}
#: where there are other releases: one of them
_OTHERS = {"Debian": "11", "Ubuntu": "20.04:LTS", "Alpine": "v3.1", "Rocky Linux": "8",
           "SUSE": "Linux Enterprise Server 15 SP4"}  # fmt: skip
_CVES = st.sampled_from(["CVE-1", "CVE-2", "CVE-3", "CVE-4"])


@st.composite
def _parts(draw: st.DrawFn, ecosystem: str) -> dict[str, Any]:
    """One package's part of a document: of this release, of all, of another, or of another package."""
    base, versions = root(ecosystem), st.sampled_from(RISING[ecosystem])
    event = st.one_of(
        st.tuples(st.just("introduced"), st.one_of(st.just("0"), versions)),
        st.tuples(st.sampled_from(["fixed", "last_affected"]), versions),
    )
    limit = st.tuples(st.just("limit"), st.one_of(st.just("*"), versions))
    ranges = [
        {
            "type": draw(st.sampled_from(["ECOSYSTEM", "ECOSYSTEM", "GIT"])),
            "events": [{kind: told} for kind, told in one],
        }
        for one in draw(st.lists(_with_limits(event, limit), max_size=3))
    ]
    told = draw(st.sampled_from([ecosystem, ecosystem, base, f"{base}:{_OTHERS.get(base, '')}".rstrip(":")]))
    package = {"ecosystem": told, "name": draw(st.sampled_from(["x", "x", "x", "y"]))}
    return {"package": package, "ranges": ranges, "versions": draw(st.lists(versions, max_size=2))}


def _with_limits(event: Any, limit: Any) -> Any:
    """Events at versions of their own (of two at one the text does not say which comes first), some with limits."""
    several = st.lists(event, min_size=1, max_size=5, unique_by=lambda one: one[1])
    return st.builds(lambda events, limits: [*events, *limits], several, st.lists(limit, max_size=1))


@st.composite
def _documents(draw: st.DrawFn, ecosystem: str) -> list[dict[str, Any]]:
    return [
        {
            "id": f"T-{number}", "modified": "2024-01-01T00:00:00Z",
            "aliases": draw(st.lists(_CVES, max_size=2, unique=True)),
            **({"withdrawn": "2024-01-02T00:00:00Z"} if draw(st.integers(0, 5)) == 0 else {}),
            "affected": draw(st.lists(_parts(ecosystem), max_size=3)),
        }
        for number in range(draw(st.integers(1, 5)))
    ]  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_made_up_documents_beside_the_second_opinion(data: st.DataObject) -> None:
    ecosystem = data.draw(st.sampled_from(sorted(RISING)))
    rising, documents = RISING[ecosystem], data.draw(_documents(ecosystem))
    version = data.draw(st.sampled_from(rising))
    kind = "rpm" if rising is _RPM else "deb"
    several = [parse(msgspec.json.encode(one)) for one in documents]
    findings, undecided = scan(
        [Package("x", version, kind, ecosystem)], *([Record(told, one) for one in parts] for told, parts in several)
    )

    def compare(left: str, right: str) -> int:
        return rising.index(left) - rising.index(right)

    expected: list[set[str]] = []
    for one in documents:
        if any(osv.is_vulnerable(told, "x", version, one, compare) for told in {ecosystem, root(ecosystem)}):
            names = {one["id"], *one["aliases"]}
            alike = [group for group in expected if group & names]
            expected = [names.union(*alike), *(group for group in expected if group not in alike)]
    assert undecided == ()
    assert sorted(sorted(one.ids) for one in findings) == sorted(map(sorted, expected))
    assert all(compare(one.fixed, version) > 0 for one in findings if one.fixed)
