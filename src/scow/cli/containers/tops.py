"""``top``: the processes of a container."""

from __future__ import annotations

import click

from scow.cli import names
from scow.cli.lazy import Command
from scow.cli.session import Session, pass_session
from scow.errors import printable


@click.command(
    "top",
    cls=Command,
    context_settings={"allow_interspersed_args": False, "ignore_unknown_options": True},
    help="Show the processes of a container",
    examples="""
        scow top web
        scow top web -o pid,rss,comm
    """,
)
@click.argument("container", metavar="CONTAINER", shell_complete=names.containers)
@click.argument("arguments", nargs=-1, metavar="[ps OPTIONS]")
@pass_session
def top(session: Session, container: str, arguments: tuple[str, ...]) -> None:
    """``scow top``."""
    table = session.engine.containers.top(container, arguments)
    rows = [[printable(cell) for cell in row] for row in (table.titles, *table.rows)]
    widths = [max(17, *(len(row[at]) for row in rows if at < len(row))) for at in range(len(table.titles))]
    for row in rows:
        cells = (cell.ljust(width + 3) for cell, width in zip(row, widths, strict=False))
        click.echo("".join(cells).rstrip())
