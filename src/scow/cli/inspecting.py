"""``inspect``: docker's JSON of images and containers, or what a template takes from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import click

from scow.cli import formats, names
from scow.cli.lazy import Command
from scow.cli.options import option, switch
from scow.cli.session import Session
from scow.errors import Conflict, Invalid, NotFound, ScowError

Document = dict[str, Any]
Look = Callable[[str], Document]
_EXAMPLES = """
    scow inspect debian:12
    scow inspect -f '{{.Config.Env}}' debian:12
    scow inspect -f '{{range .RootFS.Layers}}{{println .}}{{end}}' debian:12
    scow inspect -f '{{json .State}}' web
"""


def _everything(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    return names.images(ctx, param, incomplete) + names.containers(ctx, param, incomplete)


_PLATFORM = option("--platform", metavar="string", help="Look at the image for this platform in an index")


@click.command(
    "inspect", cls=Command, help="Show all that is known of images or containers, as JSON", examples=_EXAMPLES
)
@click.argument("targets", nargs=-1, required=True, metavar="NAME|ID [NAME|ID...]", shell_complete=_everything)
@option("-f", "--format", "template", default="", metavar="string", help=formats.ONE)
@switch("-s", "--size", help="Show total file sizes of containers")
@option("--type", "kind", default="", metavar="string", help="Only look for things of this type: image or container")
@_PLATFORM
@click.pass_context
def inspect(
    context: click.Context, targets: tuple[str, ...], template: str, size: bool, kind: str, platform: str | None
) -> None:
    """``scow inspect``."""
    session = context.ensure_object(Session)
    if kind not in ("", "image", "container"):
        raise Invalid(f'"{kind}" is not a valid value for --type', hint="image or container")
    images = _images(session, platform)
    looks = {"image": images, "container": _containers(session, size=size), "": _any(session, size=size)}
    if platform:
        looks[""] = images
    show(context, targets, template, looks[kind])


@click.command(
    "inspect",
    cls=Command,
    help="Show all that is known of images, as JSON",
    examples="scow image inspect -f '{{.Config.Env}}' debian:12",
)
@click.argument("targets", nargs=-1, required=True, metavar="IMAGE [IMAGE...]", shell_complete=names.images)
@option("-f", "--format", "template", default="", metavar="string", help=formats.ONE)
@_PLATFORM
@click.pass_context
def inspect_image(context: click.Context, targets: tuple[str, ...], template: str, platform: str | None) -> None:
    """``scow image inspect``."""
    show(context, targets, template, _images(context.ensure_object(Session), platform))


@click.command(
    "inspect",
    cls=Command,
    help="Show all that is known of containers, as JSON",
    examples="scow container inspect -f '{{.State.ExitCode}}' web",
)
@click.argument("targets", nargs=-1, required=True, metavar="CONTAINER [CONTAINER...]", shell_complete=names.containers)
@option("-f", "--format", "template", default="", metavar="string", help=formats.ONE)
@switch("-s", "--size", help="Show total file sizes")
@click.pass_context
def inspect_container(context: click.Context, targets: tuple[str, ...], template: str, size: bool) -> None:
    """``scow container inspect``."""
    show(context, targets, template, _containers(context.ensure_object(Session), size=size))


def _images(session: Session, platform: str | None = None) -> Look:
    return lambda name: session.engine.images.inspect(name, platform)


def _containers(session: Session, *, size: bool) -> Look:
    def look(name: str) -> Document:
        document = session.engine.containers.inspect(name)
        return {**document, **_sizes(session, document)} if size else document

    return look


def _sizes(session: Session, document: Document) -> Document:
    """docker's ``SizeRw`` (what the container wrote) and ``SizeRootFs`` (that and its image), in bytes."""
    from pathlib import Path

    from scow.layer.store import disk_usage

    own = disk_usage(Path(document["GraphDriver"]["Data"]["UpperDir"]))
    return {"SizeRw": own, "SizeRootFs": own + session.engine.images.inspect(document["Image"])["Size"]}


def _any(session: Session, *, size: bool) -> Look:
    """A container of that name, else an image."""
    container, image = _containers(session, size=size), _images(session)

    def look(name: str) -> Document:
        for one in (container, image):
            try:
                return one(name)
            except NotFound:
                continue
        raise NotFound(f"No such object: {name}")

    return look


def show(context: click.Context, targets: Iterable[str], template: str, look: Look) -> None:
    """Print what was found; what was not is told on standard error, and the exit code is 1."""
    printer = _printer(template)
    found: list[Document] = []
    missing: list[ScowError] = []
    for name in targets:
        try:
            found.append(look(name))
        except (NotFound, Conflict, Invalid) as error:
            missing.append(error)
    click.echo(printer(found))
    for one in missing:
        click.echo(f"Error: {one}", err=True)
    context.exit(1 if missing else 0)


def _printer(template: str) -> Callable[[list[Document]], str]:
    """All documents → their text, without its last newline."""
    if not template:
        return _indented
    if template == "json":
        from scow.cli.gotemplate.gojson import to_json

        return to_json
    from scow.cli.gotemplate import template as gotemplate

    compiled = gotemplate.compile(template)
    return lambda found: "\n".join(compiled.render(document) for document in found)


def _indented(found: list[Document]) -> str:
    import json

    return json.dumps(found, indent=4, ensure_ascii=False)
