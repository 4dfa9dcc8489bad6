"""Images made smaller: ``squash``."""

from __future__ import annotations

import click

from scow.cli import names
from scow.cli.lazy import Command
from scow.cli.options import option, switch
from scow.cli.session import Session, pass_session


@click.command(
    "squash",
    cls=Command,
    help="Merge an image's layers above those of its base into one, so that what they overwrite and delete is gone. The"
    " base's layers stay as they are, and shared",
    examples="""
        scow squash app:1 --from debian:12 -t app:1-squashed
        scow squash app:1 -t app:flat
    """,
)
@click.argument("target", metavar="IMAGE", shell_complete=names.images)
@option("--from", "base", default="scratch", metavar="IMAGE", help="Keep this image's layers (default: merge all)")
@option("-t", "--tag", metavar="name", help="Name the new image")
@switch("-q", "--quiet", help="Only show the image ID")
@pass_session
def squash(session: Session, target: str, base: str, tag: str | None, quiet: bool) -> None:
    """``scow squash``."""
    squashed = session.engine.analysis.squash(target, base=base, tag=tag)
    if not quiet:
        from scow.cli.units import human_size

        sizes = f"{human_size(squashed.before)} -> {human_size(squashed.after)}"
        click.echo(f"{squashed.layers} layers merged into one: {sizes}", err=True)
    click.echo(squashed.id)
