"""Java archives (jar, war, ear …), nested ones too. Pure.

What Maven packed says what it is in ``META-INF/maven/<group>/<artifact>/pom.properties``; a shaded jar has several.
Others have the manifest (:mod:`scow.scan.catalog.manifest`). A name without a group is in nobody's advisories: it is
shown and not matched. Nothing is looked up by its checksum.
"""

from __future__ import annotations

import io
import re
from typing import Final

from scow.errors import Limit, ScowError
from scow.scan.catalog import zipped
from scow.scan.catalog.reading import Reading, fields, text
from scow.scan.catalog.window import Window
from scow.scan.package import Package

ARCHIVES: Final = (b".jar", b".war", b".ear", b".par", b".sar", b".lpkg", b".jpi", b".hpi", b".nar", b".kar")
_DEPTH_LIMIT: Final = 5
_NESTED_LIMIT: Final = 64 << 20
_DOCUMENT_LIMIT: Final = 1 << 20
_TOTAL_LIMIT: Final = 256 << 20
#: what a member and an archive count for at least: entries of a directory may all point at the same bytes
_LEAST_COST: Final = 4 << 10
_ARCHIVE_COST: Final = 64 << 10
_POM: Final = re.compile(rb"META-INF/maven/[^/]+/[^/]+/pom\.properties")
_PROPERTY: Final = re.compile(rb"^[ \t]*(groupId|artifactId|version)[ \t]*[=:](.*)$", re.MULTILINE)
_MANIFEST: Final = b"META-INF/MANIFEST.MF"


def archive(path: bytes, file: Window) -> Reading:
    """The packages of an archive and of those in it; ``!/`` in a location goes into one."""
    opened = _Opening(path)
    opened.walk(path, file, 0)
    return Reading(tuple(opened.packages), tuple(opened.reasons))


class _Opening:
    """One archive being looked through: what was found, and the bytes that may still be inflated."""

    def __init__(self, path: bytes) -> None:
        self._path = path
        self.packages: list[Package] = []
        self.reasons: list[str] = []
        self._left = _TOTAL_LIMIT

    def walk(self, path: bytes, file: Window, depth: int) -> None:
        """Look through one archive; what goes wrong in it is noted."""
        inside: list[zipped.Member] = []
        try:
            inside.extend(filter(_matters, zipped.members(file)))
            self._own(path, file, inside)
        except ScowError as error:
            self._note(path, error.problem)
        for member in inside:
            if member.name.endswith(ARCHIVES):
                self._nested(path, file, member, depth + 1)

    def _own(self, path: bytes, file: Window, inside: list[zipped.Member]) -> None:
        poms = [member for member in inside if _POM.fullmatch(member.name)]
        found = [one for member in poms if (one := _from_pom(path, self._content(file, member, _DOCUMENT_LIMIT)))]
        if not found:
            from scow.scan.catalog.manifest import from_manifest  # compiles what most images have no use for

            manifest = next((member for member in inside if member.name == _MANIFEST), None)
            told = self._content(file, manifest, _DOCUMENT_LIMIT) if manifest else b""
            found = [one for one in [from_manifest(path, told)] if one]
        self.packages += found
        if not found and not any(member.name.endswith(ARCHIVES) for member in inside):
            self._note(path, "does not say what it is")

    def _nested(self, path: bytes, file: Window, member: zipped.Member, depth: int) -> None:
        inner = path + b"!/" + member.name
        try:
            if depth > _DEPTH_LIMIT:
                raise Limit(f"archives nest deeper than {_DEPTH_LIMIT}")
            self._spend(_ARCHIVE_COST)
            if member.method == zipped.STORED:  # as Spring Boot has them: nothing is to be held
                self.walk(inner, zipped.place(file, member), depth)
                return
            self.walk(inner, Window(io.BytesIO(self._content(file, member, _NESTED_LIMIT >> depth - 1))), depth)
        except ScowError as error:
            self._note(inner, error.problem)

    def _content(self, file: Window, member: zipped.Member, limit: int) -> bytes:
        self._spend(0)
        data = zipped.content(file, member, limit)
        self._left -= max(len(data), _LEAST_COST)
        return data

    def _spend(self, cost: int) -> None:
        self._left -= cost
        if self._left < 0:
            raise Limit(f"archives hold more than {_TOTAL_LIMIT} bytes")

    def _note(self, path: bytes, reason: str) -> None:
        inner = text(path[len(self._path) :])
        self.reasons.append(f"{inner.removeprefix('!/')} {reason}" if inner else reason)


def _matters(member: zipped.Member) -> bool:
    return member.name == _MANIFEST or member.name.endswith(ARCHIVES) or bool(_POM.fullmatch(member.name))


def _from_pom(path: bytes, data: bytes) -> Package | None:
    told = {key: text(value) for key, value in reversed(fields(_PROPERTY, data, 20))}
    group, artifact, version = (told.get(key, "") for key in (b"groupId", b"artifactId", b"version"))
    if not (group and artifact and version):
        return None
    return Package(f"{group}:{artifact}", version, "maven", "Maven", location=path)
