"""PURE. Which advisories are about a package: what to ask by its name, its release, its module stream.

All of that follows from the package's ecosystem and name alone: there is no guessing by similar names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from scow.scan.advisory import Record
from scow.scan.ecosystem import normalised, root
from scow.scan.package import Package

_BINARY, _SOURCE = "binary", "source"
#: ecosystem -> the names by which its advisories call packages (OSV schema, "Defined ecosystems"); both, where an
#: ecosystem is not in the table: rpm distributions differ, and a source and its binaries share their versions
_NAMED_BY: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(
        ("Alpine", "Alpaquita", "BellSoft Hardened Containers", "Chainguard", "Debian", "Echo", "MinimOS", "Ubuntu",
         "Wolfi"),
        (_SOURCE,),
    ),
    **dict.fromkeys(("AlmaLinux", "Red Hat", "Rocky Linux"), (_BINARY,)),
}  # fmt: skip
_UBUNTU_RELEASE = re.compile(r"(Pro:(?:FIPS-updates:)?)?(\d\d\.\d\d)(?::LTS)?\Z")
_SUSE_RELEASE = re.compile(r"(\d+)(?: SP(\d+)|\.(\d+))?(?:-\w+)?\Z")
_STREAM = re.compile(r"(?<![\w:])([\w.+-]+):([\w.+-]+)(?![\w:])")


class Query(NamedTuple):
    """What to ask: the ecosystem's advisories on ``name``, about ``version``."""

    ecosystem: str
    name: str
    version: str


def queries(package: Package) -> tuple[Query, ...]:
    """What to ask about a package; nothing when OSV has no word for where its advisories are."""
    if not package.ecosystem:
        return ()
    base = root(package.ecosystem)
    named_by = _NAMED_BY.get(base, (_SOURCE, _BINARY))
    binary = Query(base, normalised(base, package.name), package.version)
    if _SOURCE not in named_by or not (package.source or package.source_version):
        return (binary,)
    name = normalised(base, package.source or package.name)
    source = Query(base, name, package.source_version or package.version)
    return (source, binary) if _BINARY in named_by and binary != source else (source,)


def concerns(package: Package, record: Record, *, channel: str) -> bool:
    """Whether the record is about this package's release and module stream."""
    if not covers(package.ecosystem, record.affected.ecosystem, channel):
        return False
    return package.kind != "rpm" or not _other_stream(package, record)


def channel_of(version: str) -> str:
    """Which of Ubuntu Pro's channels a version comes from: ``fips``, ``esm``; empty for neither."""
    return next((one for one in ("fips", "esm") if one in version.lower()), "")


def covering(packages: Iterable[Package], told: Iterable[str]) -> tuple[str, ...]:
    """Those of the ecosystems ``told`` of which something holds for one of the packages."""
    own = {(package.ecosystem, channel_of(package.version)) for package in packages if package.ecosystem}
    return tuple(one for one in told if any(covers(ecosystem, one, channel) for ecosystem, channel in own))


@lru_cache(maxsize=4096)
def covers(ecosystem: str, told: str, channel: str = "") -> bool:
    """Whether what is told of ``told`` holds in ``ecosystem``: ``Debian`` in ``Debian:12``, not the reverse.

    ``channel``: where the package came from (:func:`channel_of`).

    >>> covers("Debian:12", "Debian:12"), covers("Debian:12", "Debian"), covers("Debian:12", "Debian:11")
    (True, True, False)
    """
    if ecosystem == told:
        return True
    base, _, release = told.partition(":")
    if base != root(ecosystem):
        return False
    own = ecosystem.partition(":")[2]
    return not release or _RELEASES.get(base, _exactly)(own, release, channel)


def _exactly(own: str, told: str, channel: str) -> bool:
    """A language's suffix names a registry: which one a package came from is not known, so any may be it."""
    return not own and told.startswith(("https://", "http://"))


def _ubuntu(own: str, told: str, channel: str) -> bool:
    """LTS or not is no matter of its own; what only Ubuntu Pro has fixed concerns only who has its packages. Those of
    ``Pro:FIPS`` stay as they were certified: what is wrong with them is what ``Pro:FIPS-updates`` has fixed."""
    here, there = _UBUNTU_RELEASE.match(own), _UBUNTU_RELEASE.match(told)
    if here is None or there is None or here[2] != there[2]:
        return False
    return not there[1] or channel == "fips" or (channel == "esm" and there[1] == "Pro:")


def _red_hat(own: str, told: str, channel: str) -> bool:
    """``enterprise_linux:9::baseos`` is a part of ``enterprise_linux:9``, and ``enterprise_linux:10.1`` of ``:10``."""
    return told.startswith(own) and re.match(r"(?:\.\d+)?(?:::|\Z)", told[len(own) :]) is not None


def _suse(own: str, told: str, channel: str) -> bool:
    """Products and modules of one release: ``15 SP5``, ``15 SP3-LTSS``. Modules of 12 are those of all its packs."""
    here, there = _suse_release(own), _suse_release(told)
    if here is None or there is None:
        return False
    return here == there or ((here[0], *there) == ("12", "12", "0") and " Module " in told)


def _suse_release(text: str) -> tuple[str, str] | None:
    """Version and service pack."""
    found = _SUSE_RELEASE.search(text)
    return (found[1], found[2] or found[3] or "0") if found else None


_RELEASES: Final = {"Ubuntu": _ubuntu, "Red Hat": _red_hat, "SUSE": _suse}


def _other_stream(package: Package, record: Record) -> bool:
    """Whether the record is about another stream of an rpm module, or about modules at all when this is none."""
    fixes = [event.version for one in record.affected.ranges for event in one.events if event.kind == "fixed"]
    modular = bool(package.modularity) or "module" in package.version
    if fixes and all("module" in fix for fix in fixes) != modular:
        return True
    name, _, rest = package.modularity.partition(":")
    told = {stream for module, stream in _STREAM.findall(record.advisory.summary) if module == name}
    return bool(name and told) and rest.partition(":")[0] not in told
