"""What every prune does: ask first, then tell what went."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from scow.engine.values import Pruned


def sure(warning: str) -> bool:
    """docker's question; whatever is not yes is no."""
    click.echo(f"WARNING! {warning}Are you sure you want to continue? [y/N] ", nl=False)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def report(pruned: Pruned, *, dry_run: bool) -> str:
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
