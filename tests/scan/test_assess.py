"""A catalog held against records: what is covered, marks, wishes."""

from __future__ import annotations

import pytest
from tests.scan.reports import CATALOG, CURL, REPORT
from tests.scan.test_match import LIBSSL, advisory

from scow.scan.assess import assess, cves_of, marked, uncovered
from scow.scan.holding import Holding
from scow.scan.ignore import left_out, parse_ignore
from scow.scan.package import Catalog, Distribution, Package
from scow.scan.wish import Wish, at_least, chosen

DEBIAN = Holding("Debian", 1, releases=("Debian:11", "Debian:12"))
PYPI = Holding("PyPI", 1, releases=("PyPI",))


def gaps(catalog: Catalog, *holdings: Holding) -> list[tuple[str, int, str]]:
    return [(one.what, one.packages, one.reason.partition(":")[0]) for one in uncovered(catalog, holdings)]


@pytest.mark.parametrize(
    ("package", "holdings", "expected"),
    [
        (Package("x", "1", "deb", "Debian:12"), [DEBIAN], []),
        (Package("x", "1", "deb", "Debian:12"), [PYPI], [("Debian:12", 1, "not in the advisory database")]),
        (Package("x", "1", "deb", "Debian:13"), [DEBIAN],
         [("Debian:13", 1, "the advisories of Debian that are here are of other releases")]),
        (Package("x", "1", "alpm"), [DEBIAN], [("Arch Linux", 1, "OSV has no advisories of it")]),
        (Package("x", "1", "conda"), [DEBIAN], [("packages of kind conda", 1, "OSV has no advisories of it")]),
        (Package("x", "1", "pypi", "PyPI"), [PYPI], []),
        (Package("x", "1", "rpm", "Red Hat:enterprise_linux:9"),
         [Holding("Red Hat", 1, releases=("Red Hat:enterprise_linux:9::baseos",))], []),
    ],
)  # fmt: skip
def test_no_data_is_said(package: Package, holdings: list[Holding], expected: list[tuple[str, int, str]]) -> None:
    catalog = Catalog("x", distribution=Distribution("arch", pretty="Arch Linux"), packages=(package,))
    assert gaps(catalog, *holdings) == expected


def test_advisories_in_the_file_of_another_ecosystem_are_no_coverage() -> None:
    catalog = Catalog("x", packages=(Package("x", "1", "pypi", "PyPI"),))
    maven = Holding("Maven", 1, releases=("Maven", "PyPI"))
    assert gaps(catalog, maven) == [("PyPI", 1, "not in the advisory database")]


def test_a_report() -> None:
    catalog = Catalog("x", packages=(LIBSSL, Package("y", "1", "pypi", "PyPI")))
    records = {
        ("Debian", "openssl"): advisory("CVE-1", ("Debian:12", "openssl", "4"))
        + advisory("CVE-2", ("Debian:12", "openssl", ""))
    }
    report = assess(catalog, records, [DEBIAN, PYPI, Holding("kev", 1), Holding("npm", 1)])
    report = left_out(report, parse_ignore("CVE-2", "x"), "2024-01-01")
    assert [one.name for one in report.findings] == ["CVE-1"]
    assert [one.name for one in report.ignored] == ["CVE-2"]
    assert [one.ecosystem for one in report.coverage] == ["Debian", "PyPI", "kev"]
    assert report.uncovered == ()
    assert catalog.ecosystems == ("Debian", "PyPI")


def test_marks() -> None:
    told = marked(REPORT, {"kev": {"CVE-2024-2": "2024-03-01"}, "epss": {"CVE-2024-2": "0.5", "CVE-2024-9": "0.1"}})
    by_name = {one.name: one for one in told.findings}
    assert (by_name["CVE-2024-2"].exploited, by_name["CVE-2024-2"].likelihood) == ("2024-03-01", 0.5)
    assert (by_name["CVE-2024-1"].exploited, by_name["CVE-2024-1"].likelihood) == ("", None)


@pytest.mark.parametrize("likelihood", ["", "often", "nan", "inf", "-0.1", "1.1"])
def test_a_likelihood_that_is_none_is_not_known(likelihood: str) -> None:
    told = marked(REPORT, {"epss": {"CVE-2024-2": likelihood}})
    assert {one.likelihood for one in told.findings} == {None}


def test_errata_are_marked_by_the_cves_they_cover() -> None:
    from tests.scan.test_match import scan

    package = Package("bash", "5.1-1.el9", "rpm", ecosystem="AlmaLinux:9")
    findings, _ = scan([package], advisory("ALSA-1", ("AlmaLinux:9", "bash", "5.1-2.el9"), related=["CVE-2024-1"]))
    assert cves_of(findings[0]) == ("CVE-2024-1",)


def test_wishes() -> None:
    def names(wish: Wish) -> list[str]:
        return [one.name for one in chosen(REPORT, wish).findings]

    assert names(Wish()) == [one.name for one in REPORT.findings]
    assert names(Wish(("high",))) == ["CVE-2024-2", "CVE-2024-3"]
    assert names(Wish(("high", "medium"), fixable=True)) == ["CVE-2024-3", "CVE-2024-4"]


@pytest.mark.parametrize(
    ("bar", "count"), [("critical", 2), ("high", 4), ("low", 5), ("negligible", 5), ("unknown", 6)]
)
def test_as_bad_or_worse(bar: str, count: int) -> None:
    assert len(at_least(REPORT.findings, bar)) == count


def test_the_made_up_catalog_is_one() -> None:
    assert CURL in CATALOG.packages
