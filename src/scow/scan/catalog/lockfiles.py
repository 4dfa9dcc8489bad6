"""Node's lockfiles: what an application asks for, which need not be what is installed; counted on request. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from scow.scan.catalog.reading import Reading, document, text
from scow.scan.package import Package

_DEPTH_LIMIT: Final = 100
_KEY: Final = re.compile(r'^"?((?:@[^/@\s"]+/)?[^/@\s"]+)@(?!workspace:|patch:|file:|link:)[^\n]*:$')
_VERSION: Final = re.compile(r'^  version:? "?([^"\s]+)"?$')


class _Locked(msgspec.Struct):
    version: Any = None
    name: str = ""
    link: bool = False


class _PackageLock(msgspec.Struct):
    packages: dict[str, _Locked] = {}
    dependencies: dict[str, Any] = {}


def package_lock(path: bytes, data: bytes) -> Reading:
    """``package-lock.json``, ``npm-shrinkwrap.json``: by path since version 2, nested in version 1."""
    found = document(data, _PackageLock)
    if isinstance(found, str):
        return Reading(reasons=(found,))
    pairs = _by_path(found.packages) if found.packages else _nested(found.dependencies)
    return Reading(tuple(_package(path, name, version) for name, version in pairs))


def _by_path(packages: dict[str, _Locked]) -> Iterator[tuple[str, str]]:
    for where, one in packages.items():
        _, inside, name = where.rpartition("node_modules/")
        if inside and not one.link and isinstance(one.version, str):
            yield one.name or name, one.version


def _nested(dependencies: dict[str, Any]) -> Iterator[tuple[str, str]]:
    todo = [(dependencies, 0)]
    while todo:
        several, depth = todo.pop()
        for name, one in several.items():
            if isinstance(one, dict) and isinstance(one.get("version"), str):
                yield name, one["version"]
                if isinstance(one.get("dependencies"), dict) and depth < _DEPTH_LIMIT:
                    todo.append((one["dependencies"], depth + 1))


def yarn_lock(path: bytes, data: bytes) -> Reading:
    """``yarn.lock`` of either kind: an unindented line of ``name@range``, and the version two spaces below it."""
    packages: list[Package] = []
    name = ""
    for line in text(data).splitlines():
        if line[:1] not in ("", " ", "#"):
            found = _KEY.match(line)
            name = found[1] if found else ""
        elif name and (version := _VERSION.match(line)):
            packages.append(_package(path, name, version[1]))
            name = ""
    return Reading(tuple(packages))


def _package(path: bytes, name: str, version: str) -> Package:
    return Package(name, version, "npm", "npm", location=path)
