"""PURE. The upgrades that remove most findings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from scow.errors import Invalid
from scow.scan.finding import Finding, Report
from scow.scan.package import SYSTEM_KINDS
from scow.scan.severity import rank

#: What is meant by the layers that the image's own Dockerfile did not make.
BASE = "the base image"


class Advice(msgspec.Struct, frozen=True, omit_defaults=True):
    """One upgrade: of ``what`` (a source package, or :data:`BASE`) to the version ``to``, and what that removes.

    ``packages`` are those that are upgraded; ``worst`` is the worst severity among the ``removes`` findings.
    """

    what: str
    to: str
    removes: int
    worst: str = "unknown"
    packages: tuple[str, ...] = ()


def advise(report: Report) -> tuple[Advice, ...]:
    """The upgrades, the one that removes most first; a newer base image before the packages that it would bring."""
    fixable = [one for one in report.findings if one.state == "fixable"]
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in fixable:
        groups.setdefault((finding.package.ecosystem, finding.origin), []).append(finding)
    single = [_upgrade(name, findings) for (_, name), findings in groups.items()]
    return tuple(sorted((*_base(report, fixable), *single), key=_usefulness))


def _usefulness(one: Advice) -> tuple[object, ...]:
    return -one.removes, rank(one.worst), one.what != BASE, one.what


def _base(report: Report, fixable: Sequence[Finding]) -> Iterable[Advice]:
    """What came in the lowest layer from the distribution, and is fixed there: a newer base image has it."""
    if len(report.catalog.layers) < 2:
        return
    low = [one for one in fixable if one.package.layer == 0 and one.package.kind in SYSTEM_KINDS]
    if len({one.origin for one in low}) > 1:
        yield _advice(BASE, "one that was built since", low)


def _upgrade(name: str, findings: Sequence[Finding]) -> Advice:
    return _advice(name, _last([one.upgrade or one.fixed for one in findings], findings[0].package.ecosystem), findings)


def _advice(what: str, to: str, findings: Sequence[Finding]) -> Advice:
    worst = min((one.severity for one in findings), key=rank)
    return Advice(what, to, len(findings), worst, tuple(sorted({one.package.name for one in findings})))


def _last(fixes: Sequence[str], ecosystem: str) -> str:
    if len({*fixes}) == 1:
        return fixes[0]
    from scow.scan.versions.order import order_of, place

    by = order_of(ecosystem)
    try:
        return max(fixes, key=lambda fix: place(by, fix)) if by else fixes[0]
    except Invalid:
        return fixes[0]
