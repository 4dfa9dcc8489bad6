"""A made-up report with one of everything, for the tests of what is made of reports."""

from __future__ import annotations

from scow.scan.finding import Finding, Report, Uncovered, Undecided
from scow.scan.holding import Holding
from scow.scan.package import Catalog, Distribution, Origin, Package, Unread

DISTRIBUTION = Distribution("debian", "12", pretty="Debian GNU/Linux 12 (bookworm)")


def deb(name: str, version: str, source: str = "", layer: int = 0) -> Package:
    return Package(
        name, version, "deb", "Debian:12", source, location=b"var/lib/dpkg/status", layer=layer, namespace="debian",
        distro="debian-12", arch="amd64",
    )  # fmt: skip


LIBSSL, OPENSSL = deb("libssl3", "3.0.11-1", "openssl"), deb("openssl", "3.0.11-1", "openssl")
CURL, TAR = deb("curl", "7.88.1-10", layer=1), deb("tar", "1.34")
DJANGO = Package("django", "3.2.0", "pypi", "PyPI", location=b"app/Django-3.2.0.dist-info/METADATA", layer=2)
ARCH = Package("odd", "1", "conda")
NPM = Package("ms", "latest", "npm", "npm", location=b"app/node_modules/ms/package.json", layer=2)

PACKAGES = tuple(sorted((LIBSSL, OPENSSL, CURL, TAR, DJANGO, ARCH, NPM), key=str))
CATALOG = Catalog(
    "app:1", "sha256:" + "a" * 64, DISTRIBUTION, PACKAGES,
    (Unread(b"opt/x.jar", "is damaged", 2),),
    (
        Origin("sha256:" + "b" * 64, "/bin/sh -c #(nop) ADD file:1234 in / "),
        Origin("sha256:" + "c" * 64, "RUN |1 A=b /bin/sh -c apt-get install -y curl # buildkit"),
        Origin("sha256:" + "d" * 64, "COPY app /app # buildkit"),
    ),
)  # fmt: skip
V31 = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"


def finding(name: str, package: Package, severity: str, fixed: str = "", **fields: object) -> Finding:
    state = "fixable" if fixed else "open"
    return Finding(name, (name, f"X-{name}"), package, severity, fixed=fixed, **{"state": state, **fields})  # type: ignore[arg-type]


REPORT = Report(
    CATALOG,
    findings=(
        finding("CVE-2024-1", LIBSSL, "critical", "3.0.15-1", score=9.8, vector=V31, title="A hole in TLS",
                exploited="2024-02-01", likelihood=0.94, published="2024-01-01T00:00:00Z",
                url="https://example.com/advisory/1"),
        finding("CVE-2024-1", OPENSSL, "critical", "3.0.15-1", score=9.8, vector=V31, title="A hole in TLS",
                exploited="2024-02-01", likelihood=0.94),
        finding("CVE-2024-2", CURL, "high", title="A header <b>too</b> long"),
        finding("CVE-2024-3", CURL, "high", "7.88.1-11", published="0001-01-01T00:00:00Z"),
        finding("CVE-2024-4", DJANGO, "medium", "4.2.16", title="An injection"),
        finding("CVE-2024-5", DJANGO, "unknown", "3.2.1"),
        finding("CVE-2005-1", TAR, "negligible", state="unimportant"),
    ),
    ignored=(
        finding("CVE-2024-6", CURL, "low", ignored="VEX: not affected"),
        finding("CVE-2024-7", CURL, "low", ignored="looked at by Ada"),
    ),
    undecided=(Undecided(NPM, ("N-1", "N-2"), "latest: not a semantic version"),),
    uncovered=(Uncovered("packages of kind conda", 1, "OSV has no advisories of it"),),
    coverage=(Holding("Debian", 1760, "2024-01-01T00:00:00Z", "2024-02-01T00:00:00Z"),),
    notes=("advisories of PyPI could not be updated: no answer in time",),
)  # fmt: skip
EMPTY = Report(Catalog("scratch"))
