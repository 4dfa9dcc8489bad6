"""``pause`` and ``unpause``."""

from __future__ import annotations

import click

from scow.cli import names
from scow.cli.lazy import Command
from scow.cli.session import Session, pass_session
from scow.cli.targets import each

_BY_SIGNALS = "it has no freezer here: its processes were stopped one by one, with SIGSTOP, which they can notice"


@click.command(
    "pause",
    cls=Command,
    help="Hold the processes of containers",
    examples="scow pause web",
)
@names.targets("CONTAINER", names.containers)
@pass_session
def pause(session: Session, targets: tuple[str, ...]) -> None:
    """``scow pause``."""
    containers = session.engine.containers

    def act(name: str) -> None:
        if containers.pause(name) == "signals":
            click.echo(f"WARNING: {name}: {_BY_SIGNALS}", err=True)

    each(targets, act)


@click.command(
    "unpause",
    cls=Command,
    help="Let paused containers go on",
    examples="scow unpause web",
)
@names.targets("CONTAINER", names.containers)
@pass_session
def unpause(session: Session, targets: tuple[str, ...]) -> None:
    """``scow unpause``."""
    each(targets, session.engine.containers.unpause)
