"""PURE. The names of ecosystems, and of packages in them, as OSV writes and compares them."""

from __future__ import annotations

import re

from scow.errors import Invalid

_ECOSYSTEM = re.compile(r"[A-Za-z][A-Za-z0-9 ._-]{0,63}\Z", re.ASCII)
_DASHES = re.compile(r"[-_.]+")
_LOWERED = frozenset({"NuGet", "Packagist", "GitHub Actions"})


def root(ecosystem: str) -> str:
    """``Debian`` of ``Debian:12``: what one file of OSV's bulk data covers."""
    return ecosystem.partition(":")[0]


def checked_root(ecosystem: str) -> str:
    """:func:`root`, of a name that may have come from a user or a server. Raises :class:`~scow.errors.Invalid`."""
    name = root(ecosystem)
    if not _ECOSYSTEM.match(name):
        raise Invalid("not the name of an ecosystem", subject=ecosystem[:80], hint="write it as OSV does: Debian, PyPI")
    return name


def normalised(ecosystem: str, name: str) -> str:
    """The name as it is compared: PyPI's by PEP 503, NuGet's and Packagist's regardless of case."""
    base = root(ecosystem)
    if base == "PyPI":
        return _DASHES.sub("-", name).lower()
    return name.lower() if base in _LOWERED else name
