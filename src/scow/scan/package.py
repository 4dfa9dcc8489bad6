"""The values of a scan: a package, what could not be read, the distribution, and the catalog that holds them. Pure.

Names and versions are those of the package's own database, which are also those of the OSV schema
(https://ossf.github.io/osv-schema): ``@babel/core`` (npm), ``group:artifact`` (Maven), ``vendor/name`` (Packagist), the
module path (Go), ``epoch:version-release`` (rpm, without a zero epoch), ``epoch:upstream-revision`` (deb).
"""

# Annotations are not deferred: msgspec would compile each of them before the first record is read.

import re
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from scow.scan.ecosystem import root

#: purl type -> OSV ecosystem of the packages that no distribution owns.
LANGUAGES: Final[Mapping[str, str]] = {
    "pypi": "PyPI",
    "npm": "npm",
    "golang": "Go",
    "maven": "Maven",
    "gem": "RubyGems",
    "composer": "Packagist",
    "cargo": "crates.io",
    "nuget": "NuGet",
    "bitnami": "Bitnami",
    "cran": "CRAN",
    "githubactions": "GitHub Actions",
    "hackage": "Hackage",
    "hex": "Hex",
    "julia": "Julia",
    "pub": "Pub",
    "swift": "SwiftURL",
}
#: what separates a purl's namespace from its name, in the names of these types.
_SEPARATORS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("npm", "golang", "composer", "swift", "githubactions"), "/"),
    "maven": ":",
}
#: types whose packages belong to a distribution.
SYSTEM_KINDS: Final = frozenset({"deb", "apk", "rpm", "alpm"})


class Package(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One installed package.

    ``kind`` is its purl type. ``ecosystem`` is OSV's word for where its advisories are (``Debian:12``, ``PyPI``), empty
    when OSV has none. ``source`` and ``source_version`` name what it was built from; empty when that is the same.
    ``licences`` are as the package states them. ``location`` is the path of the file that says so; ``layer`` counts
    from 0, the lowest, and is the one that brought this version (-1: not known). ``namespace`` and ``distro`` are the
    purl's (``debian``, ``debian-12``), of packages of a distribution; ``modularity`` is an rpm's module label.
    """

    name: str
    version: str
    kind: str
    ecosystem: str = ""
    source: str = ""
    source_version: str = ""
    arch: str = ""
    licences: tuple[str, ...] = ()
    location: bytes = b""
    layer: int = -1
    namespace: str = ""
    distro: str = ""
    modularity: str = ""

    @property
    def named(self) -> tuple[str, str]:
        """The purl's namespace (empty: none) and name."""
        if self.kind not in _SEPARATORS:
            return self.namespace, self.name
        namespace, _, name = self.name.rpartition(_SEPARATORS[self.kind])
        return namespace, name

    @property
    def purl(self) -> str:
        """The package URL (https://github.com/package-url/purl-spec), canonical."""
        from packageurl import PackageURL

        (namespace, name), version = self.named, self.version
        epoch = ""
        if self.kind == "rpm" and ":" in version:
            epoch, _, version = version.partition(":")
        told = {
            "arch": self.arch,
            "distro": self.distro,
            "epoch": epoch,
            "rpmmod": self.modularity,
            "upstream": self._upstream(version),
        }
        qualifiers = {key: value for key, value in told.items() if value}
        return PackageURL(self.kind, namespace or None, name, version or None, qualifiers or None).to_string()

    def _upstream(self, version: str) -> str:
        """What it was built from, in the form that its package manager has for that."""
        if self.source and self.kind == "rpm":
            return f"{self.source}-{self.source_version or version}.src.rpm"
        return f"{self.source}@{self.source_version}" if self.source and self.source_version else self.source


class Unread(msgspec.Struct, frozen=True, order=True):
    """Something that could not be read: what it holds is not known. ``reason`` is for people."""

    path: bytes
    reason: str
    layer: int = -1


class Distribution(msgspec.Struct, frozen=True, omit_defaults=True):
    """What /etc/os-release says: ``id`` (``debian``), ``version_id`` (``12``), ``codename``, ``pretty`` …"""

    id: str = ""
    version_id: str = ""
    version: str = ""
    codename: str = ""
    pretty: str = ""

    @property
    def ecosystem(self) -> str:
        """OSV's word for it, empty when OSV has none (Arch, Fedora, Amazon Linux, Alpine edge …)."""
        naming = ECOSYSTEMS.get(self.id)
        return naming(self) if naming else ""

    @property
    def distro(self) -> str:
        """The purl qualifier: ``debian-12``."""
        return "-".join(part for part in (self.id, self.version_id or self.codename) if part)

    def __str__(self) -> str:
        return self.pretty or self.distro or "unknown distribution"


class Origin(msgspec.Struct, frozen=True, omit_defaults=True):
    """A layer as the report names it: its diff_id, and the instruction of the history that made it."""

    diff_id: str
    created_by: str = ""


class Catalog(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an image holds. ``subject`` is what was asked for, ``digest`` its manifest's (empty: it has none),
    ``created`` its own time in RFC 3339 (empty: it does not say).

    ``packages`` and ``unread`` are sorted; ``layers`` are the image's, lowest first.
    """

    subject: str = ""
    digest: str = ""
    distribution: Distribution | None = None
    packages: tuple[Package, ...] = ()
    unread: tuple[Unread, ...] = ()
    layers: tuple[Origin, ...] = ()
    created: str = ""

    @property
    def ecosystems(self) -> tuple[str, ...]:
        """The ecosystems whose advisories the packages need, without their releases."""
        return tuple(sorted({root(package.ecosystem) for package in self.packages if package.ecosystem}))


def _release(prefix: str) -> Callable[[Distribution], str]:
    """``prefix:VERSION_ID``; nothing without a version."""
    return lambda one: f"{prefix}:{one.version_id}" if one.version_id else ""


def _majors(prefix: str) -> Callable[[Distribution], str]:
    """``prefix:MAJOR``."""
    return lambda one: f"{prefix}:{one.version_id.partition('.')[0]}" if one.version_id else ""


def _plain(name: str) -> Callable[[Distribution], str]:
    """``name``, whatever the version: a distribution that rolls."""
    return lambda one: name


def _debian(one: Distribution) -> str:
    number = one.version_id.partition(".")[0] or DEBIAN_CODENAMES.get(one.codename, "")
    return f"Debian:{number}" if number else ""


def _ubuntu(one: Distribution) -> str:
    """Ubuntu's long-term releases are those of April in even years, and are named as such."""
    found = re.fullmatch(r"(\d\d)\.(\d\d)", one.version_id)
    if not found:
        return ""
    long_term = found[2] == "04" and int(found[1]) % 2 == 0
    return f"Ubuntu:{one.version_id}" + (":LTS" if long_term else "")


def _alpine(one: Distribution) -> str:
    """``3.19.1`` is of v3.19; edge (``3.20_alpha20231219``) is of no release."""
    found = re.fullmatch(r"(\d+\.\d+)(\.\d+)?", one.version_id)
    return f"Alpine:v{found[1]}" if found else ""


def _suse(one: Distribution) -> str:
    """OSV files packages under products and modules, each of which ends in this release."""
    major, _, pack = one.version_id.partition(".")
    return f"SUSE:Linux Enterprise Server {major}" + (f" SP{pack}" if pack not in ("", "0") else "") if major else ""


def _openeuler(one: Distribution) -> str:
    """``22.03 (LTS-SP3)`` is ``openEuler:22.03-LTS-SP3``."""
    found = re.match(r"([\d.]+)(?:\s*\((LTS[\w-]*)\))?", one.version or one.version_id)
    return "openEuler:" + "-".join(part for part in found.groups() if part) if found else ""


#: Debian's testing and unstable have no VERSION_ID, and some purls only a codename.
DEBIAN_CODENAMES: Final[Mapping[str, str]] = {"bullseye": "11", "bookworm": "12", "trixie": "13", "forky": "14"}

#: os-release ID -> how OSV names a release of it (the schema's "Defined ecosystems").
ECOSYSTEMS: Final[Mapping[str, Callable[[Distribution], str]]] = {
    "debian": _debian,
    "ubuntu": _ubuntu,
    "alpine": _alpine,
    "almalinux": _majors("AlmaLinux"),
    "rocky": _majors("Rocky Linux"),
    "rhel": _majors("Red Hat:enterprise_linux"),
    **dict.fromkeys(("sles", "sles_sap", "sle_hpc"), _suse),
    "sle-micro": lambda one: f"SUSE:Linux Enterprise Micro {one.version_id}",
    "sl-micro": lambda one: f"SUSE:Linux Micro {one.version_id}",
    "opensuse-leap": lambda one: f"openSUSE:Leap {one.version_id}" if one.version_id else "",
    "opensuse-tumbleweed": _plain("openSUSE:Tumbleweed"),
    "openEuler": _openeuler,
    "mageia": _majors("Mageia"),
    "photon": _release("Photon OS"),
    "azurelinux": _majors("Azure Linux"),
    "mariner": _majors("Azure Linux"),
    "wolfi": _plain("Wolfi"),
    "chainguard": _plain("Chainguard"),
    "minimos": _plain("MinimOS"),
    "alpaquita": _release("Alpaquita"),
    "bellsoft-hardened-containers": _release("BellSoft Hardened Containers"),
    "echo": _plain("Echo"),
}
