"""``pause`` and ``unpause``."""

from __future__ import annotations

import click

from scow.cli import names
from scow.cli.lazy import Command
from scow.cli.session import Session
from scow.cli.targets import each

_TARGETS = click.argument(
    "targets", nargs=-1, required=True, metavar="CONTAINER [CONTAINER...]", shell_complete=names.containers
)
_BY_SIGNALS = "it has no freezer here: its processes were stopped one by one, with SIGSTOP, which they can notice"


@click.command(
    "pause",
    cls=Command,
    help="Hold the processes of containers",
    examples="scow pause web",
)
@_TARGETS
@click.pass_context
def pause(ctx: click.Context, targets: tuple[str, ...]) -> None:
    """``scow pause``."""
    containers = ctx.ensure_object(Session).engine.containers

    def act(name: str) -> None:
        if containers.pause(name) == "signals":
            click.echo(f"WARNING: {name}: {_BY_SIGNALS}", err=True)

    each(ctx, targets, act)


@click.command(
    "unpause",
    cls=Command,
    help="Let paused containers go on",
    examples="scow unpause web",
)
@_TARGETS
@click.pass_context
def unpause(ctx: click.Context, targets: tuple[str, ...]) -> None:
    """``scow unpause``."""
    each(ctx, targets, ctx.ensure_object(Session).engine.containers.unpause)
