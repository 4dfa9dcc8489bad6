"""Node's lockfiles: what an application asks for, which need not be what is installed; counted on request. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

import msgspec

from scow.scan.catalog.reading import PACKAGES_LIMIT, Reading, document, text
from scow.scan.package import Package

_DEPTH_LIMIT: Final = 100
_NAME: Final = r"((?:@[^/@\s\"']+/)?[^/@\s\"']+)"
#: what stands for a package of the project itself
_OWN: Final = ("file:", "link:", "portal:", "workspace:", "patch:")
_KEY: Final = re.compile(rf'^"?{_NAME}@([^\n]*):$')
_ALIAS: Final = re.compile(rf"npm:{_NAME}@")
_VERSION: Final = re.compile(r'^  version:? "?([^"\s]+)"?$')
#: a package in pnpm's, and its fields
_ENTRY: Final = re.compile(r"^  (\S[^\n]*):\n((?:    [^\n]*(?:\n|\Z))*)", re.MULTILINE)
_FIELD: Final = re.compile(r"^    (name|version): ['\"]?([^'\"\s]+)", re.MULTILINE)
#: ``a@1.0.0``, with a ``/`` before it until pnpm 8, and as ``/a/1.0.0_b@2.0.0`` until 7
_PINNED: Final = re.compile(rf"{_NAME}[@/](\d[^\s_(:/'\"]*)?")


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
            if isinstance(one, dict) and isinstance(version := one.get("version"), str):
                alias = _ALIAS.match(version)
                if alias:
                    yield alias[1], version[alias.end() :]
                elif not version.startswith(_OWN):
                    yield name, version
                if isinstance(one.get("dependencies"), dict) and depth < _DEPTH_LIMIT:
                    todo.append((one["dependencies"], depth + 1))


def yarn_lock(path: bytes, data: bytes) -> Reading:
    """``yarn.lock`` of either kind: an unindented line of ``name@range``, and the version two spaces below it."""
    packages: list[Package] = []
    name = ""
    for line in text(data).splitlines():
        if line[:1] not in ("", " ", "#"):
            name = _asked(line)
        elif name and (version := _VERSION.match(line)):
            packages.append(_package(path, name, version[1]))
            name = ""
    return Reading(tuple(packages))


def _asked(line: str) -> str:
    """The name that a line of ``name@range`` asks for: behind an alias, that of what it stands for."""
    found = _KEY.match(line)
    if not found or found[2].startswith(_OWN):
        return ""
    alias = _ALIAS.match(found[2])
    return alias[1] if alias else found[1]


def pnpm_lock(path: bytes, data: bytes) -> Reading:
    """``pnpm-lock.yaml``: a package a key. What is from no registry has its version beside it, what is the project's
    own has none."""
    _, _, rest = text(data).partition("\npackages:\n")
    entries = _ENTRY.finditer(rest.partition("\nsnapshots:\n")[0])
    pinned = (_pinned(entry[1].strip("'\"/"), entry[2]) for entry in islice(entries, PACKAGES_LIMIT + 1))
    return Reading(tuple(_package(path, name, version) for name, version in pinned if name and version))


def _pinned(key: str, fields: str) -> tuple[str, str]:
    """Name and version of one package; empty where that does not say."""
    if key.startswith(_OWN):
        return "", ""
    told: dict[str, str] = dict(_FIELD.findall(fields))
    found = _PINNED.match(key)
    name, version = (found[1], found[2] or "") if found else ("", "")
    return told.get("name", name), told.get("version", version)


def _package(path: bytes, name: str, version: str) -> Package:
    return Package(name, version, "npm", "npm", location=path)
