"""Alpine's database, lib/apk/db/installed: paragraphs of ``X:value`` lines (apk-package(5), "installed"). Pure."""

from __future__ import annotations

import re
from typing import Final

from scow.scan.catalog.reading import Reading, hashes, paragraphs, text
from scow.scan.package import Package

_APART: Final = re.compile(rb"\n\n")


def installed(path: bytes, data: bytes) -> Reading:
    """The packages, and the files that they brought (``F:`` a directory, ``R:`` a file in it)."""
    packages: list[Package] = []
    reasons: list[str] = []
    owned: list[bytes] = []
    for paragraph in paragraphs(data, _APART):
        fields: dict[bytes, bytes] = {}
        directory = b""
        for line in paragraph.split(b"\n"):
            key, colon, value = line.partition(b":")
            if key == b"F":
                directory = value
            elif key == b"R":
                owned.append(directory + b"/" + value)
            elif colon:
                fields.setdefault(key, value)
        if b"P" in fields:
            packages.append(_package(path, fields))
        elif paragraph.strip():
            reasons.append(f"a paragraph that is no package: {paragraph.strip()[:40]!r}")
    return Reading(tuple(packages), tuple(reasons), hashes(owned), "apk")


def _package(path: bytes, fields: dict[bytes, bytes]) -> Package:
    name, source = text(fields[b"P"]), text(fields.get(b"o", b""))
    licence = text(fields.get(b"L", b""))
    return Package(
        name,
        text(fields.get(b"V", b"")),
        "apk",
        source=source if source != name else "",
        arch=text(fields.get(b"A", b"")),
        licences=(licence,) if licence else (),
        location=path,
    )
