"""PURE. The table: whose versions are ordered how (OSV schema, "Defined ecosystems" and their version orders)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from scow.errors import Invalid
from scow.scan.versions import apk, deb, gem, maven, numbers, pep440, php, rpm, semver

#: A version's text → what sorts as the ecosystem sorts. Keys of one order compare with each other only.
Order = Callable[[str], Any]

#: Longer texts are no versions; reading their numbers takes quadratic time.
_LONGEST = 512

#: ecosystem, without what follows a colon → its order
ORDERS: Mapping[str, Order] = {
    **dict.fromkeys(("Debian", "Ubuntu", "Echo"), deb.key),
    **dict.fromkeys(("Alpine", "Alpaquita", "BellSoft Hardened Containers", "Chainguard", "MinimOS", "Wolfi"), apk.key),
    **dict.fromkeys(
        (
            "AlmaLinux", "Amazon Linux", "Azure Linux", "Fedora", "Mageia", "openEuler", "openSUSE", "Oracle Linux",
            "Photon OS", "Red Hat", "Rocky Linux", "SUSE",
        ),
        rpm.key,
    ),
    **dict.fromkeys(("npm", "crates.io", "Hex", "SwiftURL", "GitHub Actions", "Bitnami", "Julia"), semver.key),
    "Go": semver.go_key,
    "Pub": semver.pub_key,
    "NuGet": semver.nuget_key,
    "PyPI": pep440.key,
    "Maven": maven.key,
    "RubyGems": gem.key,
    "Packagist": php.key,
    **dict.fromkeys(("CRAN", "Bioconductor"), numbers.cran_key),
    **dict.fromkeys(("Hackage", "GHC"), numbers.hackage_key),
}  # fmt: skip


def order_of(ecosystem: str) -> Order | None:
    """How versions of ``ecosystem`` (``Debian:12``, ``PyPI``) are ordered; None when that is not known here."""
    return ORDERS.get(ecosystem.partition(":")[0])


@lru_cache(maxsize=65536)
def place(order: Order, text: str) -> Any:
    """``order(text)``. Raises :class:`~scow.errors.Invalid` for what is no version there, and for endless ones."""
    if len(text) > _LONGEST:
        raise Invalid(f"version is longer than {_LONGEST} characters", subject=text[:40] + "…")
    return order(text)


def reach(order: Order, text: str) -> Any:
    """The last place that ``text`` stands for: to Python, a public version stands for its local ones too."""
    own = place(order, text)
    return pep440.behind_locals(own) if order is pep440.key else own
