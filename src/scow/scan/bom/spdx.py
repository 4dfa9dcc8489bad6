"""SPDX 2.3 (https://spdx.github.io/spdx-spec/v2.3/) as JSON. Pure.

The time that the specification asks for is the image's own: the same image gives the same document.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from scow.layer.entry import shown
from scow.scan.bom.facts import complaint, fingerprint, identity, layer
from scow.scan.bom.licences import is_expression, reference
from scow.scan.package import Catalog, Package

_NONE: Final = "NOASSERTION"
_ROOT: Final = "SPDXRef-Image"
_NEVER: Final = "1970-01-01T00:00:00Z"
_SECOND: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?Z")


def spdx(catalog: Catalog, version: str) -> dict[str, Any]:
    """The document, for :func:`~scow.scan.bom.writing.pieces`; ``version`` is that of scow, who wrote it."""
    named: list[str] = []
    texts = sorted({text for one in catalog.packages for text in one.licences if not is_expression(text)})
    document: dict[str, Any] = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": catalog.subject or "unknown",
        "documentNamespace": f"https://spdx.org/spdxdocs/scow-{fingerprint(catalog, version)}",
        "creationInfo": {"created": _created(catalog), "creators": [f"Tool: scow-{version}"]},
        "packages": _packages(catalog, named),
        "relationships": _relations(named),
    }
    if catalog.unread:
        document["comment"] = "Could not be read:\n" + "\n".join(map(complaint, catalog.unread))
    if texts:
        document["hasExtractedLicensingInfos"] = [
            {"licenseId": reference(text), "extractedText": text, "name": text} for text in texts
        ]
    return document


def _created(catalog: Catalog) -> str:
    """The image's time without fractions of a second, which the specification does not know."""
    found = _SECOND.fullmatch(catalog.created)
    return f"{found[1]}Z" if found else _NEVER


def _packages(catalog: Catalog, named: list[str]) -> Iterator[dict[str, Any]]:
    """The image, and each of its packages; ``named`` then has their identifiers."""
    yield _root(catalog)
    for package in catalog.packages:
        written = _package(catalog, package)
        named.append(written["SPDXID"])
        yield written


def _relations(named: list[str]) -> Iterator[dict[str, str]]:
    yield _relation("SPDXRef-DOCUMENT", "DESCRIBES", _ROOT)
    for name in named:
        yield _relation(_ROOT, "CONTAINS", name)


def _relation(one: str, kind: str, other: str) -> dict[str, str]:
    return {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}


def _unknown(name: str, identifier: str) -> dict[str, Any]:
    return {
        "name": name,
        "SPDXID": identifier,
        "downloadLocation": _NONE,
        "filesAnalyzed": False,
        "licenseConcluded": _NONE,
        "licenseDeclared": _NONE,
        "copyrightText": _NONE,
    }


def _root(catalog: Catalog) -> dict[str, Any]:
    root = {**_unknown(catalog.subject or "unknown", _ROOT), "primaryPackagePurpose": "CONTAINER"}
    if catalog.digest:
        root["versionInfo"] = catalog.digest
    if catalog.distribution:
        root["comment"] = str(catalog.distribution)
    return root


def _package(catalog: Catalog, package: Package) -> dict[str, Any]:
    purl, where = package.purl, f"found in {shown(package.location)}"
    brought = layer(catalog, package.layer)
    return {
        **_unknown(package.name, f"SPDXRef-Package-{package.kind}-{identity(package, purl)}"),
        "versionInfo": package.version,
        "licenseDeclared": _declared(package.licences),
        "sourceInfo": f"{where}, of layer {brought}" if brought else where,
        "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}],
    }


def _declared(texts: tuple[str, ...]) -> str:
    """All that a package states. How several licences go together is not said, so all are taken to apply."""
    several = len(texts) > 1
    parts = [f"({one})" if several and " " in one else one for one in map(_term, dict.fromkeys(texts))]
    return " AND ".join(parts) or _NONE


def _term(text: str) -> str:
    return text if is_expression(text) else reference(text)
