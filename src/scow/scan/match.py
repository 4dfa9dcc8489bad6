"""PURE. Packages and advisories → findings, and what could not be decided."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from scow.errors import Invalid, Unsupported
from scow.scan.advisory import Advisory, Record
from scow.scan.affected import Ruling, clean_version, fixed_version, is_affected, ruling
from scow.scan.concern import Query, channel_of, concerns, queries
from scow.scan.finding import Finding, Undecided
from scow.scan.package import Package
from scow.scan.severity import rank, rated

#: how a name begins -> its place among the names of a vulnerability; what others are called comes last
_BEST_KNOWN: Final = {"CVE": 0, "GHSA": 1}

#: (ecosystem without its release, normalised name) -> the records there are
Records = Mapping[tuple[str, str], Sequence[Record]]


class Hit(msgspec.Struct, frozen=True, gc=False):
    """A record that applies to ``version``, and all names of its vulnerability."""

    record: Record
    ruling: Ruling
    names: tuple[str, ...]
    version: str


#: A record and what it rules, and the version that it may apply to.
Told = tuple[Record, Ruling, str]


def match(packages: Iterable[Package], records: Records) -> tuple[tuple[Finding, ...], tuple[Undecided, ...]]:
    """Everything the records say of the packages, the worst first."""
    findings: list[Finding] = []
    undecided: list[Undecided] = []
    known: dict[tuple[object, ...], tuple[list[Finding], dict[str, list[str]]]] = {}
    for package in packages:
        asked = queries(package)
        alike = package.kind, package.ecosystem, package.version, package.modularity, asked
        if alike not in known:  # the binaries of one source are
            known[alike] = _said(package, asked, records)
        found, doubts = known[alike]
        findings += (one if one.package is package else msgspec.structs.replace(one, package=package) for one in found)
        undecided += (Undecided(package, tuple(sorted(set(ids))), reason) for reason, ids in doubts.items())
    return tuple(sorted(findings, key=order)), tuple(sorted(undecided, key=lambda one: (one.package.name, one.reason)))


def order(finding: Finding) -> tuple[object, ...]:
    """The worst first; then by package and name."""
    package = finding.package
    unimportant = finding.state == "unimportant"
    return unimportant, *_badness(finding), package.name, finding.name, package.version, package.arch


def _said(package: Package, asked: Iterable[Query], records: Records) -> tuple[list[Finding], dict[str, list[str]]]:
    """The findings of one package; reason → ids of the advisories that may be more."""
    told = _told(package, asked, records)
    hits, doubts = _judged(told)
    found = _folded([_finding(package, group) for group in _grouped(hits)])
    return _upgradable(found, told), doubts


def _told(package: Package, asked: Iterable[Query], records: Records) -> list[Told]:
    """The records that are about the package, whether or not they apply to its version."""
    channel = channel_of(package.version)
    told = [
        (record, ruling(record.affected), query.version)
        for query in asked
        for record in records.get((query.ecosystem, query.name), ())
        if not record.advisory.withdrawn and concerns(package, record, channel=channel)
    ]
    return _of_one_channel(told) if channel and package.ecosystem.startswith("Ubuntu:") else told


def _of_one_channel(told: Sequence[Told]) -> list[Told]:
    """Of what an advisory says of several channels of Ubuntu, the most special: it has the longest name. What Pro has
    fixed is open in the plain release for ever."""
    longest: dict[str, int] = {}
    for record, _, _ in told:
        known = longest.get(record.advisory.id, 0)
        longest[record.advisory.id] = max(known, len(record.affected.ecosystem))
    return [one for one in told if len(one[0].affected.ecosystem) == longest[one[0].advisory.id]]


def _judged(told: Iterable[Told]) -> tuple[list[Hit], dict[str, list[str]]]:
    """Those that apply, and reason → ids of those of which that cannot be told."""
    hits: list[Hit] = []
    doubts: dict[str, list[str]] = {}
    for record, one, version in told:
        try:
            if is_affected(version, one):
                hits.append(Hit(record, one, known_as(record.advisory), version))
        except (Invalid, Unsupported) as error:
            doubts.setdefault(str(error), []).append(record.advisory.id)
    found = {hit.record.advisory.id for hit in hits} if doubts else set()
    kept = {reason: [one for one in ids if one not in found] for reason, ids in doubts.items()}
    return hits, {reason: ids for reason, ids in kept.items() if ids}


# -- one finding for one vulnerability --------------------------------------------------------------------------------


def known_as(advisory: Advisory) -> tuple[str, ...]:
    """All names of the vulnerability. What a distribution says of a single upstream one is that one; it is a single one
    when no database has two names for it (``CVE-2024-1``, ``GHSA-…``)."""
    several = {*advisory.upstream}
    upstream = advisory.upstream if len({name.partition("-")[0] for name in several}) == len(several) else ()
    return (advisory.id, *advisory.aliases, *upstream)


def _grouped(hits: Sequence[Hit]) -> Iterator[list[Hit]]:
    """Hits that share a name, directly or through others. Linear: a kernel has thousands."""
    groups: dict[str, list[Hit]] = {}
    for hit in hits:
        members = [hit]
        for name in hit.names:
            other = groups.setdefault(name, members)
            if other is not members:
                small, members = sorted((members, other), key=len)
                members += small
                groups.update((name, members) for one in small if one is not hit for name in one.names)
        if len(members) > 1:
            groups.update(dict.fromkeys(hit.names, members))
    for hit in hits:
        group = groups[hit.names[0]]
        if group[0] is hit:
            yield group if len(group) == 1 else sorted(group, key=lambda hit: hit.record.advisory.id)


def _finding(package: Package, hits: Sequence[Hit]) -> Finding:
    """What the records of one vulnerability say together."""
    several = [_said_by(hit, package) for hit in hits]
    if len(several) == 1:
        return several[0]
    ids = _ordered(name for one in several for name in one.ids)
    fixed = _fix(hits[0].version, [hit.ruling for hit in hits])
    return msgspec.structs.replace(
        min(several, key=_badness),
        name=ids[0],
        ids=ids,
        state="unimportant" if {one.state for one in several} == {"unimportant"} else "fixable" if fixed else "open",
        fixed=fixed,
        title=_first(one.title for one in several),
        cves=tuple(sorted({cve for one in several for cve in one.cves}.difference(ids))),
        published=min(filter(None, (one.published for one in several)), default=""),
        url=_first(one.url for one in several),
    )


def _said_by(hit: Hit, package: Package) -> Finding:
    """What one record says."""
    advisory = hit.record.advisory
    ids = _ordered(hit.names)
    severity = rated(hit.record)
    unimportant = hit.record.affected.urgency == "unimportant"
    fixed = _fix(hit.version, (hit.ruling,))
    return Finding(
        name=ids[0],
        ids=ids,
        package=package,
        severity="negligible" if unimportant else severity.word,
        state="unimportant" if unimportant else "fixable" if fixed else "open",
        fixed=fixed,
        score=severity.score,
        vector=severity.vector,
        title=advisory.summary,
        cves=_covered(advisory, ids) if advisory.related or len(advisory.upstream) > 1 else (),
        published=advisory.published,
        url=advisory.url,
    )


def _badness(finding: Finding) -> tuple[int, float]:
    return rank(finding.severity), -(finding.score or 0.0)


def _first(texts: Iterable[str]) -> str:
    return next(filter(None, texts), "")


def _ordered(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names), key=_name_order))


def _name_order(name: str) -> tuple[int, str]:
    return _BEST_KNOWN.get(name.partition("-")[0], len(_BEST_KNOWN)), name


def _covered(advisory: Advisory, ids: Sequence[str]) -> tuple[str, ...]:
    """The CVEs of an erratum: it covers several, and they are no names for each other."""
    told = {name for name in (*advisory.upstream, *advisory.related) if name.startswith("CVE-")}
    return tuple(sorted(told.difference(ids)))


def _fix(version: str, rulings: Sequence[Ruling]) -> str:
    try:
        return fixed_version(version, rulings)
    except (Invalid, Unsupported):
        return ""


def _upgradable(findings: Sequence[Finding], told: Sequence[Told]) -> list[Finding]:
    """The findings of one package with the upgrade that removes those that have a fix, and leads into no other."""
    fixes = [one.fixed for one in findings if one.state == "fixable"]
    upgrade = _clean(fixes, findings, told) if fixes else ""
    if not upgrade:
        return [*findings]
    return [msgspec.structs.replace(one, upgrade=upgrade) if one.state == "fixable" else one for one in findings]


def _clean(fixes: Sequence[str], findings: Sequence[Finding], told: Sequence[Told]) -> str:
    hopeless = {name for one in findings if not one.fixed for name in one.ids}
    others = [one for record, one, _ in told if not hopeless or hopeless.isdisjoint(known_as(record.advisory))]
    try:
        return clean_version(fixes, others)
    except (Invalid, Unsupported):
        return ""


def _folded(findings: Sequence[Finding]) -> Sequence[Finding]:
    """An erratum whose CVEs are all findings of their own says nothing new: they take its ids."""
    if not any(one.cves for one in findings):
        return findings
    own = {name for finding in findings if not finding.cves for name in finding.ids}
    errata = [finding for finding in findings if finding.cves and {*finding.cves} <= own]
    more: dict[str, list[str]] = {}
    for erratum in errata:
        for cve in erratum.cves:
            more.setdefault(cve, []).extend(erratum.ids)
    return [_with_ids(finding, more) for finding in findings if finding not in errata]


def _with_ids(finding: Finding, more: Mapping[str, Sequence[str]]) -> Finding:
    taken = {one for name in finding.ids for one in more.get(name, ())} - {*finding.ids}
    return msgspec.structs.replace(finding, ids=(*finding.ids, *sorted(taken))) if taken else finding
