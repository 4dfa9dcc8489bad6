"""Package managers whose records are JSON documents: npm, composer, .NET. Pure."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from scow.scan.catalog.reading import Reading, document, licences
from scow.scan.package import Package


class _Npm(msgspec.Struct):
    name: Any = None
    version: Any = None
    license: Any = None
    licenses: Any = None


def npm(path: bytes, data: bytes) -> Reading:
    """``node_modules/<name>/package.json``. Without a name and a version it is no package: a marker of its builder."""
    record = document(data, _Npm)
    if isinstance(record, str):
        return Reading(reasons=(record,))
    if not (isinstance(record.name, str) and isinstance(record.version, str) and record.name and record.version):
        return Reading()
    version, told = record.version.removeprefix("v"), licences(record.license or record.licenses)
    return Reading((Package(record.name, version, "npm", "npm", licences=told, location=path),))


class _Composed(msgspec.Struct):
    name: str = ""
    version: str = ""
    license: Any = None


class _Installed(msgspec.Struct):
    packages: list[_Composed] = []


def composer(path: bytes, data: bytes) -> Reading:
    """``vendor/composer/installed.json``: version 2 has an object, version 1 was the list itself."""
    record = document(data, _Installed)
    if isinstance(record, str):
        older = document(data, list[_Composed])
        if isinstance(older, str):
            return Reading(reasons=(record,))
        record = _Installed(older)
    return Reading(
        tuple(
            Package(one.name, one.version, "composer", "Packagist", licences=licences(one.license), location=path)
            for one in record.packages
        )
    )


class _Library(msgspec.Struct):
    type: str = ""


class _Assets(msgspec.Struct, rename="camel"):
    runtime: Any = None
    native: Any = None
    runtime_targets: Any = None
    resources: Any = None


class _Dependencies(msgspec.Struct):
    libraries: dict[str, _Library] = {}
    targets: dict[str, dict[str, _Assets]] = {}


#: what comes from NuGet by its type, and what stands before its name: a runtime that an application brings itself
_PREFIXES: Final = {"package": "", "runtimepack": "runtimepack."}


def dotnet(path: bytes, data: bytes) -> Reading:
    """``<program>.deps.json``: libraries by ``name/version``. One of which no target has a file is not shipped."""
    record = document(data, _Dependencies)
    if isinstance(record, str):
        return Reading(reasons=(record,))
    shipped = {
        name for target in record.targets.values() for name, one in target.items()
        if one.runtime or one.native or one.runtime_targets or one.resources
    }  # fmt: skip
    named = (
        name.removeprefix(_PREFIXES[library.type]).rpartition("/")
        for name, library in record.libraries.items()
        if library.type in _PREFIXES and (name in shipped or not record.targets)
    )
    return Reading(tuple(Package(name, version, "nuget", "NuGet", location=path) for name, _, version in named))
