"""The advisory database: ``db update|status|import|export|push|pull``."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import click

from scow.cli import formats
from scow.cli.lazy import Command
from scow.cli.options import option, switch
from scow.cli.session import Session, pass_session
from scow.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scow.cli.table import Row
    from scow.scan.holding import Holding
    from scow.scan.importing import Imported

_COLUMNS = (
    ("ECOSYSTEM", "Ecosystem"),
    ("ADVISORIES", "Advisories"),
    ("NEWEST", "Newest"),
    ("IMPORTED", "Imported"),
    ("SIZE", "Size"),
)
_FROM = "Where OSV's bulk data is: a URL, or a directory (default: $SCOW_ADVISORIES, else OSV's own)"


@click.command(
    "update",
    cls=Command,
    help="Bring advisories up to date from OSV's bulk data, by default those of all ecosystems that are here",
    examples="""
        scow db update Debian PyPI npm
        scow db update
        scow db update kev epss
        scow db update --from https://mirror.example.com/osv Alpine
    """,
)
@click.argument("ecosystems", nargs=-1, metavar="[ECOSYSTEM...]")
@option("--from", "source", default=None, metavar="string", help=_FROM)
@switch("-q", "--quiet", help="Print nothing")
@pass_session
def update(session: Session, ecosystems: tuple[str, ...], source: str | None, quiet: bool) -> None:
    """``scow db update``."""
    from scow.cli.scans.scanning import advisories_of

    watch = _silent if quiet else _tell
    session.engine.advisories.update(ecosystems, source=source or advisories_of(session), watch=watch)


@click.command(
    "import",
    cls=Command,
    help="Import advisories from a file or directory: a zip or directory of OSV documents, a directory with one of"
    " these for each ecosystem (OSV's own layout), or what scow db export wrote",
    examples="""
        scow db import /mnt/osv
        scow db import --ecosystem Debian debian.zip
        scow db import advisories.tar
        scow db import --kev known_exploited_vulnerabilities.json --epss epss_scores-current.csv.gz
    """,
)
@click.argument("path", required=False, metavar="[PATH]", type=click.Path())
@option("--ecosystem", metavar="string", help="What a single zip or directory is about, where its name does not say")
@option("--only", multiple=True, metavar="ecosystem", help="Leave out all other ecosystems")
@option("--kev", metavar="file", help="CISA's catalogue of exploited vulnerabilities: a file or URL")
@option("--epss", metavar="file", help="EPSS's scores: a file or URL")
@switch("-q", "--quiet", help="Print nothing")
@pass_session
def import_(
    session: Session,
    path: str | None,
    ecosystem: str | None,
    only: tuple[str, ...],
    kev: str | None,
    epss: str | None,
    quiet: bool,
) -> None:
    """``scow db import``."""
    if not (path or kev or epss):
        raise Invalid("nothing to import", hint="give a PATH, --kev or --epss")
    watch = _silent if quiet else _tell
    advisories = session.engine.advisories
    if path and _is_tar(path):
        _tell_held(advisories.fetch(f"oci-archive:{path}", only), quiet=quiet)
    elif path:
        advisories.import_(path, ecosystem=ecosystem, only=only, watch=watch)
    for kind, source in (("kev", kev), ("epss", epss)):
        if source:
            watch(advisories.import_mark(kind, source))


@click.command(
    "status",
    cls=Command,
    help="Show which advisories are here, how many, and how old they are",
    examples="""
        scow db status
        scow db status --format '{{.Ecosystem}} {{.Newest}}'
    """,
)
@formats.of_list
@switch("-q", "--quiet", help="Only show ecosystems")
@pass_session
def status(session: Session, template: str, quiet: bool) -> None:
    """``scow db status``."""
    from scow.cli import table

    rows = _rows(session.engine.advisories.status(), time.time())
    click.echo(table.render(rows, _COLUMNS, template, quiet=quiet, key="Ecosystem"), nl=False)


@click.command(
    "export",
    cls=Command,
    help="Write the advisory database, or some ecosystems of it, to one file; scow db import reads it",
    examples="""
        scow db export -o advisories.tar
        scow db export -o debian.tar Debian kev
    """,
)
@click.argument("ecosystems", nargs=-1, metavar="[ECOSYSTEM...]")
@option("-o", "--output", required=True, metavar="string", help="The file, an OCI archive")
@switch("-q", "--quiet", help="Print nothing")
@pass_session
def export(session: Session, ecosystems: tuple[str, ...], output: str, quiet: bool) -> None:
    """``scow db export``."""
    _tell_held(session.engine.advisories.publish(f"oci-archive:{output}", ecosystems), quiet=quiet)


@click.command(
    "push",
    cls=Command,
    help="Upload the advisory database, or some ecosystems of it, to a registry as an OCI artifact",
    examples="""
        scow db push registry.example.com/advisories:latest
        scow db push registry.example.com/advisories:debian Debian kev epss
    """,
)
@click.argument("name", metavar="NAME[:TAG]")
@click.argument("ecosystems", nargs=-1, metavar="[ECOSYSTEM...]")
@switch("-q", "--quiet", help="Print nothing")
@pass_session
def push(session: Session, name: str, ecosystems: tuple[str, ...], quiet: bool) -> None:
    """``scow db push``."""
    _tell_held(session.engine.advisories.publish(f"docker://{name}", ecosystems), quiet=quiet)


@click.command(
    "pull",
    cls=Command,
    help="Download the advisory database, or some ecosystems of it, from a registry where scow db push put it",
    examples="""
        scow db pull registry.example.com/advisories:latest
        scow db pull registry.example.com/advisories:latest Debian
    """,
)
@click.argument("name", metavar="NAME[:TAG|@DIGEST]")
@click.argument("ecosystems", nargs=-1, metavar="[ECOSYSTEM...]")
@switch("-q", "--quiet", help="Print nothing")
@pass_session
def pull(session: Session, name: str, ecosystems: tuple[str, ...], quiet: bool) -> None:
    """``scow db pull``."""
    _tell_held(session.engine.advisories.fetch(f"docker://{name}", ecosystems), quiet=quiet)


def _is_tar(path: str) -> bool:
    """What ``db export`` wrote, whatever it is called."""
    with contextlib.suppress(OSError), open(path, "rb") as file:
        return file.read(512)[257:262] == b"ustar"
    return False


def _silent(imported: Imported) -> None:
    """``--quiet``."""


def _tell(imported: Imported) -> None:
    held = imported.holding
    changes = [f"{imported.changed} new or changed"] if imported.changed else ["up to date"]
    changes += [f"{imported.removed} gone"] if imported.removed else []
    changes += [f"{imported.unread} unreadable"] if imported.unread else []
    click.echo(f"{held.ecosystem}: {held.advisories} ({', '.join(changes)})")
    for name, reason in imported.skipped:
        click.echo(f"scow: {held.ecosystem}: {name} was skipped: {reason}", err=True)


def _tell_held(held: Iterable[Holding], *, quiet: bool) -> None:
    for one in held if not quiet else ():
        click.echo(f"{one.ecosystem}: {one.advisories}")


def _rows(held: Iterable[Holding], now: float) -> Iterable[Row]:
    from scow.cli.units import human_size

    for one in held:
        yield {
            "Ecosystem": one.ecosystem,
            "Advisories": str(one.advisories),
            "Newest": _ago(one.modified, now),
            "Imported": _ago(one.imported, now),
            "Size": human_size(one.size),
            "Modified": one.modified,
            "ImportedAt": one.imported,
            "Source": one.source,
            "Releases": ",".join(one.releases),
        }


def _ago(moment: str, now: float) -> str:
    from scow.cli.units import human_duration, seconds_of

    if not moment or moment.startswith("0001-"):
        return "-"
    try:
        return human_duration(max(0.0, now - seconds_of(moment))) + " ago"
    except Invalid:
        return moment
