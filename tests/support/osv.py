"""A second opinion: the OSV schema's evaluation algorithm, written down from its text and sharing nothing with scow's.

https://ossf.github.io/osv-schema, "Evaluation". It works on the JSON documents as they are and compares versions with
the ``less`` that it is given.
"""

from __future__ import annotations

import functools
import zipfile
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec
from tests.support.shared import shared

Document = dict[str, Any]
Compare = Callable[[str, str], int]
"""Negative, zero, positive."""


def is_vulnerable(ecosystem: str, name: str, version: str, document: Document, compare: Compare) -> bool:
    """``IsVulnerable(pkg, osv)``, of one document."""
    if document.get("withdrawn"):
        return False
    for affected in document.get("affected") or ():
        package = affected.get("package") or {}
        if package.get("ecosystem") == ecosystem and package.get("name") == name:
            if version in (affected.get("versions") or ()):
                return True
            if _included(version, affected.get("ranges") or (), compare):
                return True
    return False


def _included(version: str, ranges: Iterable[Document], compare: Compare) -> bool:
    for one in ranges:
        if one["type"] == "GIT":
            continue
        events: list[tuple[str, str]] = [next(iter(event.items())) for event in one["events"]]
        limits = [told for kind, told in events if kind == "limit"]
        if limits and not any(told == "*" or compare(version, told) < 0 for told in limits):
            continue
        vulnerable = False
        events = [(kind, told) for kind, told in events if kind != "limit"]
        for kind, told in sorted(events, key=functools.cmp_to_key(functools.partial(_order, compare))):
            if kind == "introduced" and (told == "0" or compare(version, told) >= 0):
                vulnerable = True
            if kind == "fixed" and compare(version, told) >= 0:
                vulnerable = False
            if kind == "last_affected" and compare(version, told) > 0:
                vulnerable = False
        if vulnerable:
            return True
    return False


def _order(compare: Compare, one: tuple[str, str], two: tuple[str, str]) -> int:
    left, right = one[1], two[1]
    if left == right:
        return 0
    if "0" in (left, right):
        return -1 if left == "0" else 1
    return compare(left, right)


def documents(ecosystem: str) -> Iterator[Document]:
    """Every record of an ecosystem in the shared data."""
    with zipfile.ZipFile(shared("advisories", "osv", ecosystem, "all.zip")) as archive:
        for name in archive.namelist():
            yield msgspec.json.decode(archive.read(name))
