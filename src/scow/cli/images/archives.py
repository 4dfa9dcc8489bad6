"""Images and file systems as tar archives: ``save``, ``load``, ``import``, ``export``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from scow.cli import names, userfiles
from scow.cli.lazy import Command
from scow.cli.options import option, switch
from scow.cli.registries.transfers import LOAD, Transfer
from scow.cli.session import Session, pass_session
from scow.errors import Invalid, Unsupported

if TYPE_CHECKING:
    from scow.engine.values import Keep

_URLS = ("http://", "https://")


@click.command(
    "save",
    cls=Command,
    help="Save images to one tar archive (to standard output, unless -o), which docker, podman and skopeo load too",
    examples="""
        scow save -o app.tar app:1
        scow save app:1 app:2 | gzip > app.tar.gz
    """,
)
@names.targets("IMAGE", names.images)
@option("-o", "--output", metavar="string", help="Write to a file instead of standard output")
@option("--platform", metavar="string", help="Save the image for this platform only, not the whole index")
@pass_session
def save(session: Session, targets: tuple[str, ...], output: str | None, platform: str | None) -> None:
    """``scow save``."""
    with userfiles.sink(output) as file:
        session.engine.images.save(targets, file, platform=platform)


@click.command(
    "load",
    cls=Command,
    help="Load images from a tar archive (from standard input, unless -i): docker's or OCI's, compressed or not",
    examples="""
        scow load -i app.tar
        curl -s https://example.com/app.tar.gz | scow load
    """,
)
@option("-i", "--input", "source", metavar="string", help="Read from a tar archive file instead of standard input")
@option("--platform", metavar="string", help="Load the image for another platform than this machine's")
@option(
    "--keep",
    type=click.Choice(["both", "compressed", "unpacked"]),
    default="both",
    metavar="string",
    help="Keep of each layer its compressed blob only (compressed) and unpack it when it is needed, or both",
)
@switch("-q", "--quiet", help="Show no progress")
@pass_session
def load(session: Session, source: str | None, platform: str | None, keep: Keep, quiet: bool) -> None:
    """``scow load``."""
    if source is None and sys.stdin.isatty():
        raise Invalid("requested load from stdin, but stdin is empty", hint="name a file with -i")
    with (
        userfiles.source(source or "-") as archive,
        session.progress(quiet=quiet or not session.terminal) as display,
    ):
        transfer = Transfer(display, LOAD)
        loaded = session.engine.images.load(archive, platform=platform, keep=keep, watch=transfer)
    for name, image_id in loaded:
        click.echo(f"Loaded image: {name}" if name else f"Loaded image ID: {image_id}")


@click.command(
    "import",
    cls=Command,
    help="Make an image of one layer from a tar of a file system (a file, or - for standard input)",
    examples="""
        scow import rootfs.tar debian:mine
        scow import -c 'CMD ["/bin/sh"]' -m "from a backup" - backup:1 < backup.tar.xz
    """,
)
@click.argument("source", metavar="FILE|-")
@click.argument("name", required=False, metavar="[REPOSITORY[:TAG]]")
@option("-c", "--change", "changes", multiple=True, metavar="list", help="Apply a Dockerfile instruction to the image")
@option("-m", "--message", default="", metavar="string", help="Set the comment of the image's history")
@option("--platform", metavar="string", help="Say what the image runs on, if not this machine's platform")
@pass_session
def import_(
    session: Session, source: str, name: str | None, changes: tuple[str, ...], message: str, platform: str | None
) -> None:
    """``scow import``."""
    if source.startswith(_URLS):
        raise Unsupported("import from a URL is not supported", hint=f"curl -fsSL URL | scow import - {name or ''}")
    with userfiles.source(source) as archive:
        images = session.engine.images
        click.echo(images.import_(archive, name, changes=changes, message=message, platform=platform))


@click.command(
    "export",
    cls=Command,
    help="Export a container's file system as one flat tar archive (to standard output, unless -o)",
    examples="scow export -o rootfs.tar web",
)
@click.argument("name", metavar="CONTAINER", shell_complete=names.containers)
@option("-o", "--output", metavar="string", help="Write to a file instead of standard output")
@pass_session
def export(session: Session, name: str, output: str | None) -> None:
    """``scow export``."""
    with userfiles.sink(output) as file:
        session.engine.containers.export(name, file)
