"""Bills of materials as a source: in an image (Bitnami, Chainguard), or in a file of their own. Pure.

What counts is a component's package URL: nothing else says of which package manager its name is.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice

import msgspec

from scow.scan.catalog.reading import PACKAGES_LIMIT, Reading, document
from scow.scan.package import Package
from scow.scan.purls import from_purl


class _Component(msgspec.Struct):
    purl: str = ""
    components: list[_Component] = []


class _Reference(msgspec.Struct, rename="camel"):
    reference_type: str = ""
    reference_locator: str = ""


class _Described(msgspec.Struct, rename="camel"):
    external_refs: list[_Reference] = []


class _Bill(msgspec.Struct, rename="camel"):
    """Of either format: CycloneDX has ``components``, SPDX ``packages``."""

    bom_format: str = ""
    spdx_version: str = ""
    components: list[_Component] = []
    packages: list[_Described] = []


def bill(path: bytes, data: bytes) -> Reading:
    """The packages of a CycloneDX or SPDX 2 document in JSON."""
    found = document(data, _Bill)
    if isinstance(found, str):
        return Reading(reasons=(found,))
    if not found.bom_format and not found.spdx_version:
        return Reading(reasons=("is neither CycloneDX nor SPDX",))
    packages: list[Package] = []
    reasons: list[str] = []
    purls = chain(_components(found.components), _described(found.packages))
    for purl in islice(purls, PACKAGES_LIMIT + 1):
        package = from_purl(purl, path)
        if isinstance(package, str):
            reasons.append(package)
        elif package.version:
            packages.append(package)
    return Reading(tuple(packages), tuple(reasons), declared=True)


def _components(components: list[_Component]) -> Iterator[str]:
    todo = list(reversed(components))
    while todo:
        one = todo.pop()
        if one.purl:
            yield one.purl
        todo += reversed(one.components)


def _described(packages: list[_Described]) -> Iterator[str]:
    for one in packages:
        yield from (each.reference_locator for each in one.external_refs if each.reference_type == "purl")
