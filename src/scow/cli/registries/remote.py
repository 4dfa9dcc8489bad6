"""What only a registry knows: ``tags``, ``digest``, ``delete``."""

from __future__ import annotations

import click

from scow.cli import formats
from scow.cli.lazy import Command
from scow.cli.options import option
from scow.cli.session import Session, pass_session


@click.command(
    "tags",
    cls=Command,
    help="List the tags of a repository at its registry, one a line, in the registry's order",
    examples="""
        scow tags debian
        scow tags registry.example.com/team/app
    """,
)
@click.argument("name", metavar="REPOSITORY")
@pass_session
def tags(session: Session, name: str) -> None:
    """``scow tags``."""
    for tag in session.engine.registries.tags(name):
        click.echo(tag)


@click.command(
    "digest",
    cls=Command,
    help="Show the digest that a name means at its registry now: of the index, if it is one. Nothing is downloaded, and"
    " where pulls are counted this is none",
    examples="""
        scow digest debian:12
        scow digest --platform linux/arm64 debian:12
    """,
)
@click.argument("name", metavar="NAME[:TAG]")
@option("--platform", metavar="string", help="Show the digest of the image for this platform in the index")
@option("--format", "template", default="", metavar="string", help=formats.ONE)
@pass_session
def digest(session: Session, name: str, platform: str | None, template: str) -> None:
    """``scow digest``."""
    found = session.engine.registries.digest(name, platform=platform)
    if not template:
        click.echo(found.digest)
        return
    document = {"MediaType": found.media_type, "Digest": str(found.digest), "Size": found.size}
    click.echo(formats.one(document, template))


@click.command(
    "delete",
    cls=Command,
    help="Delete a tag at its registry or, by digest, a manifest with all its tags. Registries give room back when they"
    " collect what nothing needs; some must be told to allow this at all",
    examples="""
        scow delete registry.example.com/team/app:old
        scow delete registry.example.com/team/app@$(scow digest registry.example.com/team/app:old)
    """,
)
@click.argument("names", nargs=-1, required=True, metavar="NAME:TAG|NAME@DIGEST...")
@pass_session
def delete(session: Session, names: tuple[str, ...]) -> None:
    """``scow delete``: goes on after a name that cannot be deleted."""
    from scow.cli.targets import each

    each(names, lambda name: f"Deleted: {session.engine.registries.delete(name)}")
