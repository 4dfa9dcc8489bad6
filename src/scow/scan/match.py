"""PURE. Packages and advisories → findings, and what could not be decided.

Which advisories are asked follows from the package's ecosystem and name alone: there is no guessing by similar names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import msgspec

from scow.errors import Invalid, Unsupported
from scow.scan.advisory import Record
from scow.scan.affected import clean_version, fixed_version, is_affected
from scow.scan.ecosystem import normalised, root
from scow.scan.finding import Finding, Undecided
from scow.scan.package import Package
from scow.scan.severity import rank, rated, worst

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
#: how a name begins -> its place among the names of a vulnerability; what others are called comes last
_BEST_KNOWN: Final = {"CVE": 0, "GHSA": 1}
_SUSE_RELEASE = re.compile(r"(\d+)(?: SP(\d+)|\.(\d+))?(?:-\w+)?\Z")
_STREAM = re.compile(r"(?<![\w:])([\w.+-]+):([\w.+-]+)(?![\w:])")


class Query(NamedTuple):
    """What to ask: the ecosystem's advisories on ``name``, about ``version``."""

    ecosystem: str
    name: str
    version: str


#: (ecosystem without its release, normalised name) -> the records there are
Records = Mapping[tuple[str, str], Sequence[Record]]


class Hit(NamedTuple):
    """A record and the version that it may apply to."""

    record: Record
    version: str


def queries(package: Package) -> tuple[Query, ...]:
    """What to ask about a package; nothing when OSV has no word for where its advisories are."""
    if not package.ecosystem:
        return ()
    asked = {
        _SOURCE: (package.source or package.name, package.source_version or package.version),
        _BINARY: (package.name, package.version),
    }
    base = root(package.ecosystem)
    chosen = [asked[by] for by in _NAMED_BY.get(base, (_SOURCE, _BINARY))]
    return tuple(dict.fromkeys(Query(base, normalised(base, name), version) for name, version in chosen))


def match(packages: Iterable[Package], records: Records) -> tuple[tuple[Finding, ...], tuple[Undecided, ...]]:
    """Everything the records say of the packages, the worst first."""
    findings: list[Finding] = []
    undecided: list[Undecided] = []
    for package in packages:
        told = [one for query in queries(package) for one in _told(package, query, records)]
        hits, doubts = _judged(told)
        found = list(_folded([_finding(package, group) for group in _grouped(hits)]))
        findings += _upgradable(found, told)
        undecided += (Undecided(package, tuple(sorted(set(ids))), reason) for reason, ids in doubts.items())
    return tuple(sorted(findings, key=order)), tuple(sorted(undecided, key=lambda one: (one.package.name, one.reason)))


def order(finding: Finding) -> tuple[object, ...]:
    """The worst first; then by package and name."""
    package = finding.package
    state = finding.state == "unimportant"
    return (
        state,
        rank(finding.severity),
        -(finding.score or 0),
        package.name,
        finding.name,
        package.version,
        package.arch,
    )


def _told(package: Package, query: Query, records: Records) -> Iterator[Hit]:
    """The records that are about the package, whether or not they apply to its version."""
    for record in records.get((query.ecosystem, query.name), ()):
        if not record.advisory.withdrawn and concerns(package, record):
            yield Hit(record, query.version)


def _judged(told: Iterable[Hit]) -> tuple[list[Hit], dict[str, list[str]]]:
    """Those that apply, and reason → ids of those of which that cannot be told."""
    hits: list[Hit] = []
    doubts: dict[str, list[str]] = {}
    for one in told:
        try:
            if is_affected(one.version, one.record.affected):
                hits.append(one)
        except (Invalid, Unsupported) as error:
            doubts.setdefault(str(error), []).append(one.record.advisory.id)
    found = {hit.record.advisory.id for hit in hits}
    kept = {reason: [one for one in ids if one not in found] for reason, ids in doubts.items()}
    return hits, {reason: ids for reason, ids in kept.items() if ids}


# -- which records are about this package -----------------------------------------------------------------------------


def concerns(package: Package, record: Record) -> bool:
    """Whether the record is about this package's release and module stream."""
    own, told = package.ecosystem, record.affected.ecosystem
    return covers(own, told, is_extended(package.version)) and not _other_stream(package, record)


def is_extended(version: str) -> bool:
    """Whether a version comes from Ubuntu Pro."""
    return "esm" in version or "fips" in version.lower()


def covering(packages: Iterable[Package], told: Iterable[str]) -> tuple[str, ...]:
    """Those of the ecosystems ``told`` of which something holds for one of the packages."""
    own = {(package.ecosystem, is_extended(package.version)) for package in packages if package.ecosystem}
    return tuple(one for one in told if any(covers(ecosystem, one, extended) for ecosystem, extended in own))


@lru_cache(maxsize=4096)
def covers(ecosystem: str, told: str, extended: bool = False) -> bool:
    """Whether what is told of ``told`` holds in ``ecosystem``: ``Debian`` in ``Debian:12``, not the reverse.

    ``extended``: for packages of Ubuntu Pro.

    >>> covers("Debian:12", "Debian:12"), covers("Debian:12", "Debian"), covers("Debian:12", "Debian:11")
    (True, True, False)
    """
    if ecosystem == told:
        return True
    base, _, release = told.partition(":")
    if base != root(ecosystem):
        return False
    own = ecosystem.partition(":")[2]
    return not release or _RELEASES.get(base, _exactly)(own, release, extended)


def _exactly(own: str, told: str, extended: bool) -> bool:
    """A language's suffix names a registry: which one a package came from is not known, so any may be it."""
    return not own and told.startswith(("https://", "http://"))


def _ubuntu(own: str, told: str, extended: bool) -> bool:
    """LTS or not is no matter of its own; what only Ubuntu Pro has fixed concerns only who has its packages."""
    if told.startswith(("Pro:", "FIPS")) and not extended:
        return False
    return told.rpartition("Pro:")[2].removesuffix(":LTS") == own.rpartition("Pro:")[2].removesuffix(":LTS")


def _red_hat(own: str, told: str, extended: bool) -> bool:
    """``enterprise_linux:9::baseos`` is a part of ``enterprise_linux:9``."""
    return told.startswith(f"{own}::")


def _suse(own: str, told: str, extended: bool) -> bool:
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
    if package.kind != "rpm":
        return False
    fixes = [event.version for one in record.affected.ranges for event in one.events if event.kind == "fixed"]
    modular = bool(package.modularity) or "module" in package.version
    if fixes and all("module" in fix for fix in fixes) != modular:
        return True
    name, _, rest = package.modularity.partition(":")
    told = {stream for module, stream in _STREAM.findall(record.advisory.summary) if module == name}
    return bool(name and told) and rest.partition(":")[0] not in told


# -- one finding for one vulnerability --------------------------------------------------------------------------------


def known_as(record: Record) -> tuple[str, ...]:
    """All names of the vulnerability. What a distribution says of a single upstream one is that one."""
    advisory = record.advisory
    upstream = advisory.upstream if len(advisory.upstream) == 1 else ()
    return (advisory.id, *advisory.aliases, *upstream)


def _grouped(hits: Sequence[Hit]) -> Iterator[list[Hit]]:
    """Hits that share a name, directly or through others. Linear: a kernel has thousands."""
    groups: dict[str, list[Hit]] = {}
    for hit in hits:
        names = known_as(hit.record)
        members = [hit]
        for other in {id(group): group for name in names if (group := groups.get(name))}.values():
            small, members = sorted((members, other), key=len)
            members += small
            names += tuple(name for one in small for name in known_as(one.record))
        groups.update(dict.fromkeys(names, members))
    for group in {id(group): group for group in groups.values()}.values():
        yield sorted(group, key=lambda hit: hit.record.advisory.id)


def _finding(package: Package, hits: Sequence[Hit]) -> Finding:
    ids = tuple(sorted({name for hit in hits for name in known_as(hit.record)}, key=_name_order))
    advisories = [hit.record.advisory for hit in hits]
    severity = worst(rated(hit.record) for hit in hits)
    unimportant = all(hit.record.affected.urgency == "unimportant" for hit in hits)
    fixed = _fix(hits)
    return Finding(
        name=ids[0],
        ids=ids,
        package=package,
        severity="negligible" if unimportant else severity.word,
        state="unimportant" if unimportant else "fixable" if fixed else "open",
        fixed=fixed,
        score=severity.score,
        vector=severity.vector,
        title=next((one.summary for one in advisories if one.summary), ""),
        cves=tuple(sorted(_covered(hits) - {*ids})),
        published=min((one.published for one in advisories if one.published), default=""),
        url=next((one.url for one in advisories if one.url), ""),
    )


def _name_order(name: str) -> tuple[int, str]:
    return _BEST_KNOWN.get(name.partition("-")[0], len(_BEST_KNOWN)), name


def _covered(hits: Sequence[Hit]) -> set[str]:
    """The CVEs of errata: they cover several, and are no names for each other."""
    told = (name for hit in hits for name in (*hit.record.advisory.upstream, *hit.record.advisory.related))
    return {name for name in told if name.startswith("CVE-")}


def _fix(hits: Sequence[Hit]) -> str:
    try:
        return fixed_version(hits[0].version, [hit.record.affected for hit in hits])
    except (Invalid, Unsupported):
        return ""


def _upgradable(findings: Sequence[Finding], told: Sequence[Hit]) -> Iterator[Finding]:
    """The findings of one package with the upgrade that removes those that have a fix, and leads into no other."""
    fixes = [one.fixed for one in findings if one.state == "fixable"]
    upgrade = _clean(fixes, findings, told) if fixes else ""
    for one in findings:
        yield msgspec.structs.replace(one, upgrade=upgrade) if one.state == "fixable" else one


def _clean(fixes: Sequence[str], findings: Sequence[Finding], told: Sequence[Hit]) -> str:
    hopeless = {name for one in findings if not one.fixed for name in one.ids}
    others = [one.record.affected for one in told if hopeless.isdisjoint(known_as(one.record))]
    try:
        return clean_version(fixes, others)
    except (Invalid, Unsupported):
        return ""


def _folded(findings: Sequence[Finding]) -> Iterator[Finding]:
    """An erratum whose CVEs are all findings of their own says nothing new: they take its ids."""
    own = {name for finding in findings if not finding.cves for name in finding.ids}
    errata = [finding for finding in findings if finding.cves and {*finding.cves} <= own]
    more: dict[str, list[str]] = {}
    for erratum in errata:
        for cve in erratum.cves:
            more.setdefault(cve, []).extend(erratum.ids)
    for finding in findings:
        if finding in errata:
            continue
        taken = {one for name in finding.ids for one in more.get(name, ())} - {*finding.ids}
        yield msgspec.structs.replace(finding, ids=(*finding.ids, *sorted(taken))) if taken else finding
