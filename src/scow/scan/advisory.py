"""PURE. An advisory as the OSV schema has it (https://ossf.github.io/osv-schema, 1.7), and as the database keeps it.

Unknown fields are nobody's business here. A document is bounded before it is parsed; what does not parse is refused as
a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final, Literal

import msgspec

from scow.errors import Invalid
from scow.oci.documents import decode
from scow.scan.ecosystem import normalised

EventKind = Literal["introduced", "fixed", "last_affected", "limit"]
#: Bytes of one advisory; the longest real ones (a distribution's kernel) have a few million.
ADVISORY_LIMIT: Final = 32 << 20
_SUMMARY_LIMIT: Final = 240
#: what every format can hold as a link
_URL: Final = re.compile(r"https?://[!-~]{1,2048}").fullmatch
_KINDS: Final[tuple[EventKind, ...]] = ("introduced", "fixed", "last_affected", "limit")


class Event(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True, gc=False):
    """One turn of a range."""

    kind: EventKind
    version: str


class Range(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True, gc=False):
    """Versions that are affected. ``kind`` is SEMVER, ECOSYSTEM or GIT; ``events`` as they were written."""

    kind: str
    events: tuple[Event, ...] = ()


class Severity(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True, gc=False):
    """``kind`` (``CVSS_V3``, ``Ubuntu`` …) and its ``score``: a vector or a word."""

    kind: str
    score: str


class Affected(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True, gc=False):
    """What an advisory says of one package. ``urgency`` is the distribution's word (Debian: ``unimportant``)."""

    ecosystem: str
    name: str
    ranges: tuple[Range, ...] = ()
    versions: tuple[str, ...] = ()
    severity: tuple[Severity, ...] = ()
    urgency: str = ""


class Advisory(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True, gc=False):
    """An advisory without its packages. ``rating`` is its database's own word for the severity (``MODERATE``)."""

    id: str
    modified: str = ""
    published: str = ""
    withdrawn: str = ""
    aliases: tuple[str, ...] = ()
    upstream: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    summary: str = ""
    severity: tuple[Severity, ...] = ()
    rating: str = ""
    url: str = ""


class Record(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One package's part of an advisory."""

    advisory: Advisory
    affected: Affected


# -- the documents ----------------------------------------------------------------------------------------------------


class _Package(msgspec.Struct):
    ecosystem: str = ""
    name: str = ""


class _Range(msgspec.Struct):
    type: str = ""
    events: tuple[dict[str, str], ...] | None = None


class _Severity(msgspec.Struct):
    type: str = ""
    score: str = ""


class _Affected(msgspec.Struct):
    package: _Package | None = None
    ranges: tuple[_Range, ...] | None = None
    versions: tuple[str, ...] | None = None
    severity: tuple[_Severity, ...] | None = None
    ecosystem_specific: dict[str, Any] | None = None


class _Reference(msgspec.Struct):
    type: str = ""
    url: str = ""


class _Document(msgspec.Struct):
    id: str
    modified: str = ""
    published: str | None = None
    withdrawn: str | None = None
    aliases: tuple[str, ...] | None = None
    upstream: tuple[str, ...] | None = None
    related: tuple[str, ...] | None = None
    summary: str | None = None
    details: str | None = None
    severity: tuple[_Severity, ...] | None = None
    affected: tuple[_Affected, ...] | None = None
    references: tuple[_Reference, ...] | None = None
    database_specific: dict[str, Any] | None = None


def parse(raw: bytes, subject: str = "advisory") -> tuple[Advisory, tuple[Affected, ...]]:
    """An OSV document → the advisory and what it says of each package.

    Raises :class:`~scow.errors.Invalid` or :class:`~scow.errors.Limit`.
    """
    document = decode(raw, _Document, subject, limit=ADVISORY_LIMIT)
    if not document.id.strip() or not document.id.isprintable():
        raise Invalid("has no id", subject=subject)
    advisory = Advisory(
        id=document.id,
        modified=document.modified,
        published=document.published or "",
        withdrawn=document.withdrawn or "",
        aliases=document.aliases or (),
        upstream=document.upstream or (),
        related=document.related or (),
        summary=_summary(document),
        severity=_severities(document.severity),
        rating=_text(document.database_specific, "severity"),
        url=_url(document),
    )
    return advisory, tuple(_affected(one) for one in document.affected or () if one.package and one.package.name)


def _affected(one: _Affected) -> Affected:
    package = one.package or _Package()
    return Affected(
        ecosystem=package.ecosystem,
        name=normalised(package.ecosystem, package.name),
        ranges=tuple(_range(each) for each in one.ranges or () if each.type != "GIT"),
        versions=one.versions or (),
        severity=_severities(one.severity),
        urgency=_text(one.ecosystem_specific, "urgency"),
    )


def _range(one: _Range) -> Range:
    return Range(
        one.type, tuple(Event(kind, each[kind]) for each in one.events or () for kind in _KINDS if kind in each)
    )


def _severities(found: Iterable[_Severity] | None) -> tuple[Severity, ...]:
    return tuple(Severity(one.type, one.score) for one in found or ())


def _text(specific: dict[str, Any] | None, name: str) -> str:
    value = (specific or {}).get(name)
    return value if isinstance(value, str) else ""


def _summary(document: _Document) -> str:
    text = document.summary or (document.details or "").strip().partition("\n")[0]
    text = " ".join(text.split())
    return text if len(text) <= _SUMMARY_LIMIT else text[: _SUMMARY_LIMIT - 1] + "…"


def _url(document: _Document) -> str:
    """The advisory itself, where the document says where it is."""
    found = (one.url for one in document.references or () if one.type == "ADVISORY")
    return next((url for url in found if _URL(url)), "")
