"""Installed gems: ``specifications/<name>-<version>.gemspec``, Ruby programs that RubyGems itself writes. Pure.

What RubyGems writes begins with ``# stub: name version platform paths``; the assignments say the same.
"""

from __future__ import annotations

import re
from typing import Final

from scow.scan.catalog.reading import Reading, fields, text
from scow.scan.package import Package

_STUB: Final = re.compile(rb"^# stub: (\S+) (\S+) ", re.MULTILINE)
_FIELD: Final = re.compile(
    rb"""^[ \t]*\w+\.(name|version)\s*=\s*(?:Gem::Version\.new\(?)?\s*["']([^"']+)["']""", re.MULTILINE
)
_LICENCES: Final = re.compile(rb"^[ \t]*\w+\.licenses?\s*=\s*(.*)$", re.MULTILINE)
_QUOTED: Final = re.compile(rb"""["']([^"']+)["']""")


def gemspec(path: bytes, data: bytes) -> Reading:
    """The one gem that it is about."""
    told = {key: text(value) for key, value in fields(_FIELD, data, 20)}
    stub = _STUB.search(data)
    name = text(stub[1]) if stub else told.get(b"name", "")
    version = text(stub[2]) if stub else told.get(b"version", "")
    if not name or not version:
        return Reading(reasons=("computes its name or version",))
    licensed = _LICENCES.search(data)
    licences = tuple(text(one) for one in _QUOTED.findall(licensed[1][:4096])[:20]) if licensed else ()
    return Reading((Package(name, version, "gem", "RubyGems", licences=licences, location=path),))
