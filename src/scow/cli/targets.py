"""Verbs that take several containers: each is tried, what went wrong is told, and the exit code says so."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import click

from scow.cli.failing import FAILURE, told
from scow.errors import ScowError


def each(ctx: click.Context, targets: Iterable[str], act: Callable[[str], object]) -> None:
    """``act`` on each; prints the name, or what ``act`` returns, as docker does."""
    failed = 0
    for name in targets:
        try:
            answer = act(name)
        except ScowError as error:
            click.echo(told(error), err=True)
            failed = FAILURE
        else:
            click.echo(name if answer is None else answer)
    ctx.exit(failed)
