"""Ubuntu's chiselled images: no dpkg, but a manifest of what was cut from which package. Pure.

``var/lib/chisel/manifest.wall`` (https://documentation.ubuntu.com/chisel/): zstd; a JSON object a line, each of a
``kind``.
"""

from __future__ import annotations

import io
from typing import Final

import msgspec

from scow.content.verify import read_all
from scow.errors import Limit, ScowError
from scow.layer.compression import inflated
from scow.scan.catalog.reading import PACKAGES_LIMIT, Reading, document, hashes
from scow.scan.package import Package

_PLAIN_LIMIT: Final = 64 << 20


class _Line(msgspec.Struct):
    kind: str = ""
    name: str = ""
    version: str = ""
    arch: str = ""
    path: str = ""


def manifest(path: bytes, data: bytes) -> Reading:
    """The packages that something was cut from, and the paths that are there of them."""
    packages: list[Package] = []
    owned: list[bytes] = []
    reasons: list[str] = []
    try:
        for line in _plain(data).split(b"\n"):
            told = document(line, _Line) if line else _Line()
            if isinstance(told, str):
                reasons.append(told)
                break
            if told.kind == "package" and len(packages) <= PACKAGES_LIMIT:
                packages.append(Package(told.name, told.version, "deb", arch=told.arch, location=path))
            elif told.kind == "path":
                owned.append(told.path.encode())
    except ScowError as error:
        reasons.append(error.problem)
    return Reading(tuple(packages), tuple(reasons), hashes(owned), "deb")


def _plain(data: bytes) -> bytes:
    plain = read_all(inflated(io.BytesIO(data), "zstd"), _PLAIN_LIMIT + 1)
    if len(plain) > _PLAIN_LIMIT:
        raise Limit(f"manifest is over the limit of {_PLAIN_LIMIT} bytes")
    return plain
