"""``create``: a new container that waits to be started. Apart from ``run``, which need not make these flags twice."""

from __future__ import annotations

from typing import Any

import click

from scow.cli import names
from scow.cli.containers.flags import container_flags, create, wanted
from scow.cli.containers.run import RunCommand, announce, own_codes, prepare
from scow.cli.lazy import Command
from scow.cli.options import option
from scow.cli.session import Session, pass_session


class CreateCommand(RunCommand):
    """A flag that is wrong is 125, as with ``run``; what goes wrong then is 1, as with any other verb."""

    def invoke(self, ctx: click.Context) -> Any:
        """As any command."""
        return Command.invoke(self, ctx)


@click.command(
    "create",
    cls=CreateCommand,
    context_settings={"allow_interspersed_args": False},
    help="Make a container without starting it, and print its id",
    examples="""
        scow create --name web -v pages:/srv httpd:2.4
        scow start -a $(scow create -it debian:12)
    """,
)
@option("-a", "--attach", multiple=True, metavar="list", help="Attach to stdin, stdout or stderr")
@container_flags
@click.argument("image", metavar="IMAGE", shell_complete=names.images)
@click.argument("command", nargs=-1, metavar="[COMMAND] [ARG...]")
@pass_session
@click.pass_context
def create_(ctx: click.Context, session: Session, /, image: str, command: tuple[str, ...], **given: Any) -> None:
    """``scow create``."""
    with own_codes(ctx):
        asked = wanted(session, command, given)
    prepare(session, image, given)
    container = create(session, image, asked, attached_input=True)
    announce(container, given["cidfile"])
    click.echo(container.id)
