"""The build cache by itself: ``builder du``, ``builder prune``."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from scow.cli import formats
from scow.cli.lazy import Command
from scow.cli.options import option, switch
from scow.cli.session import Session, pass_session
from scow.cli.table import Row

if TYPE_CHECKING:
    from scow.cli.filters import Filters
    from scow.engine.values import CachePiece

_COLUMNS = (
    ("ID", "ID"),
    ("RECLAIMABLE", "Reclaimable"),
    ("SIZE", "Size"),
    ("LAST ACCESSED", "LastUsedSince"),
)


@click.command(
    "du",
    cls=Command,
    help="Show what the build cache holds: layers by diff_id and cache mounts, what was used longest ago last",
    examples="""
        scow builder du
        scow builder du --format '{{.ID}} {{.Description}}'
    """,
)
@option("--format", "template", default="", metavar="string", help=formats.LIST)
@switch("--no-trunc", help="Show whole ids")
@pass_session
def du(session: Session, template: str, no_trunc: bool) -> None:
    """``scow builder du``."""
    from scow.cli.table import render
    from scow.cli.units import human_size

    pieces = session.engine.system.cache()[::-1]
    click.echo(render(_rows(pieces, time.time(), whole=no_trunc), _COLUMNS, template), nl=False)
    if not template:
        free = sum(one.size for one in pieces if not one.in_image)
        click.echo(f"Reclaimable:\t{human_size(free, 4)}\nTotal:\t\t{human_size(sum(one.size for one in pieces), 4)}")


def _rows(pieces: tuple[CachePiece, ...], now: float, *, whole: bool) -> Iterator[Row]:
    from scow.cli.units import human_duration, human_size

    for one in pieces:
        yield {
            "ID": one.id if whole else one.id[:12],
            "Reclaimable": "false" if one.in_image else "true",
            "Shared": "true" if one.in_image else "false",
            "Size": human_size(one.size, 4),
            "LastUsedSince": f"{human_duration(now - one.used)} ago",
            "Type": "exec.cachemount" if one.kind == "mount" else "regular",
            "Description": f"cache mount {one.name}" if one.kind == "mount" else "",
        }


@click.command(
    "prune",
    cls=Command,
    help="Remove the build cache; without -a, what no image has",
    examples="""
        scow builder prune -af
        scow builder prune -af --filter until=72h --keep-storage 10GB
    """,
)
@switch("-a", "--all", "every", help="Remove all of the build cache and the cache mounts, not just what no image has")
@option("--filter", "filters", multiple=True, metavar="filter",
        help="Remove only what was not used for so long: until=24h, unused-for=24h")  # fmt: skip
@switch("-f", "--force", help="Do not ask for confirmation")
@option("--keep-storage", "--reserved-space", "keep", metavar="bytes", help="Leave so much of what was used last")
@switch("--dry-run", help="Only say what would go, and how many bytes would come back")
@pass_session
def prune(
    session: Session, every: bool, filters: tuple[str, ...], force: bool, keep: str | None, dry_run: bool
) -> None:
    """``scow builder prune``."""
    from scow.cli import asking
    from scow.cli.filters import parse_filters
    from scow.cli.units import parse_size

    before = _before(parse_filters(filters, ("until", "unused-for")), time.time())
    left = parse_size(keep) if keep else None
    what = "all build cache" if every else "all dangling build cache"
    if not (force or dry_run) and not asking.sure(f"This will remove {what}. "):
        return
    pruned = session.engine.system.prune_cache(every=every, before=before, keep=left, dry_run=dry_run)
    click.echo(asking.report(pruned, dry_run=dry_run))


def _before(asked: Filters, now: float) -> float | None:
    """The unix seconds that the filters name: what was used since stays."""
    from scow.cli.units import parse_time
    from scow.errors import Invalid

    texts = [*asked.of("until"), *asked.of("unused-for")]
    if len(texts) > 1:
        raise Invalid("more than one until filter specified")
    return parse_time(texts[0], now) if texts else None
