"""Debian's database: var/lib/dpkg/status, distroless' status.d, lists of files (dpkg(1), deb-control(5)). Pure."""

from __future__ import annotations

import re
from typing import Final

from scow.scan.catalog.reading import Reading, fields, hashes, paragraphs, text
from scow.scan.package import Package

_APART: Final = re.compile(rb"\n[ \t\r]*\n")
_FIELD: Final = re.compile(rb"^(Package|Version|Architecture|Source|Status):(.*)$", re.MULTILINE)
_SOURCE: Final = re.compile(r"(\S+)(?:\s+\(([^)]*)\))?")
#: dpkg's states of a package that is not there, or no more
_ABSENT: Final = frozenset({b"not-installed", b"config-files"})


def status(path: bytes, data: bytes) -> Reading:
    """The packages of a status file, or of one file of status.d."""
    packages: list[Package] = []
    reasons: list[str] = []
    for paragraph in paragraphs(data, _APART):
        told = dict(fields(_FIELD, paragraph, 50))
        if not told:
            if paragraph.strip():
                reasons.append(f"a paragraph that is no package: {paragraph.strip()[:40]!r}")
            continue
        if told.get(b"Status", b"").rpartition(b" ")[2] not in _ABSENT:
            packages.append(_package(path, told))
    return Reading(tuple(packages), tuple(reasons), owner="deb")


def _package(path: bytes, told: dict[bytes, bytes]) -> Package:
    version = text(told.get(b"Version", b""))
    found = _SOURCE.fullmatch(text(told.get(b"Source", b"")))
    name = text(told.get(b"Package", b""))
    source, source_version = (found[1], found[2] or "") if found else ("", "")
    return Package(
        name,
        version,
        "deb",
        source=source if source != name or source_version else "",
        source_version=source_version if source_version != version else "",
        arch=text(told.get(b"Architecture", b"")),
        location=path,
    )


def files(path: bytes, data: bytes) -> Reading:
    """A ``.list``: the paths that a package brought, one a line."""
    return Reading(owned=hashes(line for line in data.split(b"\n") if line), owner="deb")


def sums(path: bytes, data: bytes) -> Reading:
    """A ``.md5sums``: the same where there is no list (distroless): ``<hex>  <path>``."""
    lines = (line.partition(b"  ")[2] for line in data.split(b"\n"))
    return Reading(owned=hashes(line for line in lines if line), owner="deb")
