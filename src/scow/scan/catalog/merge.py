"""Records of layers → what the image holds, and which layer brought each package. Pure.

The merged view decides what is still there. A package is the contribution of the first layer from which on it stayed:
a database that is written anew brings only what it did not say before.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Final

import msgspec

from scow.errors import Invalid
from scow.layer.entry import Entry
from scow.layer.view import View
from scow.scan.catalog.reading import Merged, Reading, Record, hashed, split_hashes
from scow.scan.package import SYSTEM_KINDS, Distribution, Package, Unread

#: os-release ID -> purl namespace, where they differ (purl-spec, "rpm")
_NAMESPACES: Final = {
    "rhel": "redhat",
    **dict.fromkeys(("opensuse-leap", "opensuse-tumbleweed"), "opensuse"),
    **dict.fromkeys(("sles", "sles_sap", "sle_hpc", "sle-micro", "sl-micro"), "suse"),
}
#: OSV ecosystems whose packages are not rpm's
_KINDS: Final = {
    **dict.fromkeys(("Debian", "Echo", "Ubuntu"), "deb"),
    **dict.fromkeys(("Alpaquita", "Alpine", "BellSoft Hardened Containers", "Chainguard", "MinimOS", "Wolfi"), "apk"),
}
_RELEASES: Final = (b"etc/os-release", b"usr/lib/os-release")


class _Alive(msgspec.Struct, frozen=True, gc=False):
    """A file that says something and is in the view: where its content lies, and since which layer it has named each
    of its packages."""

    layer: int
    source: bytes
    reading: Reading
    since: tuple[int, ...]


def merge(records: Sequence[Record], entries: Callable[[int], Iterable[Entry]], *, lockfiles: bool = False) -> Merged:
    """The records of all layers, lowest first; ``entries`` gives a layer's entries."""
    view = View()
    alive: dict[bytes, _Alive] = {}
    for number, record in enumerate(records):
        view.stack(number, entries(number))
        alive = _after(number, record, view, alive)
    if not lockfiles:
        alive = {place: one for place, one in alive.items() if not one.reading.requested}
    distribution, told_at = _distribution(view, alive)
    directories = _linked_directories(view)
    del view  # of an image with many files it takes more room than all that follows
    return _finished(alive, distribution, told_at, directories)


def _after(number: int, record: Record, view: View, alive: dict[bytes, _Alive]) -> dict[bytes, _Alive]:
    """The files that say something once layer ``number`` is on top."""
    kept: dict[bytes, _Alive] = {}
    for place, one in alive.items():
        found = view.find(place)
        if found and (found.layer, found.source) == (one.layer, one.source):
            kept[place] = one
    told = [(_place(view, path), reading) for path, reading in record.readings.items()]
    asked = {_key(place, package) for place, reading in told for package in reading.packages} if alive else set()
    known = dict(pair for place, one in alive.items() for pair in _ages(place, one) if pair[0] in asked)
    new = (number,)  # of most files, which have one package
    for place, reading in told:
        found = view.find(place)
        if found and found.entry.kind == "file":
            since = tuple(known.get(_key(place, package), number) for package in reading.packages)
            kept[place] = _Alive(found.layer, found.source, reading, new if since == new else since)
    return kept


def _ages(place: bytes, one: _Alive) -> Iterator[tuple[Hashable, int]]:
    """What a file names, and since which layer."""
    for package, since in zip(one.reading.packages, one.since, strict=True):
        yield _key(place, package), since


def _place(view: View, path: bytes) -> bytes:
    """Where a layer's path lies in the view: links in a circle lead nowhere."""
    try:
        place = view.resolve(path, last=False)
    except Invalid:
        return path
    return path if place == path else place  # one value of those that are equal


def _key(place: bytes, package: Package) -> Hashable:
    """What stays the same package: of a distribution wherever its database is, else at its place."""
    where = b"" if package.kind in SYSTEM_KINDS else place
    return (where, package.kind, package.name, package.version, package.arch)


def _finished(
    alive: dict[bytes, _Alive],
    distribution: Distribution | None,
    told_at: bytes,
    directories: Sequence[tuple[bytes, bytes]],
) -> Merged:
    owned = _owned(alive, directories)
    packages: list[Package] = []
    declared: list[Package] = []
    unread: list[Unread] = []
    read: set[tuple[int, bytes]] = set()
    for place, one in sorted(alive.items()):
        if (one.layer, one.source) in read:  # one more name of a file that had its turn
            continue
        read.add((one.layer, one.source))
        if place in owned:
            continue
        unread += [Unread(place, reason, one.layer) for reason in one.reading.reasons]
        (declared if one.reading.declared else packages).extend(_placed(place, one, distribution))
    found = {(one.kind, one.name, one.version) for one in packages} if declared else set()
    packages += (one for one in declared if (one.kind, one.name, one.version) not in found)
    if distribution and not _has_database(distribution, alive):
        reason = f"{distribution} has no package database here: what it installed is not known"
        unread.append(Unread(told_at, reason))
    return Merged(distribution, tuple(single(packages)), tuple(sorted(unread)))


def _distribution(view: View, alive: dict[bytes, _Alive]) -> tuple[Distribution | None, bytes]:
    """os-release(5), and where it is: the one in /etc, which usually is a link to the other, comes first."""
    for path in _RELEASES:
        try:
            one = alive.get(view.resolve(path))
        except Invalid:  # links in a circle
            continue
        if one and one.reading.distribution:
            return one.reading.distribution, path
    return None, b""


def _has_database(distribution: Distribution, alive: dict[bytes, _Alive]) -> bool:
    """Whether its packages can be known. Of distributions that OSV does not know, nobody misses any."""
    native = _native(distribution)
    return not native or any(one.reading.owner == native and one.reading.packages for one in alive.values())


def _owned(alive: dict[bytes, _Alive], directories: Sequence[tuple[bytes, bytes]]) -> set[bytes]:
    """The files that the distribution's packages brought; a list without its database proves nothing."""
    there = {package.kind for one in alive.values() if one.reading.owner for package in one.reading.packages}
    if not there:
        return set()
    asked = {
        hashed(name): place
        for place, one in alive.items() if not one.reading.owner for name in _names(place, directories)
    }  # fmt: skip
    lists = (one.reading.owned for one in alive.values() if one.reading.owner in there)
    return {asked[part] for owned in lists for part in split_hashes(owned) if part in asked}


def _linked_directories(view: View) -> list[tuple[bytes, bytes]]:
    """Links at the root to a directory: (``usr/bin/``, ``bin/``). Databases may know a file by either name."""
    links = ((path, view.find(path)) for path in view if path and b"/" not in path)
    return [
        (found.entry.link.strip(b"/") + b"/", path + b"/")
        for path, found in links
        if found and found.entry.kind == "symlink"
    ]


def _names(place: bytes, directories: Iterable[tuple[bytes, bytes]]) -> Iterator[bytes]:
    yield place
    for real, link in directories:
        if place.startswith(real):
            yield link + place[len(real) :]


def _placed(place: bytes, one: _Alive, distribution: Distribution | None) -> Iterator[Package]:
    """The packages of one file with what only the whole image tells."""
    for package, since in zip(one.reading.packages, one.since, strict=True):
        changes: dict[str, object] = {"layer": since}
        if not package.location.startswith(place):  # below a link to a directory
            _, inside, member = package.location.partition(b"!/")
            changes["location"] = place + inside + member
        if package.kind in SYSTEM_KINDS and distribution and not one.reading.declared:
            changes |= _belonging(package.kind, distribution)
        yield msgspec.structs.replace(package, **changes)


def _native(distribution: Distribution) -> str:
    """The kind of its own packages, when OSV knows the distribution."""
    ecosystem = distribution.ecosystem
    return _KINDS.get(ecosystem.partition(":")[0], "rpm") if ecosystem else ""


def _belonging(kind: str, distribution: Distribution) -> dict[str, str]:
    """What a package of the distribution has of it. A foreign package manager's are nobody's."""
    return {
        "ecosystem": distribution.ecosystem if _native(distribution) == kind else "",
        "namespace": _NAMESPACES.get(distribution.id, distribution.id),
        "distro": distribution.distro,
    }


def single(packages: Iterable[Package]) -> Iterator[Package]:
    """Sorted, and each once: of what is said twice about one place, the first."""
    last: Hashable = None
    for package in sorted(packages, key=_order):
        key = _key(package.location, package)
        if key != last:
            last = key
            yield package


def _order(package: Package) -> tuple[str, str, str, str, bytes]:
    return (package.kind, package.name, package.version, package.arch, package.location)
