"""``rm`` and ``container prune``."""

from __future__ import annotations

from functools import partial

import click

from scow.cli import names
from scow.cli.lazy import Command
from scow.cli.options import option, switch
from scow.cli.refused import flag, refused
from scow.cli.session import Session, pass_session


@click.command(
    "rm",
    cls=Command,
    help="Remove containers, with everything they wrote",
    examples="""
        scow rm web
        scow rm -f $(scow ps -aq)
    """,
)
@switch("-f", "--force", help="Remove running containers too (with SIGKILL)")
@switch("-v", "--volumes", help="Remove the anonymous volumes of the containers too")
@refused([flag("-l --link")])
@names.targets("CONTAINER", names.containers)
@pass_session
def rm(session: Session, targets: tuple[str, ...], force: bool, volumes: bool) -> None:
    """``scow rm``: goes on after a container that cannot be removed."""
    from scow.cli.targets import each

    containers = session.engine.containers

    def remove(name: str) -> None:
        containers.remove(name, force=force, volumes=volumes)

    each(targets, remove, absent_is_fine=force)


@click.command(
    "prune",
    cls=Command,
    help="Remove all containers that do not run",
    examples="""
        scow container prune -f --filter until=24h
    """,
)
@option("--filter", "filters", multiple=True, metavar="filter", help="Remove only some: label=KEY[=VALUE], until=TIME")
@switch("-f", "--force", help="Do not ask for confirmation")
@switch("--dry-run", help="Only say what would go, and how many bytes would come back")
@pass_session
def prune(session: Session, filters: tuple[str, ...], force: bool, dry_run: bool) -> None:
    """``scow container prune``."""
    from scow.cli import pruning

    act = partial(session.engine.system.prune_containers, chosen=pruning.chosen(filters), dry_run=dry_run)
    pruning.prune(act, "This will remove all stopped containers.\n", force=force, dry_run=dry_run)
