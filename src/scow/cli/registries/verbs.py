"""``pull`` and ``push``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from scow.cli import names
from scow.cli.lazy import Command
from scow.cli.options import option, switch
from scow.cli.refused import refused, values
from scow.cli.registries.transfers import PULL, PUSH, Transfer
from scow.cli.session import Session, pass_session
from scow.errors import Invalid, NotFound
from scow.oci.reference import Reference

if TYPE_CHECKING:
    from scow.cli.progress import Display
    from scow.engine.values import Keep


@click.command(
    "pull",
    cls=Command,
    help="Download an image from a registry, and unpack it while it arrives",
    examples="""
        scow pull debian:12
        scow pull --platform linux/arm64 alpine
        scow pull --keep compressed debian:12
        scow pull localhost:5000/app@sha256:4f4fb700ef54461cfa02571ae0db9a0dc1e0cdb5577484a6d75e68dc38e8acc1
    """,
)
@click.argument("name", metavar="NAME[:TAG|@DIGEST]", shell_complete=names.images)
@switch("-a", "--all-tags", help="Download all tagged images in the repository")
@option("--platform", metavar="string", help="Take the image for another platform than this machine's")
@option(
    "--keep",
    type=click.Choice(["both", "compressed", "unpacked"]),
    default="both",
    metavar="string",
    help="Keep of each layer its compressed blob (and unpack it when it is needed), the unpacked files (and fetch the"
    " blob again when it is needed), or both",
)
@switch("-q", "--quiet", help="Only print the name")
@pass_session
def pull(session: Session, name: str, all_tags: bool, platform: str | None, keep: Keep, quiet: bool) -> None:
    """``scow pull``."""
    for one in _remote_tags(session, name) if all_tags else [_with_default_tag(name, quiet)]:
        with session.progress(quiet=quiet) as display:
            fetch(session, str(one), platform, display, keep)
    click.echo(str(_bare(name)) if all_tags else str(Reference.parse(name)))


def fetch(session: Session, name: str, platform: str | None, display: Display, keep: Keep = "both") -> None:
    """Pull one image and tell ``display`` all that ``scow pull`` says of it, but for the names around it."""
    reference = Reference.parse(name)
    transfer = Transfer(display, PULL, [f"{reference.selector}: Pulling from {reference.path}"])
    moved = session.engine.images.pull(str(reference), platform=platform, keep=keep, watch=transfer)
    transfer.begin()
    if moved.fresh:
        transfer.settle()
    news = "Downloaded newer image" if moved.fresh else "Image is up to date"
    display.update("", f"Digest: {moved.digest}")
    display.update("", f"Status: {news} for {reference.familiar}")


def _with_default_tag(name: str, quiet: bool) -> Reference:
    reference = Reference.parse(name, default_tag=None)
    if reference.tag is None and reference.digest is None:
        if not quiet:
            click.echo("Using default tag: latest")
        return reference.with_tag("latest")
    return reference


def _bare(name: str) -> Reference:
    reference = Reference.parse(name, default_tag=None)
    if reference.tag or reference.digest:
        raise Invalid("tag can't be used with --all-tags/-a", subject=name)
    return reference


def _remote_tags(session: Session, name: str) -> list[Reference]:
    reference = _bare(name)
    return [reference.with_tag(tag) for tag in session.engine.registries.tags(str(reference))]


@click.command(
    "push",
    cls=Command,
    help="Upload an image to the registry that its name says",
    examples="""
        scow tag app:1 registry.example.com/team/app:1
        scow push registry.example.com/team/app:1
    """,
)
@click.argument("name", metavar="NAME[:TAG]", shell_complete=names.images)
@switch("-a", "--all-tags", help="Upload all tags of the repository")
@refused(values("--platform", hint="scow copy --platform sends one of several"))
@switch("-q", "--quiet", help="Only print the name")
@pass_session
def push(session: Session, name: str, all_tags: bool, quiet: bool) -> None:
    """``scow push``."""
    for one in _local_tags(session, name) if all_tags else [_with_default_tag(name, quiet)]:
        with session.progress(quiet=quiet) as display:
            _push(session, one, display)
        if quiet:
            click.echo(str(one))


def _push(session: Session, reference: Reference, display: Display) -> None:
    transfer = Transfer(display, PUSH)
    display.update("", f"The push refers to repository [{reference.repository}]")
    moved = session.engine.images.push(str(reference), watch=transfer)
    transfer.settle()
    display.update("", f"{reference.tag}: digest: {moved.digest} size: {moved.size}")


def _local_tags(session: Session, name: str) -> list[Reference]:
    wanted = _bare(name)
    known = [Reference.parse(text) for image in session.engine.images.list() for text in image.names]
    found = [one for one in known if one.repository == wanted.repository and one.tag]
    if not found:
        raise NotFound(f"An image does not exist locally with the tag: {wanted.familiar_name}")
    return sorted(found, key=str)
