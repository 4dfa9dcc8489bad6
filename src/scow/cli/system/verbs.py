"""The store as a whole: ``system df``, ``system prune``, ``builder prune``, ``info``, ``version``."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from scow.cli import formats
from scow.cli.lazy import Command
from scow.cli.options import option, switch
from scow.cli.session import Session, pass_session
from scow.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scow.cli.table import Row
    from scow.engine.values import Usage

_DF_COLUMNS = (
    ("TYPE", "Type"),
    ("TOTAL", "TotalCount"),
    ("ACTIVE", "Active"),
    ("SIZE", "Size"),
    ("RECLAIMABLE", "Reclaimable"),
)


@click.command(
    "df",
    cls=Command,
    help="Show what the store takes on disk, and how much of it can be had back",
    examples="""
        scow system df
        scow system df --format '{{.Type}}: {{.Size}}'
    """,
)
@formats.of_list
@switch("-v", "--verbose", help="Show every image, container and piece of the build cache")
@pass_session
def df(session: Session, template: str, verbose: bool) -> None:
    """``scow system df``."""
    if verbose:
        from scow.cli.system.usage import verbose_text

        click.echo(verbose_text(session.engine, template), nl=False)
        return
    from scow.cli import table

    click.echo(table.render(_df_rows(session.engine.system.usage()), _DF_COLUMNS, template), nl=False)


def _df_rows(usage: Iterable[Usage]) -> Iterator[Row]:
    from scow.cli.units import human_size

    for one in usage:
        share = f" ({100 * one.reclaimable // one.size}%)" if one.size and one.kind != "Build Cache" else ""
        yield {
            "Type": one.kind,
            "TotalCount": str(one.total),
            "Active": str(one.active),
            "Size": human_size(one.size, 4),
            "Reclaimable": human_size(one.reclaimable, 4) + share,
        }


@click.command(
    "prune",
    cls=Command,
    help="Remove what is not used: containers that do not run, images without a name (with -a, all that no container"
    " stands on), and the build cache",
    examples="""
        scow system prune --dry-run
        scow system prune -af
        scow system prune -f --filter until=240h
    """,
)
@switch("-a", "--all", "every", help="Remove all unused images, not just those without a name")
@option(
    "--filter",
    "filters",
    multiple=True,
    metavar="filter",
    help="Remove only some: label=KEY[=VALUE], until=TIME; the build cache stays",
)
@switch("-f", "--force", help="Do not ask for confirmation")
@switch("--volumes", help="Remove anonymous volumes that no container uses too")
@switch("--dry-run", help="Only say what would go, and how many bytes would come back")
@pass_session
def prune(session: Session, every: bool, filters: tuple[str, ...], force: bool, volumes: bool, dry_run: bool) -> None:
    """``scow system prune``."""
    from scow.cli import pruning

    if volumes and any(text.startswith("until=") for text in filters):
        raise Invalid('The "until" filter is not supported with "--volumes"')
    chosen = pruning.chosen(filters)
    act = partial(
        session.engine.system.prune, every=every, chosen=chosen, cache=not filters, volumes=volumes, dry_run=dry_run
    )
    pruning.prune(act, _warning(every, volumes, filters), force=force, dry_run=dry_run)


def _warning(every: bool, volumes: bool, filters: tuple[str, ...]) -> str:
    goes = ["all stopped containers", "all networks not used by at least one container"]
    if volumes:
        goes.append("all anonymous volumes not used by at least one container")
    goes.append("all images without at least one container associated to them" if every else "all dangling images")
    if not filters:
        goes.append("all build cache" if every else "unused build cache")
    lines = ["This will remove:", *(f"  - {text}" for text in goes), ""]
    if filters:
        lines += ["  Items to be pruned will be filtered with:", *(f"  - {text}" for text in filters), ""]
    return "\n".join([*lines, ""])


@click.command(
    "info",
    cls=Command,
    help="Show what this machine and store can do: what runs containers, how they are kept apart, and why not better",
    examples="""
        scow info
        scow info --format '{{.Isolation.Runtime}}'
    """,
)
@formats.of_one
@pass_session
def info(session: Session, template: str) -> None:
    """``scow info``."""
    from scow.cli.system import facts

    document = session.engine.system.info()
    click.echo(formats.one(document, template) if template else facts.info_text(document), nl=bool(template))


@click.command(
    "version",
    cls=Command,
    help="Show the version, and what it runs on",
    examples="""
        scow version
        scow version --format '{{.Client.Version}}'
    """,
)
@formats.of_one
def version(template: str) -> None:
    """``scow version``."""
    from scow.cli.system import facts
    from scow.engine import Engine

    document = facts.version_document(Engine.version())
    if not template:
        click.echo(facts.version_text(document), nl=False)
        return
    try:
        text = formats.one(document, template)
    except Invalid:  # who asks for a server's version asks what does the work
        text = formats.one({**document, "Server": document["Client"]}, template)
    click.echo(text)
