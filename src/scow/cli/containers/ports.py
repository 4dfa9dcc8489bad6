"""``port``: where the published ports of a container are on this machine."""

from __future__ import annotations

import click

from scow.cli import names
from scow.cli.lazy import Command
from scow.cli.session import Session, pass_session
from scow.errors import NotFound


@click.command(
    "port",
    cls=Command,
    help="Show the published ports of a container, or where one of them is",
    examples="""
        scow port web
        scow port web 80/tcp
    """,
)
@click.argument("target", metavar="CONTAINER", shell_complete=names.containers)
@click.argument("wanted", default="", metavar="[PRIVATE_PORT[/PROTO]]")
@pass_session
def port(session: Session, target: str, wanted: str) -> None:
    """``scow port``."""
    from scow.runtime.spec.ports import exposed

    found = session.engine.containers.find(target).ports
    if not wanted:
        click.echo("".join(f"{one.name} -> {one.place}\n" for one in found), nl=False)
        return
    name = exposed(wanted)[0].name
    shown = [one.place for one in found if one.name == name]
    if not shown:
        raise NotFound(f"no public port '{name}' published for {target}")
    click.echo("\n".join(shown))
