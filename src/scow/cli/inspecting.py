"""``inspect``: docker's JSON of anything there is, or what a template takes from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import click

from scow.cli import formats, names
from scow.cli.lazy import Command
from scow.cli.options import option, switch
from scow.cli.session import Session, pass_session
from scow.errors import Conflict, Invalid, NotFound, ScowError

if TYPE_CHECKING:
    from scow.cli.gotemplate.template import Template

Document = dict[str, Any]
Look = Callable[[str], Document]
_EXAMPLES = """
    scow inspect debian:12
    scow inspect -f '{{.Config.Env}}' debian:12
    scow inspect -f '{{range .RootFS.Layers}}{{println .}}{{end}}' debian:12
    scow inspect -f '{{json .State}}' web
"""


def _everything(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    kinds = (names.containers, names.images, names.networks, names.volumes)
    return [name for kind in kinds for name in kind(ctx, param, incomplete)]


_TYPES = "container, image, network or volume"
_PLATFORM = option("--platform", metavar="string", help="Look at the image for this platform in an index")


@click.command(
    "inspect",
    cls=Command,
    help="Show all that is known of containers, images, networks or volumes, as JSON",
    examples=_EXAMPLES,
)
@names.targets("NAME|ID", _everything)
@formats.of_one
@switch("-s", "--size", help="Show total file sizes of containers")
@option("--type", "kind", default="", metavar="string", help=f"Only look for things of this type: {_TYPES}")
@_PLATFORM
@pass_session
def inspect(
    session: Session, targets: tuple[str, ...], template: str, size: bool, kind: str, platform: str | None
) -> None:
    """``scow inspect``."""
    looks = {
        "container": _containers(session, size=size),
        "image": _images(session, platform),
        "network": lambda name: session.engine.networks.inspect(name),
        "volume": lambda name: session.engine.volumes.inspect(name),
    }
    if kind and kind not in looks:
        raise Invalid(f'"{kind}" is not a valid value for --type', hint=_TYPES)
    chosen = kind or ("image" if platform else "")
    show(targets, template, looks[chosen] if chosen else _any(looks.values()))


@click.command(
    "inspect",
    cls=Command,
    help="Show all that is known of images, as JSON",
    examples="scow image inspect -f '{{.Config.Env}}' debian:12",
)
@names.targets("IMAGE", names.images)
@formats.of_one
@_PLATFORM
@pass_session
def inspect_image(session: Session, targets: tuple[str, ...], template: str, platform: str | None) -> None:
    """``scow image inspect``."""
    show(targets, template, _images(session, platform))


@click.command(
    "inspect",
    cls=Command,
    help="Show all that is known of containers, as JSON",
    examples="scow container inspect -f '{{.State.ExitCode}}' web",
)
@names.targets("CONTAINER", names.containers)
@formats.of_one
@switch("-s", "--size", help="Show total file sizes")
@pass_session
def inspect_container(session: Session, targets: tuple[str, ...], template: str, size: bool) -> None:
    """``scow container inspect``."""
    show(targets, template, _containers(session, size=size))


def _images(session: Session, platform: str | None) -> Look:
    return lambda name: session.engine.images.inspect(name, platform)


def _containers(session: Session, *, size: bool) -> Look:
    def look(name: str) -> Document:
        document = session.engine.containers.inspect(name)
        return {**document, **_sizes(session, document)} if size else document

    return look


def _sizes(session: Session, document: Document) -> Document:
    """docker's ``SizeRw`` (what the container wrote) and ``SizeRootFs`` (that and its image), in bytes."""
    own = session.engine.containers.written(document["Id"])
    return {"SizeRw": own, "SizeRootFs": own + session.engine.images.inspect(document["Image"])["Size"]}


def _any(looks: Iterable[Look]) -> Look:
    """The first thing of that name, in docker's order."""
    everywhere = tuple(looks)

    def look(name: str) -> Document:
        for one in everywhere:
            try:
                return one(name)
            except NotFound:
                continue
        raise NotFound(f"No such object: {name}")

    return look


def show(targets: Iterable[str], template: str, look: Look) -> None:
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
    click.get_current_context().exit(1 if missing else 0)


def _printer(template: str) -> Callable[[list[Document]], str]:
    """All documents → their text, without its last newline."""
    if not template:
        return _indented
    if template == "json":
        from scow.cli.gotemplate.gojson import to_json

        return to_json
    from scow.cli.gotemplate import template as gotemplate

    compiled = gotemplate.compile(template)
    return lambda found: "\n".join(_rendered(compiled, document) for document in found)


def _rendered(template: Template, document: Document) -> str:
    """What a script asks of a field that is not set is no mistake, as it is none of docker's."""
    from scow.cli.unset import typed, with_unset

    try:
        return template.render(typed(document))
    except Invalid:
        return template.render(with_unset(typed(document)))


def _indented(found: list[Document]) -> str:
    return formats.as_json(found, 4)
