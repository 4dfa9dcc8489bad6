"""What a Java archive is by its manifest, where Maven left no ``pom.properties``. Pure.

``Implementation-Vendor-Id`` is the group when Maven wrote it. Gradle writes none of that, but what many of its projects
write is theirs alone, and says their group: a table has those words. Nothing is made of a file's name alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from scow.scan.catalog.reading import text
from scow.scan.package import Package

_FILE_NAME: Final = re.compile(r"(?:.*/)?([^/]+?)(?:-(\d[^/]*))?\.[a-z]+")
_VERSIONS: Final = ("Implementation-Version", "Bundle-Version", "Specification-Version")
_LONGEST: Final = 200
_SPRING: Final = (
    "aop|aspects|beans|context|context.indexer|context.support|core|core.test|expression|instrument|jcl|jdbc|jms|"
    "messaging|orm|oxm|r2dbc|test|tx|web|webflux|webmvc|websocket"
).replace(".", "[.-]")


class _Told(NamedTuple):
    """``pattern`` matches a header's value and, after a space, the artifact by the file's name; ``group`` and
    ``artifact`` are made of what it found."""

    header: str
    pattern: re.Pattern[str]
    group: str
    artifact: str = r"\1"


def _told(header: str, pattern: str, group: str, artifact: str = r"\1") -> _Told:
    return _Told(header, re.compile(pattern), group, artifact)


_MODULE, _BUNDLE, _TITLE = "Automatic-Module-Name", "Bundle-SymbolicName", "Implementation-Title"
_GROUPS: Final = (
    _told(_MODULE, rf"spring\.(?:{_SPRING}) (spring-(?:{_SPRING}))", "org.springframework"),
    _told(_MODULE, r"spring\.boot(?:\.[\w.]+)? (spring-boot[\w-]*)", "org.springframework.boot"),
    _told(_MODULE, r"spring\.security\.[\w.]+ (spring-security-[\w-]+)", "org.springframework.security"),
    _told(_MODULE, r"okhttp3(?:\.[\w.]+)? (okhttp[\w-]*)", "com.squareup.okhttp3"),
    _told(_MODULE, r"com\.h2database (h2)", "com.h2database"),
    _told(_MODULE, r"(org\.(?:codehaus|apache)\.groovy)(?:\.[\w.]+)? (groovy[\w-]*)", r"\1", r"\2"),
    _told(_BUNDLE, r"org\.apache\.tomcat-embed-jasper-el .*", "org.apache.tomcat.embed", "tomcat-embed-el"),
    _told(_BUNDLE, r"org\.apache\.(tomcat-embed-[\w-]+) .*", "org.apache.tomcat.embed"),
    _told(_BUNDLE, r"org\.apache\.(tomcat-[\w-]+) .*", "org.apache.tomcat"),
    # what the bundle plugins make of group and artifact, if no part of the one is in the other
    _told(_BUNDLE, r"([\w.]+)\.(\w+-[\w-]+) \2", r"\1", r"\2"),
    _told(_TITLE, r"([\w.-]+)#([\w.-]+);\S+ .*", r"\1", r"\2"),
    _told(_TITLE, r"(org\.apache\.(?:lucene|solr)) ((?:lucene|solr)-[\w-]+)", r"\1", r"\2"),
    _told(_TITLE, r"(kotlin-[\w-]+) \1", "org.jetbrains.kotlin"),
)


def from_manifest(path: bytes, data: bytes) -> Package | None:
    """The package of the archive at ``path``; without a group, it has no ecosystem."""
    whole = re.sub(r"\r?\n ", "", text(data))
    main, parts = _headers(re.split(r"\r?\n\r?\n", whole, maxsplit=1)[0]), _headers(whole)
    named = _FILE_NAME.fullmatch(text(path))
    group, artifact = _named(main, named[1] if named else "")
    version = (named[2] if named else "") or _version(main) or _version(parts)
    if not artifact or not version:
        return None
    group = group or parts.get("Implementation-Vendor-Id", "")
    name = f"{group}:{artifact}" if group else artifact
    return Package(name, version, "maven", "Maven" if group else "", location=path)


def _headers(lines: str) -> dict[str, str]:
    """Each header's value: of one that comes twice, the first."""
    return {key: value.strip() for key, _, value in (line.partition(":") for line in reversed(lines.splitlines()))}


def _version(told: Mapping[str, str]) -> str:
    return next((told[key] for key in _VERSIONS if told.get(key)), "")


def _named(told: Mapping[str, str], artifact: str) -> tuple[str, str]:
    """Group, empty where nothing says it, and artifact."""
    if vendor := told.get("Implementation-Vendor-Id"):
        return vendor, artifact
    for row in _GROUPS:
        value = told.get(row.header, "").partition(";" if row.header == _BUNDLE else "\n")[0]
        found = row.pattern.fullmatch(f"{value} {artifact}") if 0 < len(value) < _LONGEST else None
        if found:
            return found.expand(row.group), found.expand(row.artifact)
    return "", artifact
