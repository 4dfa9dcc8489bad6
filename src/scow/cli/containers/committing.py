"""``diff`` and ``commit``."""

from __future__ import annotations

import click

from scow.cli import names
from scow.cli.lazy import Command
from scow.cli.options import option, switch
from scow.cli.session import Session, pass_session
from scow.errors import printable


@click.command(
    "diff",
    cls=Command,
    help="List what a container changed of its image: A(dded), C(hanged), D(eleted)",
    examples="scow diff web",
)
@click.argument("container", metavar="CONTAINER", shell_complete=names.containers)
@pass_session
def diff(session: Session, container: str) -> None:
    """``scow diff``."""
    for change in session.engine.containers.diff(container):
        path = printable(change.path) if session.terminal else change.path
        click.echo(f"{change.kind} {path}".encode(errors="surrogateescape"))


@click.command(
    "commit",
    cls=Command,
    help="Make an image of what a container is now, and print its id",
    examples="""
        scow commit -m "with curl" builder tools:1
        scow commit -c 'CMD ["app"]' -c 'ENV A=1' builder app:1
    """,
)
@option("-a", "--author", default="", metavar="string", help="Author (John Hannibal Smith <hannibal@a-team.com>)")
@option("-c", "--change", "changes", multiple=True, metavar="list", help="Apply a Dockerfile instruction to the image")
@option("-m", "--message", default="", metavar="string", help="Commit message")
@switch("-p", "--pause", default=True, help="Pause the container meanwhile")
@switch("--no-pause", hidden=True)
@click.argument("container", metavar="CONTAINER", shell_complete=names.containers)
@click.argument("reference", required=False, metavar="[REPOSITORY[:TAG]]", shell_complete=names.images)
@pass_session
def commit(
    session: Session, container: str, reference: str | None, author: str, changes: tuple[str, ...], message: str,
    pause: bool, no_pause: bool,
) -> None:  # fmt: skip
    """``scow commit``."""
    made = session.engine.containers.commit(
        container, reference, author=author, message=message, changes=changes, pause=pause and not no_pause
    )
    click.echo(made)
