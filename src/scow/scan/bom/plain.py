"""The catalog itself as JSON, for scripts. Pure."""

from __future__ import annotations

from typing import Any

from scow.layer.entry import shown
from scow.scan.bom.facts import layer
from scow.scan.package import Catalog, Package


def plain(catalog: Catalog, version: str) -> dict[str, Any]:
    """The document, for :func:`~scow.scan.bom.writing.pieces`; ``version`` is that of scow, who wrote it."""
    return {
        "scow": version,
        "image": {"name": catalog.subject, "digest": catalog.digest, "created": catalog.created},
        "distribution": _distribution(catalog),
        "layers": [{"diffId": one.diff_id, "createdBy": one.created_by} for one in catalog.layers],
        "packages": (_package(catalog, one) for one in catalog.packages),
        "unread": [
            {"path": shown(one.path), "reason": one.reason, "layer": layer(catalog, one.layer)}
            for one in catalog.unread
        ],
    }


def _distribution(catalog: Catalog) -> dict[str, str] | None:
    one = catalog.distribution
    if one is None:
        return None
    return {"id": one.id, "version": one.version_id, "name": str(one), "ecosystem": one.ecosystem}


def _package(catalog: Catalog, package: Package) -> dict[str, Any]:
    return {
        "name": package.name,
        "version": package.version,
        "type": package.kind,
        "purl": package.purl,
        "ecosystem": package.ecosystem,
        "source": {"name": package.source or package.name, "version": package.source_version or package.version},
        "architecture": package.arch,
        "licenses": list(package.licences),
        "location": shown(package.location),
        "layer": layer(catalog, package.layer),
        "layerNumber": package.layer,
    }
