"""Bills of materials as a source: in an image (Bitnami, Chainguard), or in a file of their own. Pure.

What counts is a component's package URL: nothing else says of which package manager its name is.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from typing import Any, Final

import msgspec

from scow.scan.catalog.reading import PACKAGES_LIMIT, Reading, document
from scow.scan.package import SYSTEM_KINDS, Package
from scow.scan.purls import from_purl

#: Trivy has what a package was built from beside the purl: in CycloneDX, in SPDX
_SOURCE: Final = "aquasecurity:trivy:Src"
_BUILT_FROM: Final = "built package from: "


class _Property(msgspec.Struct):
    name: Any = None
    value: Any = None


class _Component(msgspec.Struct):
    purl: str = ""
    components: list[_Component] = []
    properties: list[_Property] = []


class _Reference(msgspec.Struct, rename="camel"):
    reference_type: str = ""
    reference_locator: str = ""


class _Described(msgspec.Struct, rename="camel"):
    external_refs: list[_Reference] = []
    source_info: str = ""


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
    for purl, source, version in islice(purls, PACKAGES_LIMIT + 1):
        package = from_purl(purl, path)
        if isinstance(package, str):
            reasons.append(package)
        elif package.version:
            packages.append(_built_from(package, source, version))
    return Reading(tuple(packages), tuple(reasons), declared=True)


def _built_from(package: Package, source: str, version: str) -> Package:
    """The package with its source, of a distribution's whose purl does not name one."""
    if not source or package.source or package.source_version or package.kind not in SYSTEM_KINDS:
        return package
    own = package.version
    if package.kind == "rpm":  # a source's version is that of its file, which has no epoch
        own, version = own.rpartition(":")[2], version.rpartition(":")[2]
    version = "" if version == own else version
    named = source if source != package.name or version else ""
    return msgspec.structs.replace(package, source=named, source_version=version)


def _components(components: list[_Component]) -> Iterator[tuple[str, str, str]]:
    todo = list(reversed(components))
    while todo:
        one = todo.pop()
        if one.purl:
            yield one.purl, *_source(one.properties)
        todo += reversed(one.components)


def _source(properties: list[_Property]) -> tuple[str, str]:
    told = {one.name: one.value for one in properties if isinstance(one.name, str) and isinstance(one.value, str)}
    name, epoch, *rest = (told.get(_SOURCE + part, "") for part in ("Name", "Epoch", "Version", "Release"))
    version = "-".join(filter(None, rest))
    return name, f"{epoch}:{version}" if epoch not in ("", "0") else version


def _described(packages: list[_Described]) -> Iterator[tuple[str, str, str]]:
    for one in packages:
        told = one.source_info.removeprefix(_BUILT_FROM) if one.source_info.startswith(_BUILT_FROM) else ""
        name, _, version = told.partition(" ")
        yield from ((each.reference_locator, name, version) for each in one.external_refs
                    if each.reference_type == "purl")  # fmt: skip
