"""PURE. What somebody has looked at and wants left out: ``.scowignore``, ``.trivyignore``, OpenVEX documents.

An ignore file has a rule a line::

    # why
    CVE-2024-1234
    GHSA-xxxx-yyyy-zzzz exp:2025-12-31          until that day
    CVE-2024-5678 pkg:openssl pkg:libssl3       only in these packages

A rule that has ended ignores nothing. An OpenVEX statement (https://github.com/openvex/spec, 0.2.0) counts with status
``not_affected`` or ``fixed``; of several on the same thing, the last.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from scow.errors import Invalid, Where
from scow.oci.documents import decode
from scow.scan.finding import Finding, Report
from scow.scan.package import Catalog, Package

_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z", re.ASCII)
_LINES_LIMIT: Final = 100_000
_VEX_LIMIT: Final = 64 << 20
_SILENCING: Final = ("not_affected", "fixed")


class Rule(msgspec.Struct, frozen=True, omit_defaults=True):
    """Leave out ``id`` (of ``packages`` only, if there are any) until the day ``until``, the last on which it holds."""

    id: str
    packages: tuple[str, ...] = ()
    until: str = ""
    reason: str = ""


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


class Ignoring(msgspec.Struct, frozen=True, omit_defaults=True):
    """All rules and statements, in the order in which they were given."""

    rules: tuple[Rule, ...] = ()
    statements: tuple[Statement, ...] = ()

    def reason(self, finding: Finding, catalog: Catalog, today: str) -> str:
        """Why a finding is left out; empty when it is not. ``today`` is ``YYYY-MM-DD``."""
        names = {*finding.ids}
        for rule in self.rules:
            if rule.id in names and _holds(rule, finding.package, today):
                return rule.reason or "ignored"
        said = [one for one in self.statements if names & {*one.names} and _is_about(one, finding.package, catalog)]
        last = max(said, key=lambda one: one.timestamp, default=None)
        return last.reason if last and last.status in _SILENCING else ""


def left_out(report: Report, ignoring: Ignoring, today: str) -> Report:
    """The report without the findings that somebody wants left out, which it has apart. ``today`` is ``YYYY-MM-DD``."""
    told = [
        msgspec.structs.replace(one, ignored=ignoring.reason(one, report.catalog, today)) for one in report.findings
    ]
    findings, ignored = (tuple(one for one in told if bool(one.ignored) is left) for left in (False, True))
    return msgspec.structs.replace(report, findings=findings, ignored=ignored)


def joined(several: Iterable[Ignoring]) -> Ignoring:
    """All of them as one."""
    parts = list(several)
    return Ignoring(
        tuple(rule for part in parts for rule in part.rules), tuple(one for part in parts for one in part.statements)
    )


def _holds(rule: Rule, package: Package, today: str) -> bool:
    if rule.until and today > rule.until:
        return False
    return not rule.packages or bool({package.name, package.source} & {*rule.packages})


# -- ignore files -----------------------------------------------------------------------------------------------------


def parse_ignore(text: str, source: str) -> Ignoring:
    """Read an ignore file. Raises :class:`~scow.errors.Invalid` with the place of what is no rule."""
    lines = text.splitlines()
    if len(lines) > _LINES_LIMIT:
        raise Invalid(f"has more than {_LINES_LIMIT} lines", subject=source)
    rules, comment = [], ""
    for number, line in enumerate(lines, 1):
        told, _, remark = line.partition("#")
        words = told.split()
        if words:
            rules.append(
                _rule(words, remark.strip() or comment, Where(source, number, text=line, width=len(told.rstrip())))
            )
        comment = remark.strip() if not words else comment if line.strip() else ""
    return Ignoring(tuple(rules))


def _rule(words: Sequence[str], reason: str, where: Where) -> Rule:
    until, packages = "", []
    for word in words[1:]:
        kind, colon, value = word.partition(":")
        if kind == "exp" and _DATE.match(value):
            until = value
        elif kind == "pkg" and colon and value:
            packages.append(value)
        else:
            raise Invalid(f"{word!r} is neither exp:YYYY-MM-DD nor pkg:NAME", where=where)
    return Rule(words[0], tuple(packages), until, reason)


# -- OpenVEX ----------------------------------------------------------------------------------------------------------


class _Vex(msgspec.Struct):
    context: str = msgspec.field(name="@context", default="")
    timestamp: str = ""
    statements: list[dict[str, Any]] = []


def parse_vex(raw: bytes, source: str) -> Ignoring:
    """Read an OpenVEX document. Raises :class:`~scow.errors.Invalid` or ``Limit``."""
    document = decode(raw, _Vex, source, limit=_VEX_LIMIT)
    if not document.context.startswith("https://openvex.dev/ns"):
        raise Invalid("not an OpenVEX document", subject=source, hint="its @context is https://openvex.dev/ns/v0.2.0")
    return Ignoring((), tuple(_statement(one, document.timestamp) for one in document.statements))


def _statement(told: Mapping[str, Any], timestamp: str) -> Statement:
    status = _text(told.get("status"))
    words = (status.replace("_", " "), _text(told.get("justification")).replace("_", " "))
    remark = _text(told.get("impact_statement")) or _text(told.get("status_notes"))
    reason = "VEX: " + ", ".join(filter(None, (*words, remark)))
    when = _text(told.get("timestamp")) or timestamp
    return Statement(tuple(_names(told.get("vulnerability"))), status, tuple(_products(told)), reason, when)


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


def _is_about(statement: Statement, package: Package, catalog: Catalog) -> bool:
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
    own = re.split(r"[@:](?!.*/)", catalog.subject)[0].rpartition("/")[2]
    return name.rpartition("/")[2] == own


def _same(told: str, package: Package) -> bool:
    """Whether a purl names the package: what it leaves out may be anything."""
    from packageurl import PackageURL

    try:
        wanted, own = PackageURL.from_string(told[:4096]), PackageURL.from_string(package.purl)
    except ValueError:
        return False
    if (wanted.type, wanted.name, wanted.namespace or own.namespace) != (own.type, own.name, own.namespace):
        return False
    qualifiers = dict(wanted.qualifiers) if isinstance(wanted.qualifiers, dict) else {}
    known = dict(own.qualifiers) if isinstance(own.qualifiers, dict) else {}
    return wanted.version in (None, own.version) and all(
        known.get(key, value) == value for key, value in qualifiers.items()
    )
