"""Package URLs, and OSV's words for distributions."""

from __future__ import annotations

import pytest
from packageurl import PackageURL

from scow.layer.entry import Entry
from scow.scan.catalog.merge import merge
from scow.scan.catalog.reading import Reading, Record
from scow.scan.package import ECOSYSTEMS, Distribution, Package
from scow.scan.versions import apk, deb, rpm
from scow.scan.versions.order import Order, order_of


@pytest.mark.parametrize(
    ("package", "purl"),
    [
        (
            Package("libssl3", "3.0.11-1~deb12u2", "deb", arch="amd64", namespace="debian", distro="debian-12",
                    source="openssl"),
            "pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64&distro=debian-12&upstream=openssl",
        ),
        (Package("perl", "1:5.36.0-7", "deb", namespace="debian"), "pkg:deb/debian/perl@1:5.36.0-7"),
        (
            Package("bash-doc", "1:5.1.8-9.el9", "rpm", arch="x86_64", namespace="rocky", source="bash"),
            "pkg:rpm/rocky/bash-doc@5.1.8-9.el9?arch=x86_64&epoch=1&upstream=bash-5.1.8-9.el9.src.rpm",
        ),
        (Package("@babel/core", "7.0.0", "npm"), "pkg:npm/%40babel/core@7.0.0"),
        (Package("lodash", "4.17.20", "npm"), "pkg:npm/lodash@4.17.20"),
        (Package("golang.org/x/net", "v0.1.0", "golang"), "pkg:golang/golang.org/x/net@v0.1.0"),
        (Package("stdlib", "1.20.1", "golang"), "pkg:golang/stdlib@1.20.1"),
        (Package("org.slf4j:slf4j-api", "1.7.36", "maven"), "pkg:maven/org.slf4j/slf4j-api@1.7.36"),
        (Package("symfony/console", "v5.4.0", "composer"), "pkg:composer/symfony/console@v5.4.0"),
        (Package("Typing_Extensions", "4.8.0", "pypi"), "pkg:pypi/typing-extensions@4.8.0"),
    ],
)  # fmt: skip
def test_a_package_has_its_canonical_purl(package: Package, purl: str) -> None:
    assert package.purl == purl
    assert PackageURL.from_string(package.purl).to_string() == purl


@pytest.mark.parametrize(
    ("distribution", "ecosystem"),
    [
        (Distribution("debian", "12"), "Debian:12"),
        (Distribution("debian", "12.5"), "Debian:12"),
        (Distribution("debian", codename="trixie"), "Debian:13"),
        (Distribution("debian", codename="sid"), ""),
        (Distribution("ubuntu", "22.04"), "Ubuntu:22.04:LTS"),
        (Distribution("ubuntu", "23.04"), "Ubuntu:23.04"),
        (Distribution("ubuntu", "24.10"), "Ubuntu:24.10"),
        (Distribution("alpine", "3.19.1"), "Alpine:v3.19"),
        (Distribution("alpine", "3.20_alpha20231219"), ""),
        (Distribution("almalinux", "9.3"), "AlmaLinux:9"),
        (Distribution("rocky", "8.9"), "Rocky Linux:8"),
        (Distribution("rhel", "9.3"), "Red Hat:enterprise_linux:9"),
        (Distribution("sles", "15.5"), "SUSE:Linux Enterprise Server 15 SP5"),
        (Distribution("sles_sap", "15.4"), "SUSE:Linux Enterprise Server 15 SP4"),
        (Distribution("sle-micro", "5.3"), "SUSE:Linux Enterprise Micro 5.3"),
        (Distribution("sl-micro", "6.0"), "SUSE:Linux Micro 6.0"),
        (Distribution("opensuse-leap", "15.6"), "openSUSE:Leap 15.6"),
        (Distribution("opensuse-tumbleweed", "20240801"), "openSUSE:Tumbleweed"),
        (Distribution("openEuler", "22.03", "22.03 (LTS-SP3)"), "openEuler:22.03-LTS-SP3"),
        (Distribution("photon", "4.0"), "Photon OS:4.0"),
        (Distribution("azurelinux", "3.0"), "Azure Linux:3"),
        (Distribution("mariner", "2.0"), "Azure Linux:2"),
        (Distribution("wolfi", "20230201"), "Wolfi"),
        (Distribution("chainguard", "20230214"), "Chainguard"),
        (Distribution("minimos", "20241031"), "MinimOS"),
        (Distribution("alpaquita", "23"), "Alpaquita:23"),
        (Distribution("alpaquita", "stream"), "Alpaquita:stream"),
        (Distribution("bellsoft-hardened-containers", "stream"), "BellSoft Hardened Containers:stream"),
        (Distribution("echo", "13"), "Echo"),
        (Distribution("mageia", "9"), "Mageia:9"),
        (Distribution("opensuse-leap", "16.0"), "openSUSE:Leap 16.0"),
        (Distribution("ubuntu", "26.04"), "Ubuntu:26.04:LTS"),
        # no advisories of theirs are in OSV: they are not taken for what they come from
        *((Distribution(name, "9"), "") for name in ("amzn", "centos", "ol", "kali", "linuxmint", "raspbian", "clear")),
        (Distribution("arch"), ""),
        (Distribution("fedora", "39"), ""),
        (Distribution("debian"), ""),
    ],
)
def test_a_distribution_has_osvs_word_for_it(distribution: Distribution, ecosystem: str) -> None:
    assert distribution.ecosystem == ecosystem


KINDS: dict[Order, str] = {deb.key: "deb", apk.key: "apk", rpm.key: "rpm"}


@pytest.mark.parametrize("name", ECOSYSTEMS)
def test_a_distributions_own_packages_are_asked_about_where_its_advisories_are(name: str) -> None:
    distribution = Distribution(name, "22.04")
    order = order_of(distribution.ecosystem)
    assert order
    package = Package("a", "1-r1", KINDS[order])
    readings = {b"etc/os-release": Reading(distribution=distribution), b"db": Reading((package,), owner=package.kind)}
    merged = merge([Record(readings)], lambda _: [Entry(path, "file", 0o644, size=1) for path in readings])
    assert [one.ecosystem for one in merged.packages] == [distribution.ecosystem]
    assert not merged.unread
