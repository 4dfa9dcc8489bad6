"""PURE. OpenVEX documents (https://github.com/openvex/spec, 0.2.0): what is said of a vulnerability in a product."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec

from scow.errors import Invalid
from scow.oci.documents import decode
from scow.oci.reference import Reference
from scow.scan.package import Catalog, Package

_LIMIT: Final = 64 << 20


class Product(msgspec.Struct, frozen=True):
    """What a statement is about: ``id`` is a purl, or whatever names an image; ``parts`` are purls in it."""

    id: str
    parts: tuple[str, ...] = ()


class Statement(msgspec.Struct, frozen=True):
    """An OpenVEX statement. ``names`` are all names of the vulnerability."""

    names: tuple[str, ...]
    status: str
    products: tuple[Product, ...]
    reason: str = ""
    timestamp: str = ""


class _Vex(msgspec.Struct):
    context: str = msgspec.field(name="@context", default="")
    timestamp: str = ""
    statements: list[dict[str, Any]] = []


def parse_vex(raw: bytes, source: str) -> tuple[Statement, ...]:
    """Read an OpenVEX document. Raises :class:`~scow.errors.Invalid` or ``Limit``."""
    document = decode(raw, _Vex, source, limit=_LIMIT)
    if not document.context.startswith("https://openvex.dev/ns"):
        raise Invalid("not an OpenVEX document", subject=source, hint="its @context is https://openvex.dev/ns/v0.2.0")
    return tuple(_statement(one, document.timestamp) for one in document.statements)


def _statement(told: Mapping[str, Any], timestamp: str) -> Statement:
    status = _text(told.get("status"))
    words = (status.replace("_", " "), _text(told.get("justification")).replace("_", " "))
    remark = _text(told.get("impact_statement")) or _text(told.get("status_notes"))
    reason = "VEX: " + ", ".join(filter(None, (*words, remark)))
    told_at = _text(told.get("timestamp")) or timestamp
    return Statement(tuple(_names(told.get("vulnerability"))), status, tuple(_products(told)), reason, told_at)


def _names(told: Any) -> Iterator[str]:
    """A text (before 0.2.0), or an object with a name and aliases."""
    if isinstance(told, str):
        yield told
    elif isinstance(told, dict):
        listed = told.get("aliases")
        yield from filter(None, map(_text, (told.get("name"), *(listed if isinstance(listed, list) else ()))))


def _products(told: Mapping[str, Any]) -> Iterator[Product]:
    listed = told.get("products")
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, str):
            yield Product(one)
        elif isinstance(one, dict):
            parts = one.get("subcomponents")
            yield Product(_identity(one), tuple(map(_identity, parts if isinstance(parts, list) else ())))


def _identity(told: Any) -> str:
    if isinstance(told, str):
        return told
    if not isinstance(told, dict):
        return ""
    known = told.get("identifiers")
    return _text(known.get("purl")) if isinstance(known, dict) and known.get("purl") else _text(told.get("@id"))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def when(statement: Statement) -> datetime:
    """Its time. What is no time comes first, and without a zone it is UTC's."""
    try:
        told = datetime.fromisoformat(statement.timestamp)
        return told.astimezone(UTC) if told.tzinfo else told.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return datetime.min.replace(tzinfo=UTC)


def is_about(statement: Statement, package: Package, catalog: Catalog) -> bool:
    """Whether it is about the package in this image."""
    for product in statement.products:
        if product.parts:
            if _is_image(product.id, catalog) and any(_same(part, package) for part in product.parts):
                return True
        elif _is_image(product.id, catalog) or _same(product.id, package):
            return True
    return False


def _is_image(told: str, catalog: Catalog) -> bool:
    """By name, by digest, or as ``pkg:oci/NAME@DIGEST``."""
    if told in (catalog.subject, catalog.digest) and told:
        return True
    if not told.startswith("pkg:oci/"):
        return False
    name, _, digest = told.removeprefix("pkg:oci/").partition("?")[0].replace("%3A", ":").partition("@")
    if digest:
        return digest == catalog.digest
    own = re.split(r"[@:](?!.*/)", catalog.subject)[0]
    place = (_purl(told) or _Purl()).qualifiers.get("repository_url", "")
    return name.rpartition("/")[2] == own.rpartition("/")[2] and (not place or _is_in(own, place))


def _is_in(name: str, place: str) -> bool:
    """Whether ``place`` is the repository ``name``, or what has it."""
    try:
        own, told = (Reference.parse(text.lower()).repository for text in (name, place.removeprefix("https://")))
    except Invalid:
        return False
    return told in (own, own.rpartition("/")[0])


class _Purl(NamedTuple):
    """The parts of a package URL."""

    kind: str = ""
    namespace: str = ""
    name: str = ""
    version: str = ""
    qualifiers: Mapping[str, str] = {}


@lru_cache(maxsize=65536)
def _purl(told: str) -> _Purl | None:
    """A package URL's parts; None for what is none."""
    from packageurl import PackageURL

    try:
        url = PackageURL.from_string(told[:4096])
    except ValueError:
        return None
    qualifiers = dict(url.qualifiers) if isinstance(url.qualifiers, dict) else {}
    return _Purl(url.type, url.namespace or "", url.name, url.version or "", qualifiers)


def _same(told: str, package: Package) -> bool:
    """Whether a purl names the package: what it leaves out may be anything."""
    wanted, own = _purl(told), _purl(package.purl)
    if not wanted or not own or (wanted.kind, wanted.name) != (own.kind, own.name):
        return False
    if wanted.namespace not in ("", own.namespace) or wanted.version not in ("", own.version):
        return False
    return wanted.qualifiers.items() <= own.qualifiers.items()
