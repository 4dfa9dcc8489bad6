"""CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json). Pure.

The serial number is made of the content and there is no time in it: the same image gives the same document.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from scow.layer.entry import shown
from scow.scan.bom.facts import complaint, fingerprint, identity, layer
from scow.scan.bom.licences import KNOWN, is_expression
from scow.scan.package import Catalog, Distribution, Package

_ROOT: Final = "image"
_DISTRIBUTION: Final = "distribution"


def cyclonedx(catalog: Catalog, version: str) -> dict[str, Any]:
    """The document, for :func:`~scow.scan.bom.writing.pieces`; ``version`` is that of scow, who wrote it."""
    named: list[str] = []
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{_uuid(fingerprint(catalog, version))}",
        "version": 1,
        "metadata": _metadata(catalog, version),
        "components": _components(catalog, named),
        "dependencies": [{"ref": _ROOT, "dependsOn": named}],
    }


def _components(catalog: Catalog, named: list[str]) -> Iterator[dict[str, Any]]:
    """Each of them; ``named`` then has the names by which the document knows them."""
    if catalog.distribution:
        yield _distribution(catalog.distribution)
        named.append(_DISTRIBUTION)
    for package in catalog.packages:
        component = _package(catalog, package)
        named.append(component["bom-ref"])
        yield component


def _uuid(digits: str) -> str:
    """A UUID (version 8: of one's own making, RFC 9562) of hexadecimal digits."""
    return f"{digits[:8]}-{digits[8:12]}-8{digits[13:16]}-8{digits[17:20]}-{digits[20:32]}"


def _metadata(catalog: Catalog, version: str) -> dict[str, Any]:
    root: dict[str, Any] = {"type": "container", "bom-ref": _ROOT, "name": catalog.subject or "unknown"}
    if catalog.digest:
        root["version"] = catalog.digest
    metadata: dict[str, Any] = {
        "tools": {"components": [{"type": "application", "name": "scow", "version": version}]},
        "component": root,
    }
    told = [("scow:layer", one.diff_id) for one in catalog.layers]
    told += [("scow:unread", complaint(one)) for one in catalog.unread]
    return {**metadata, "properties": _properties(told)} if told else metadata


def _properties(told: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in told if value]


def _distribution(one: Distribution) -> dict[str, Any]:
    component = {"type": "operating-system", "bom-ref": _DISTRIBUTION, "name": one.id, "description": str(one)}
    return {**component, "version": one.version_id} if one.version_id else component


def _package(catalog: Catalog, package: Package) -> dict[str, Any]:
    purl = package.purl
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": identity(package, purl),
        "name": package.name,
        "version": package.version,
        "purl": purl,
    }
    licences = _licences(package.licences)
    if licences:
        component["licenses"] = licences
    told = [
        ("scow:location", shown(package.location)),
        ("scow:layer", layer(catalog, package.layer)),
        ("scow:ecosystem", package.ecosystem),
        ("scow:source", package.source),
        ("scow:source:version", package.source_version),
        ("scow:modularity", package.modularity),
    ]
    component["properties"] = _properties(told)
    return component


def _licences(texts: tuple[str, ...]) -> list[dict[str, Any]]:
    """One expression, or any number of single licences: the schema allows no mixture."""
    if len(texts) == 1 and texts[0] not in KNOWN and is_expression(texts[0]):
        return [{"expression": texts[0]}]
    return [{"license": {"id": one} if one in KNOWN else {"name": one}} for one in dict.fromkeys(texts)]
