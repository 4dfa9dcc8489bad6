"""Installed Python packages: core metadata (dist-info, egg-info) and conda's records. Pure.

https://packaging.python.org/en/latest/specifications/core-metadata/
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from scow.scan.catalog.reading import Reading, document, fields, licences, text
from scow.scan.package import Package

_HEADER: Final = re.compile(
    rb"^(Name|Version|License|License-Expression|Classifier):[ \t]*(.*?)[ \t\r]*$", re.MULTILINE
)
_CLASSIFIED: Final = "License :: OSI Approved :: "


def metadata(path: bytes, data: bytes) -> Reading:
    """``METADATA`` or ``PKG-INFO``: the headers before the first empty line."""
    headers = re.split(rb"\r?\n\r?\n", data, maxsplit=1)[0]
    found = [(key, text(value)) for key, value in fields(_HEADER, headers, 500)]
    told = dict(reversed(found))
    if b"Name" not in told and b"Version" not in told:
        return Reading(reasons=("has no Name and no Version",))
    name, version = told.get(b"Name", ""), told.get(b"Version", "")
    return Reading((Package(name, version, "pypi", "PyPI", licences=_licences(found), location=path),))


def _licences(found: list[tuple[bytes, str]]) -> tuple[str, ...]:
    for key in (b"License-Expression", b"License"):
        told = next((value for name, value in found if name == key and value not in ("", "UNKNOWN")), "")
        if told:
            return (told[:200],)
    return tuple(value.removeprefix(_CLASSIFIED) for _, value in found if value.startswith(_CLASSIFIED))


class _Conda(msgspec.Struct):
    name: str = ""
    version: str = ""
    license: Any = None


def conda(path: bytes, data: bytes) -> Reading:
    """``conda-meta/<name>-<version>-<build>.json``."""
    record = document(data, _Conda)
    if isinstance(record, str):
        return Reading(reasons=(record,))
    return Reading((Package(record.name, record.version, "conda", licences=licences(record.license), location=path),))
