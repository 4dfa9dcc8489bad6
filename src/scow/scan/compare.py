"""PURE. Two scans of what was one image: what a rebuild fixed, and what it brought."""

from __future__ import annotations

import msgspec

from scow.scan.finding import Finding, Report


class Difference(msgspec.Struct, frozen=True, omit_defaults=True):
    """``gone`` were in the old image, ``brought`` are in the new one, ``stayed`` are in both (as the new one has them).

    A vulnerability of the same package is the same finding whatever the package's version is.
    """

    old: Report
    new: Report
    gone: tuple[Finding, ...] = ()
    brought: tuple[Finding, ...] = ()
    stayed: tuple[Finding, ...] = ()


def compare(old: Report, new: Report) -> Difference:
    """What is different in ``new``."""
    before, after = ({one.key for one in report.findings} for report in (old, new))
    return Difference(
        old,
        new,
        tuple(one for one in old.findings if one.key not in after),
        tuple(one for one in new.findings if one.key not in before),
        tuple(one for one in new.findings if one.key in before),
    )
