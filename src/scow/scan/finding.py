"""PURE. The values of a scan's result."""

# Annotations are not deferred: msgspec would compile each of them before the first record is read.

from typing import Literal

import msgspec

from scow.scan.holding import Holding
from scow.scan.package import Catalog, Package

State = Literal["open", "fixable", "unimportant"]


class Finding(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One vulnerability of one package.

    ``name`` is the best known of its ``ids``. ``cves`` are what an erratum covers beyond that. ``fixed`` is the
    smallest version without it, where there is one. ``unimportant`` is the distribution's word: the defect is there,
    and does not matter in its package. ``upgrade`` is the smallest version without any of its package's findings that
    have a fix, those included that came since. ``ignored`` is the reason why somebody wants it left out.
    ``exploited`` is the date since which it is known to be (CISA KEV); ``likelihood`` is EPSS's, 0 to 1.
    """

    name: str
    ids: tuple[str, ...]
    package: Package
    severity: str = "unknown"
    state: State = "open"
    fixed: str = ""
    score: float | None = None
    vector: str = ""
    title: str = ""
    cves: tuple[str, ...] = ()
    published: str = ""
    url: str = ""
    exploited: str = ""
    likelihood: float | None = None
    ignored: str = ""
    upgrade: str = ""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What makes it the same finding in another image: not the version, and not the layer."""
        return self.name, self.package.kind, self.package.name, self.package.arch

    @property
    def origin(self) -> str:
        """The name under which the package is upgraded: its source's where binaries share one."""
        return self.package.source or self.package.name


class Undecided(msgspec.Struct, frozen=True, omit_defaults=True):
    """Advisories that may concern a package: its version, or one of theirs, cannot be compared."""

    package: Package
    ids: tuple[str, ...]
    reason: str


class Uncovered(msgspec.Struct, frozen=True, omit_defaults=True):
    """Packages about which nothing is known. ``what`` is an ecosystem, a distribution or a kind of package."""

    what: str
    packages: int
    reason: str = ""


class Report(msgspec.Struct, frozen=True, omit_defaults=True):
    """The result of a scan. ``findings`` are sorted, the worst first; ``ignored`` are those left out on request.

    ``coverage`` are the advisories that were asked. ``notes`` are for people.
    """

    catalog: Catalog
    findings: tuple[Finding, ...] = ()
    ignored: tuple[Finding, ...] = ()
    undecided: tuple[Undecided, ...] = ()
    uncovered: tuple[Uncovered, ...] = ()
    coverage: tuple[Holding, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def checked(self) -> int:
        """Packages that advisories could be asked about."""
        return len(self.catalog.packages) - sum(gap.packages for gap in self.uncovered)

    @property
    def counts(self) -> dict[str, int]:
        """Severity → number of findings; only those there are, the worst first."""
        from scow.scan.severity import SEVERITIES

        words = [finding.severity for finding in self.findings]
        return {word: words.count(word) for word in SEVERITIES if word in words}
