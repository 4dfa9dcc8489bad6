"""``update``: how containers that are there already are kept."""

from __future__ import annotations

import click

from scow.cli import names
from scow.cli.lazy import Command
from scow.cli.options import option
from scow.cli.refused import refused, values
from scow.cli.session import Session
from scow.cli.targets import each
from scow.errors import Invalid

_LIMITS = (
    "--blkio-weight --cpu-period --cpu-quota --cpu-rt-period --cpu-rt-runtime -c/--cpu-shares --cpus --cpuset-cpus"
    " --cpuset-mems -m/--memory --memory-reservation --memory-swap --pids-limit --kernel-memory"
)


@click.command(
    "update",
    cls=Command,
    help="Change how containers are kept",
    aliases="scow container update, scow update",
    examples="scow update --restart on-failure:3 web",
)
@option(
    "--restart", default="", metavar="string", help="When to start again: no, on-failure[:N], always, unless-stopped"
)
@refused(values(_LIMITS, "", "0", hint="make the container again with other limits"))
@click.argument("targets", nargs=-1, required=True, metavar="CONTAINER [CONTAINER...]", shell_complete=names.containers)
@click.pass_context
def update(ctx: click.Context, targets: tuple[str, ...], restart: str) -> None:
    """``scow update``."""
    if not restart:
        raise Invalid("you must provide one or more flags when using this command")
    containers = ctx.ensure_object(Session).engine.containers
    each(ctx, targets, lambda name: containers.update(name, restart=restart))
