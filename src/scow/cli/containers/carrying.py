"""``cp``: files between a container and this machine, or a tar stream."""

from __future__ import annotations

import os
import sys

import click

from scow.cli import names
from scow.cli.lazy import Command
from scow.cli.options import switch
from scow.cli.session import Session, pass_session
from scow.errors import Invalid


@click.command(
    "cp",
    cls=Command,
    help="Copy files between a container, running or not, and this machine; - is a tar stream",
    examples="""
        scow cp web:/var/log/. logs
        scow cp site.conf web:/etc/site.conf
        scow cp web:/srv - | tar t
    """,
)
@switch("-a", "--archive", help="Keep the owners and all of the modes")
@switch("-L", "--follow-link", help="Copy what the source links to")
@switch("-q", "--quiet", help="Do not tell what was copied")
@click.argument("source", metavar="CONTAINER:SRC_PATH|SRC_PATH|-", shell_complete=names.containers)
@click.argument("target", metavar="CONTAINER:DEST_PATH|DEST_PATH|-")
@pass_session
def cp(session: Session, source: str, target: str, archive: bool, follow_link: bool, quiet: bool) -> None:
    """``scow cp``."""
    (out, path), (into, place) = split(source), split(target)
    containers = session.engine.containers
    if out and into:
        raise Invalid("copying between containers is not supported")
    if not (out or into):
        raise Invalid("must specify at least one container source")
    if out and place == "-":
        if sys.stdout.isatty():
            raise Invalid("refusing to write a tar archive to a terminal", hint="redirect it")
        containers.pack(out, path, sys.stdout.buffer, follow=follow_link)
        return
    if into and path == "-":
        containers.unpack(into, place, sys.stdin.buffer, owners=archive)
        return
    if out:
        containers.copy_out(out, path, place, follow=follow_link, owners=archive)
    else:
        containers.copy_in(into, path, place, follow=follow_link, owners=archive)
    if not quiet and sys.stderr.isatty():  # docker tells a script nothing either
        shown = os.path.abspath(place) if out else target
        click.echo(f"Successfully copied {source} to {shown}", err=True)


def split(text: str) -> tuple[str, str]:
    """A container's name ("" for none) and a path: what is absolute or begins with a dot is this machine's."""
    name, colon, path = text.partition(":")
    if not colon or text.startswith((".", "/")) or "/" in name:
        return "", text
    if not name or not path:
        raise Invalid(f"invalid path: {text}", hint="CONTAINER:PATH")
    return name, path
