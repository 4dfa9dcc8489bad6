"""``lint``: look at Dockerfiles, and mend them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scow.cli import userfiles
from scow.cli.lazy import Command
from scow.cli.options import option, switch
from scow.cli.session import Session, pass_session
from scow.errors import Invalid

if TYPE_CHECKING:
    from scow.dockerfile.lint.linting import Looked
    from scow.dockerfile.lint.settings import Settings
    from scow.engine.dockerfiles.verbs import Fixed

_FORMATS = ("text", "json", "sarif", "github", "gitlab", "checkstyle")


@click.command(
    "lint",
    cls=Command,
    help="Look for mistakes in Dockerfiles (default: ./Dockerfile; - is standard input): what fails, what is unsafe,"
    " what makes images large or builds slow. Nothing is built and nothing fetched. docs/lint.md lists the rules; the"
    " names that hadolint and BuildKit have for them are known too",
    examples="""
        scow lint
        scow lint --format github docker/*.Dockerfile
        scow lint --fix --dry-run
        scow lint --ignore apt-unpinned,DL3059 --failure-threshold warning
    """,
)
@click.argument("dockerfiles", nargs=-1, metavar="[DOCKERFILE...|-]", type=click.Path())
@option("--config", metavar="FILE", help="Settings, as .hadolint.yaml has them (default: .scow-lint.yaml or"
        " .hadolint.yaml here, then hadolint.yaml in ~/.config)")  # fmt: skip
@option("--context", metavar="DIR", help="The build context (default: the Dockerfile's directory)")
@switch("--dry-run", help="With --fix: only show what would change")
@option("--failure-threshold", metavar="severity",
        help="Exit with 1 from this severity on: error, warning, info (default), style or none")  # fmt: skip
@switch("--fix", help="Mend what can be mended without changing what is built, and show it")
@option("-f", "--format", "kind", type=click.Choice(_FORMATS), default="text", metavar="string",
        help=f"How findings are written: {', '.join(_FORMATS)}")  # fmt: skip
@option("--ignore", multiple=True, metavar="RULE", help="Leave rules out (RULE[,RULE])")
@switch("--list-rules", help="List all rules")
@switch("--no-fail", help="Exit with 0 whatever is found")
@option("--only", multiple=True, metavar="RULE", help="Look with these rules alone (RULE[,RULE])")
@option("--require-label", multiple=True, metavar="NAME:KIND", help="A label that must be there, and what it is: text,"
        " url, semver, hash, rfc3339, spdx or email")  # fmt: skip
@switch("--shellcheck", default=True, help="Ask ShellCheck about RUN, where it is installed")
@switch("--strict-labels", help="Allow no other labels than those")
@option("--trusted-registry", multiple=True, metavar="HOST", help="A registry that FROM may name")
@pass_session
def lint(session: Session, /, dockerfiles: tuple[str, ...], **given: Any) -> None:
    """``scow lint``."""
    if given["list_rules"]:
        click.echo(_rules(), nl=False)
        return
    if given["dry_run"] and not given["fix"]:
        raise Invalid("--dry-run goes with --fix")
    settings = _settings(session, given)
    names = dockerfiles or ("Dockerfile",)
    failed = (_fix if given["fix"] else _look)(session, names, settings, given)
    if failed and not settings.no_fail:
        sys.exit(1)


def _look(session: Session, names: Sequence[str], settings: Settings, given: Mapping[str, Any]) -> bool:
    """Print the report; whether something was found that counts."""
    from scow.cli.linting.reports import REPORTS

    looked = [
        session.engine.dockerfiles.lint(
            _source(name), context=_context(name, given), settings=settings, shellcheck=given["shellcheck"]
        )
        for name in names
    ]
    click.echo(REPORTS[given["kind"]](looked), nl=False)
    return any(counts(one, settings) for one in looked)


def counts(looked: Looked, settings: Settings) -> bool:
    """Is a finding as severe as the threshold? With ``# check=error=true`` every one is."""
    if settings.threshold is None:
        return False
    strict = looked.pragmas is not None and looked.pragmas.check.error
    return any(strict or finding.severity >= settings.threshold for finding in looked.findings)


def _fix(session: Session, names: Sequence[str], settings: Settings, given: Mapping[str, Any]) -> bool:
    """Mend, show the difference (of standard input: the result), and tell what is left."""
    from scow.cli.linting.reports import text

    dry, failed = given["dry_run"], False
    for name in names:
        fixed = session.engine.dockerfiles.fix(
            _source(name), context=_context(name, given), settings=settings, write=not dry
        )
        click.echo(fixed.after if name == "-" and not dry else _difference(fixed), nl=False)
        click.echo(text([fixed.left]), nl=False, err=name == "-" and not dry)
        failed = failed or counts(fixed.left, settings) or (dry and fixed.before != fixed.after)
    return failed


def _difference(fixed: Fixed) -> str:
    from difflib import unified_diff

    before, after = (text.splitlines(keepends=True) for text in (fixed.before, fixed.after))
    lines = unified_diff(before, after, fixed.source, fixed.source)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _source(name: str) -> bytes | Path:
    if name != "-":
        return Path(name, "Dockerfile") if Path(name).is_dir() else Path(name)
    from scow.dockerfile.parser import LARGEST

    return userfiles.bounded(sys.stdin.buffer, "standard input", LARGEST)


def _context(name: str, given: Mapping[str, Any]) -> Path | None:
    if given["context"] is not None:
        return Path(given["context"])
    if name == "-":
        return None
    return Path(name) if Path(name).is_dir() else Path(name).parent


def _settings(session: Session, given: Mapping[str, Any]) -> Settings:
    """What the file of settings says, and over it the flags."""
    from scow.dockerfile.lint import configuration
    from scow.dockerfile.lint.settings import Settings

    path = _found(session, given["config"])
    settings = configuration.settings(userfiles.content(path), str(path)) if path else Settings()
    labels = configuration.schema(dict(_label(entry) for entry in given["require_label"]))
    threshold = given["failure_threshold"]
    return replace(
        settings,
        ignored=settings.ignored | configuration.rules(_names(given["ignore"])),
        only=configuration.rules(_names(given["only"])),
        trusted=(*settings.trusted, *given["trusted_registry"]),
        labels={**settings.labels, **labels},
        strict_labels=settings.strict_labels or given["strict_labels"],
        threshold=configuration.threshold(threshold) if threshold else settings.threshold,
        no_fail=settings.no_fail or given["no_fail"],
    )


def _found(session: Session, named: str | None) -> Path | None:
    """The file of settings: as named, else the first that is there."""
    from scow.dockerfile.lint.configuration import FILES

    if named:
        return Path(named)
    home = session.environment.get("HOME")
    own = session.environment.get("XDG_CONFIG_HOME") or (home and f"{home}/.config")
    candidates = [*map(Path, FILES), *([Path(own, "hadolint.yaml"), Path(own, "hadolint.yml")] if own else [])]
    # not Path.is_file: one of a closed home is none
    return next((path for path in candidates if os.path.isfile(path)), None)


def _names(entries: Iterable[str]) -> list[str]:
    return [name for entry in entries for name in entry.split(",")]


def _label(entry: str) -> tuple[str, str]:
    name, _, kind = entry.rpartition(":")
    if not name:
        raise Invalid(f"invalid label {entry!r}, expected NAME:KIND")
    return name, kind


def _rules() -> str:
    from scow.cli.table import render
    from scow.dockerfile.lint.table import RULES

    rows = [
        {
            "Name": rule.name,
            "Severity": rule.severity.word,
            "Fix": "yes" if rule.fixable else "",
            "Aliases": ", ".join(rule.aliases),
            "Title": rule.title,
        }
        for rule in RULES
    ]
    columns = [(name.upper(), name) for name in ("Name", "Severity", "Fix", "Aliases", "Title")]
    return render(rows, columns)
