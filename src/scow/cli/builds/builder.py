"""The build cache by itself: ``builder du``, ``builder prune``."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import click

from scow.cli import formats
from scow.cli.lazy import Command
from scow.cli.options import option, switch
from scow.cli.session import Session, pass_session
from scow.cli.table import Row

if TYPE_CHECKING:
    from scow.cli.filters import Filters
    from scow.engine.builds.cachestock import Only
    from scow.engine.values import CachePiece

_TYPES = {"layer": "regular", "mount": "exec.cachemount"}
#: of BuildKit's: nothing here is such
_OTHER_TYPES = ("source.local", "source.git.checkout", "frontend", "internal")
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
@formats.of_list
@switch("--no-trunc", help="Show whole ids")
@pass_session
def du(session: Session, template: str, no_trunc: bool) -> None:
    """``scow builder du``."""
    from scow.cli.table import render
    from scow.cli.units import human_size

    pieces = session.engine.system.cache()[::-1]
    click.echo(render(rows(pieces, time.time(), whole=no_trunc), _COLUMNS, template), nl=False)
    if not template:
        free = sum(one.size for one in pieces if not one.in_image)
        click.echo(f"Reclaimable:\t{human_size(free, 4)}\nTotal:\t\t{human_size(sum(one.size for one in pieces), 4)}")


def rows(pieces: tuple[CachePiece, ...], now: float, *, whole: bool) -> Iterator[Row]:
    """A row for each. ``whole``: ids are not cut."""
    from scow.cli.units import human_duration, human_size

    for one in pieces:
        yield {
            "ID": one.id if whole else one.id[:12],
            "Reclaimable": "false" if one.in_image else "true",
            "Shared": "true" if one.in_image else "false",
            "Size": human_size(one.size, 4),
            "LastUsedSince": f"{human_duration(now - one.used)} ago",
            "Type": _TYPES[one.kind],
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
        help="Remove only what was not used for so long (until=24h, unused-for=24h), of a type (regular,"
        " exec.cachemount), or with an id (id=…)")  # fmt: skip
@switch("-f", "--force", help="Do not ask for confirmation")
@option("--keep-storage", "--reserved-space", "keep", metavar="bytes", help="Leave so much of what was used last")
@option("--max-used-space", "most", metavar="bytes", help="Leave no more than that")
@option("--min-free-space", "free", metavar="bytes", help="Remove until so much of the disk is free")
@switch("--dry-run", help="Only say what would go, and how many bytes would come back")
@pass_session
def prune(
    session: Session, /, every: bool, filters: tuple[str, ...], force: bool, dry_run: bool, **bounds: str | None
) -> None:
    """``scow builder prune``."""
    from scow.cli import pruning
    from scow.cli.filters import parse_filters
    from scow.cli.units import parse_size

    parsed = parse_filters(filters, ("until", "unused-for", "type", "id"))
    before, only = _before(parsed, time.time()), _only(parsed)
    sizes = {name: parse_size(text) for name, text in bounds.items() if text}
    what = "all build cache" if every else "all dangling build cache"
    act = partial(session.engine.system.prune_cache, every=every, before=before, only=only, dry_run=dry_run, **sizes)
    pruning.prune(act, f"This will remove {what}. ", force=force, dry_run=dry_run)


def _only(asked: Filters) -> Only | None:
    """What the filters by type and id say of a piece; ``None`` without such."""
    from scow.errors import Invalid

    types, ids = asked.of("type"), asked.of("id")
    if wrong := [text for text in types if text not in _OTHER_TYPES and text not in _TYPES.values()]:
        raise Invalid(f"invalid filter 'type={wrong[0]}'", hint=", ".join(_TYPES.values()))
    if not (types or ids):
        return None
    return lambda one: (not types or _TYPES[one.kind] in types) and (not ids or one.id.startswith(ids))


def _before(asked: Filters, now: float) -> float | None:
    """The unix seconds that the filters name: what was used since stays."""
    from scow.cli.units import parse_time
    from scow.errors import Invalid

    texts = [*asked.of("until"), *asked.of("unused-for")]
    if len(texts) > 1:
        raise Invalid("more than one until filter specified")
    return parse_time(texts[0], now) if texts else None
