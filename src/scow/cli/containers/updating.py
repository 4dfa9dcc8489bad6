"""``update``: how containers that are there already are kept, and what they may use."""

from __future__ import annotations

from typing import Any

import click

from scow.cli import names
from scow.cli.containers.limitflags import changes, changing_flags
from scow.cli.lazy import Command
from scow.cli.options import option
from scow.cli.refused import refused, values
from scow.cli.session import Session, pass_session
from scow.cli.targets import each
from scow.errors import Invalid


@click.command(
    "update",
    cls=Command,
    help="Change how containers are kept, and what they may use",
    examples="""
        scow update --restart on-failure:3 web
        scow update --memory 512m --cpus 1.5 web
    """,
)
@option(
    "--restart", default="", metavar="string", help="When to start again: no, on-failure[:N], always, unless-stopped"
)
@changing_flags
@refused(values("--cpu-rt-period --cpu-rt-runtime --kernel-memory", "", "0"))
@names.targets("CONTAINER", names.containers)
@pass_session
def update(session: Session, /, targets: tuple[str, ...], restart: str, **given: Any) -> None:
    """``scow update``."""
    limits = changes(given)
    if not restart and not limits:
        raise Invalid("you must provide one or more flags when using this command")
    containers = session.engine.containers
    each(targets, lambda name: containers.update(name, restart=restart, limits=limits))
