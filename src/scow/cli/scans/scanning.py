"""What is known to be wrong with an image: ``scan``."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from scow.cli import formats, names, userfiles
from scow.cli.lazy import Command
from scow.cli.options import option, switch
from scow.cli.session import Session, pass_session
from scow.errors import Invalid, Unavailable

if TYPE_CHECKING:
    from scow.scan.compare import Difference
    from scow.scan.finding import Finding, Report
    from scow.scan.ignore import Ignoring
    from scow.scan.importing import Imported

_FORMAT = """Format of the report:
'table':            For a terminal (default)
'json':             Everything that is known of each finding
'sarif':            SARIF 2.1.0, for code hosts
'cyclonedx':        CycloneDX 1.6 with vulnerabilities
'spdx':             SPDX 2.3 with links to advisories
'markdown':         For a pull request
'html':             One page; needs no network
'template':         The template that --template names
'TEMPLATE':         Print the JSON's fields using the given Go template"""
_FORMS: Final = ("table", "json", "template")
_FORMS_OF_ONE: Final = ("sarif", "cyclonedx", "spdx", "markdown", "html")
#: columns of a table, where there is no terminal to say it
_WIDEST: Final = 160
_IGNORE_FILES: Final = (".scowignore", ".trivyignore")
#: the exit code when --fail-on found something; 1 is for what could not be done at all
_FOUND: Final = 2
#: bytes of a template, an ignore file or a VEX document
_LARGEST: Final = 64 << 20


@click.command(
    "scan",
    cls=Command,
    help="Show what is known to be wrong with the packages in an image, by OSV's advisories. The image may be in the"
    " store, a registry (docker://NAME), an archive, a directory or a bill of materials (sbom:FILE); nothing is"
    " unpacked",
    examples="""
        scow scan debian:12
        scow scan --severity critical,high --only-fixed app:1
        scow scan --offline --fail-on high app:1
        scow scan --format sarif -o scan.sarif docker://registry.example.com/app:1
        scow scan --compare app:1 app:2
    """,
)
@click.argument("target", metavar="IMAGE", shell_complete=names.images)
@option("--format", "form", default="table", metavar="string", help=_FORMAT)
@option("--template", metavar="string", help="The Go template of --format template, or @FILE")
@option("-o", "--output", metavar="string", help="Write the report to a file")
@option("--severity", metavar="words", help="Show only these: critical,high,medium,low,negligible,unknown")
@switch("--only-fixed", help="Show only what a newer version of the package fixes")
@switch("--ignore-unfixed", help="The same as --only-fixed")
@option("--fail-on", metavar="severity", help=f"Exit with {_FOUND} when something this bad, or worse, is shown")
@option(
    "--exit-code",
    type=click.IntRange(0, 255),
    metavar="int",
    help="Exit with this when something is shown (with --fail-on: that bad)",
)
@option("--compare", "old", metavar="IMAGE", help="Show what is new and what is gone since IMAGE")
@switch("--offline", help="Ask nobody: use the advisories, and the image, that are here")
@option("--ignorefile", metavar="file", help=f"What to leave out (default: {' and '.join(_IGNORE_FILES)}, if there)")
@option("--vex", multiple=True, metavar="file", help="An OpenVEX document: leave out what does not affect the image")
@switch("--lockfiles", help="Also look at what Node's lockfiles name, which need not be installed")
@option("--platform", metavar="string", help="Look at the image for another platform")
@switch("-q", "--quiet", help="Only print the names of vulnerabilities")
@pass_session
def scan(
    session: Session,
    target: str,
    form: str,
    template: str | None,
    output: str | None,
    severity: str | None,
    only_fixed: bool,
    ignore_unfixed: bool,
    fail_on: str | None,
    exit_code: int | None,
    old: str | None,
    offline: bool,
    ignorefile: str | None,
    vex: tuple[str, ...],
    lockfiles: bool,
    platform: str | None,
    quiet: bool,
) -> None:
    """``scow scan``."""
    from scow.scan.wish import Wish, chosen

    wish = Wish(_severities(severity), only_fixed or ignore_unfixed)
    bar = _severity(fail_on) if fail_on else ""
    form = _form(form, template, quiet=quiet, compared=old is not None)
    colour = session.terminal and output is None and session.colour
    width = _width(session) if output is None else _WIDEST
    ignoring = _ignoring(ignorefile, vex)
    source = None if offline else advisories_of(session)

    def scanned(name: str) -> Report:
        report = session.engine.scanner.scan(
            name, platform=platform, lockfiles=lockfiles, source=source, ignoring=ignoring, watch=_tell
        )
        return chosen(report, wish)

    if old is None:
        report = scanned(target)
        shown = report.findings
        text = _reported(report, form, width=width, colour=colour)
        _warn(form, report)
    else:
        from scow.scan.compare import compare

        report = scanned(target)
        difference = compare(scanned(old), report)
        shown = difference.brought
        text = _compared(difference, form, width=width, colour=colour)
        _warn(form, difference.new, difference.old)
    formats.write(output, text)
    if bar or exit_code:
        _refuse_blind(report, exit_code)
    click.get_current_context().exit(_code(shown, bar, exit_code))


def advisories_of(session: Session) -> str:
    """Where advisories come from when no flag says it."""
    from scow.scan.sources import SOURCE

    return session.environment.get("SCOW_ADVISORIES") or SOURCE


# -- what is asked for ------------------------------------------------------------------------------------------------


def _severities(words: str | None) -> tuple[str, ...]:
    return tuple(_severity(word) for word in words.split(",")) if words else ()


def _severity(told: str) -> str:
    from scow.scan.severity import SEVERITIES

    word = told.strip().lower()
    if word not in SEVERITIES:
        raise Invalid("no such severity", subject=told, hint=f"there are {', '.join(SEVERITIES)}")
    return word


def _ignoring(ignorefile: str | None, vex: tuple[str, ...]) -> Ignoring | None:
    named = [ignorefile] if ignorefile else [name for name in _IGNORE_FILES if Path(name).is_file()]
    if not (named or vex):
        return None
    from scow.scan.ignore import Ignoring, joined, parse_ignore
    from scow.scan.vex import parse_vex

    rules = [parse_ignore(userfiles.content(name, _LARGEST).decode("utf-8-sig", "replace"), name) for name in named]
    return joined([*rules, *(Ignoring(statements=parse_vex(userfiles.content(name, _LARGEST), name)) for name in vex)])


def _form(told: str, template: str | None, *, quiet: bool, compared: bool) -> str:
    """The format's word, or the template. Raises :class:`~scow.errors.Invalid` before anything is scanned."""
    if template and told != "template":
        raise Invalid("--template goes with --format template")
    if quiet:
        return "quiet"
    if told == "template":
        return _template(template)
    if told and told not in (*_FORMS, *_FORMS_OF_ONE) and "{{" not in told:
        raise Invalid("no such format", subject=told, hint=f"there are {', '.join((*_FORMS, *_FORMS_OF_ONE))}")
    if compared and told in _FORMS_OF_ONE:
        raise Invalid(f"--compare cannot be shown as {told}", hint="table, json or a template")
    return told


def _template(given: str | None) -> str:
    if not given:
        raise Invalid("--format template needs a --template")
    return userfiles.content(given[1:]).decode(errors="replace") if given.startswith("@") else given


# -- what is shown ----------------------------------------------------------------------------------------------------


def _reported(report: Report, form: str, *, width: int, colour: bool) -> str | Iterable[bytes]:
    from scow.scan.advice import advise

    if form in ("", "table"):
        from scow.scan.report import terminal

        return terminal.report(report, advise(report), width=width, colour=colour)
    if form in ("markdown", "html"):
        from scow.scan.report import html, markdown

        return {"markdown": markdown.report, "html": html.report}[form](report, advise(report))
    if form == "quiet":
        return "".join(f"{name}\n" for name in dict.fromkeys(one.name for one in report.findings))
    if form in ("sarif", "cyclonedx", "spdx"):
        from scow import __version__
        from scow.scan.bom.writing import pieces
        from scow.scan.report import bom, sarif

        writers = {"sarif": sarif.sarif, "cyclonedx": bom.cyclonedx, "spdx": bom.spdx}
        return pieces(writers[form](report, __version__))
    from scow.scan.report.document import document

    return _templated(lambda: document(report), form)


def _compared(difference: Difference, form: str, *, width: int, colour: bool) -> str:
    if form in ("", "table"):
        from scow.scan.report import terminal

        return terminal.comparison(difference, width=width, colour=colour)
    if form == "quiet":
        return "".join(f"{name}\n" for name in dict.fromkeys(one.name for one in difference.brought))
    from scow.scan.report.document import comparison_document

    return _templated(lambda: comparison_document(difference), form)


def _templated(document: Callable[[], Mapping[str, Any]], template: str) -> str:
    if template == "json":
        return formats.as_json(document()) + "\n"
    from scow.cli.gotemplate.template import compile as compiled

    text = compiled(template).render(dict(document()))
    return text if text.endswith("\n") else text + "\n"


def _width(session: Session) -> int:
    """Columns of the terminal; of a pipe, whatever COLUMNS says."""
    told = session.environment.get("COLUMNS", "")
    columns = int(told) if told.isdecimal() else 0
    with contextlib.suppress(OSError, ValueError):
        columns = columns or os.get_terminal_size(sys.stdout.fileno()).columns
    return max(80, min(_WIDEST, columns or _WIDEST))


def _warn(form: str, report: Report, before: Report | None = None) -> None:
    """What a format has no room for is told on standard error: nothing found is not nothing there."""
    if form in ("sarif", "cyclonedx", "spdx", "quiet"):
        from scow.scan.report.text import compared_warnings, printable, warnings

        for warning in compared_warnings(before, report) if before else warnings(report):
            click.echo(f"scow: {printable(warning)}", err=True)


def _tell(imported: Imported) -> None:
    from scow.scan.report.text import number

    held = imported.holding
    click.echo(f"{held.ecosystem}: {number(held.advisories, 'advisory')}, {imported.changed} new or changed", err=True)


def _refuse_blind(report: Report, exit_code: int | None) -> None:
    """Nothing found is no reason to pass where nothing was looked at. Raises :class:`~scow.errors.Unavailable`."""
    if report.catalog.packages and not report.checked and exit_code != 0:
        hint = "scow db update fetches advisories; without --fail-on and --exit-code this is no failure"
        raise Unavailable("nothing could be checked", subject=report.catalog.subject, hint=hint)


def _code(shown: tuple[Finding, ...], bar: str, exit_code: int | None) -> int:
    from scow.scan.wish import at_least

    if not bar:
        return exit_code or 0 if shown else 0
    return (_FOUND if exit_code is None else exit_code) if at_least(shown, bar) else 0
