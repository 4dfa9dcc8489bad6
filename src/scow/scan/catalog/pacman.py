"""Arch's database: var/lib/pacman/local/<name-version>/{desc,files}: ``%KEY%`` and lines up to an empty one. Pure."""

from __future__ import annotations

from scow.scan.catalog.reading import Reading, hashes, text
from scow.scan.package import Package


def _sections(data: bytes) -> dict[bytes, list[bytes]]:
    sections: dict[bytes, list[bytes]] = {}
    lines: list[bytes] = []
    for line in data.split(b"\n"):
        line = line.rstrip(b"\r")
        if line.startswith(b"%") and line.endswith(b"%"):
            lines = sections.setdefault(line, [])
        elif line:
            lines.append(line)
    return sections


def desc(path: bytes, data: bytes) -> Reading:
    """One package."""
    sections = _sections(data)

    def first(key: bytes) -> str:
        return text((sections.get(key) or [b""])[0])

    if b"%NAME%" not in sections:
        return Reading(reasons=("has no %NAME%",), owner="alpm")
    name, source = first(b"%NAME%"), first(b"%BASE%")
    package = Package(
        name,
        first(b"%VERSION%"),
        "alpm",
        source=source if source != name else "",
        arch=first(b"%ARCH%"),
        licences=tuple(text(line) for line in sections.get(b"%LICENSE%", [])[:50]),
        location=path,
    )
    return Reading((package,), owner="alpm")


def files(path: bytes, data: bytes) -> Reading:
    """The paths that it brought."""
    return Reading(owned=hashes(_sections(data).get(b"%FILES%", [])), owner="alpm")
