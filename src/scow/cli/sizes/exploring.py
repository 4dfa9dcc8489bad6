"""An image on the full screen: ``explore``."""

from __future__ import annotations

import sys

import click

from scow.cli import names
from scow.cli.lazy import Command
from scow.cli.options import option
from scow.cli.session import Session, pass_session
from scow.errors import Invalid


@click.command(
    "explore",
    cls=Command,
    help="Walk through an image's layers and files on the full screen: what each layer added, changed and removed, and"
    " where the waste is",
    examples="""
        scow explore debian:12
        scow explore docker://alpine
    """,
)
@click.argument("target", metavar="IMAGE", shell_complete=names.images)
@option("--platform", metavar="string", help="Look at the image for another platform")
@pass_session
def explore(session: Session, target: str, platform: str | None) -> None:
    """``scow explore``."""
    if not session.terminal or not sys.stdin.isatty():
        raise Invalid("explore needs a terminal", hint="scow analyze says the same in plain text")
    with session.engine.analysis.explore(target, platform=platform) as exploration:
        from scow.cli.sizes.explorer import app
        from scow.cli.sizes.explorer.terminal import Terminal

        app.explore(exploration, Terminal(sys.stdin.fileno(), sys.stdout.fileno(), colour=session.colour))
