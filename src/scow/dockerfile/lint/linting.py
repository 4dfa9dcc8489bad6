"""Look at a Dockerfile with every rule, and leave out what its users do not want to hear."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from scow.dockerfile.lint.finding import Finding, Found, Severity
from scow.dockerfile.lint.linted import Around, Linted
from scow.dockerfile.lint.pragmas import ALL, Pragmas, pragmas
from scow.dockerfile.lint.rule import Rule
from scow.dockerfile.lint.settings import Settings
from scow.dockerfile.lint.source import Page
from scow.dockerfile.lint.table import RULES, unreadable
from scow.dockerfile.parser import LARGEST, parse
from scow.dockerfile.span import Span
from scow.dockerfile.stages import stages
from scow.errors import Invalid, Limit

#: Nobody's Dockerfile has more instructions, or stages.
INSTRUCTIONS = 5_000
STAGES = 500
#: No rule is heard more often about one file.
MOST = 2_000


@dataclass(frozen=True, slots=True)
class Looked:
    """A Dockerfile that was looked at: its decoded text, the findings by place, and why it cannot be read."""

    source: str
    text: str
    findings: tuple[Finding, ...]
    error: Invalid | None = None
    linted: Linted | None = None
    pragmas: Pragmas | None = None


def look(
    text: bytes | str, source: str = "Dockerfile", settings: Settings | None = None, around: Around | None = None
) -> Looked:
    """Look at a Dockerfile. What cannot be read is one finding; Limit beyond 1 MiB or :data:`INSTRUCTIONS`."""
    settings = settings or Settings()
    try:
        read = parse(text, source)
        of = stages(read)
        if len(read.instructions) > INSTRUCTIONS or len(of.stages) > STAGES:
            problem = f"more than {INSTRUCTIONS} instructions or {STAGES} stages are not looked at"
            raise Limit(problem, subject=source)
        told = pragmas(read)
    except Invalid as error:
        return _unreadable(text, source, error, settings)
    linted = Linted(read, of, replace(settings, shell=told.shell or settings.shell), around or Around())
    listen = told if settings.pragmas else replace(told, everywhere=frozenset(), lines={})
    findings = (
        finding
        for rule in RULES
        if (severity := effective(rule, settings, told)) is not Severity.IGNORE
        for finding in _findings(rule, severity, linted)
        if not listen.ignore(finding.names, finding.span.start_line)
    )
    return Looked(source, read.text, in_order(findings), None, linted, listen)


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """By place, each once."""
    return tuple(sorted(dict.fromkeys(findings), key=lambda one: (one.span.start_line, one.span.column, one.rule)))


def _findings(rule: Rule, severity: Severity, linted: Linted) -> list[Finding]:
    found = []
    for one in rule.check(linted):
        found.append(_finding(rule, severity, one, linted))
        if len(found) == MOST:
            break
    return found


def _finding(rule: Rule, severity: Severity, found: Found, linted: Linted) -> Finding:
    span = linted.span(found.start, found.end)
    return Finding(rule.name, severity, found.message, span, rule.aliases, found.hint, found.edits, found.beyond)


def wanted(names: Iterable[str], settings: Settings) -> bool:
    """Is a rule of these names neither ignored nor left out?"""
    own = {name.lower() for name in names}
    return not own & settings.ignored and (not settings.only or bool(own & settings.only))


def effective(rule: Rule, settings: Settings, told: Pragmas | None = None) -> Severity:
    """How severe a rule is here; IGNORE where nobody wants to hear it."""
    if not wanted(rule.names, settings):
        return Severity.IGNORE
    own = [name.lower() for name in rule.names]
    given = next((settings.severities[name] for name in own if name in settings.severities), None)
    if given is not None:
        return given
    asked = settings.experimental | (told.check.experimental if told else frozenset())
    woken = rule.severity is Severity.IGNORE and (settings.only & {*own} or asked & {*own, ALL})
    if told and {*own, ALL} & told.check.skip and not (woken and asked):
        return Severity.IGNORE
    return Severity.WARNING if woken else rule.severity


def _unreadable(text: bytes | str, source: str, error: Invalid, settings: Settings) -> Looked:
    decoded = text if isinstance(text, str) else text[:LARGEST].decode("utf-8", "replace")
    page = Page.of(decoded)
    rule = unreadable(error.problem)
    where = error.where
    line = min(where.line, len(page.starts)) if where else 1
    span = Span(line, line, where.column, where.width) if where else Span(1, 1)
    severity = effective(rule, settings)
    finding = Finding(rule.name, severity, error.problem, span, rule.aliases, error.hint)
    shown = (finding,) if severity is not Severity.IGNORE else ()
    return Looked(source, decoded, shown, error)
