"""What every prune does: go by its filters, ask first, then tell what went."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from scow.cli.filters import Filters, parse_filters

if TYPE_CHECKING:
    from scow.engine.values import Pruned

FILTERS = ("label", "until")


def chosen(filters: Iterable[str]) -> Callable[[Any], bool]:
    """Whether a prune with :data:`FILTERS` may take what has ``labels`` and a time ``created``."""
    return passing(parse_filters(filters, FILTERS), time.time())


def passing(asked: Filters, now: float) -> Callable[[Any], bool]:
    """:func:`chosen`, where more than those filters were parsed."""
    older = asked.older(now)
    return lambda one: asked.labels(one.labels) and older(one.created)


def prune(act: Callable[[], Pruned], warning: str, *, force: bool, dry_run: bool) -> None:
    """``act``, unless the user thinks better of it, and what it took away."""
    if force or dry_run or sure(warning):
        click.echo(_report(act(), dry_run=dry_run))


def sure(warning: str) -> bool:
    """docker's question; whatever is not yes is no."""
    click.echo(f"WARNING! {warning}Are you sure you want to continue? [y/N] ", nl=False)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _report(pruned: Pruned, *, dry_run: bool) -> str:
    """Everything that went (or would), kind by kind, and the bytes that came back."""
    from scow.cli.units import human_size

    word = "Would delete" if dry_run else "Deleted"
    kinds: tuple[tuple[str, Sequence[str]], ...] = (
        ("Containers", pruned.containers),
        ("Networks", pruned.networks),
        ("Volumes", pruned.volumes),
        ("Images", pruned.images),
        ("build cache objects", pruned.cache),
    )
    lines = [line for kind, names in kinds if names for line in (f"{word} {kind}:", *names, "")]
    total = "Total reclaimable space" if dry_run else "Total reclaimed space"
    return "\n".join([*lines, f"{total}: {human_size(pruned.bytes, 4)}"])
