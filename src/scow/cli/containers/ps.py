"""``ps``."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click
import msgspec

from scow.cli import formats
from scow.cli.lazy import Command
from scow.cli.options import option, switch
from scow.cli.session import Session, pass_session
from scow.errors import ScowError

if TYPE_CHECKING:
    from scow.engine import Engine
    from scow.engine.values import ContainerSummary


@click.command(
    "ps",
    cls=Command,
    help="List containers that run; with -a, all of them",
    examples="""
        scow ps -a
        scow ps -aq --filter status=exited --filter ancestor=debian:12
        scow ps -a --format '{{.Names}}: {{.Status}}'
    """,
)
@switch("-a", "--all", "every", help="Show all containers (default shows just running)")
@option(
    "-f",
    "--filter",
    "filters",
    multiple=True,
    metavar="filter",
    help="Show only some: status, name, id, label=KEY[=VALUE], ancestor=IMAGE, exited=CODE, health, before, since, "
    "volume, network, publish=PORT, expose=PORT",
)
@formats.of_list
@option("-n", "--last", type=int, default=-1, help="Show the last created containers, in any state")
@switch("-l", "--latest", help="Show the last created container, in any state")
@switch("--no-trunc", "whole", help="Don't truncate output")
@switch("-q", "--quiet", help="Only display container IDs")
@switch("-s", "--size", help="Display total file sizes")
@pass_session
def ps(
    session: Session, every: bool, filters: tuple[str, ...], template: str, last: int, latest: bool, whole: bool,
    quiet: bool, size: bool,
) -> None:  # fmt: skip
    """``scow ps``."""
    from scow.cli import table
    from scow.cli.containers import rows as containerrows
    from scow.cli.filters import parse_filters

    asked = parse_filters(filters, containerrows.FILTERS)
    limit = 1 if latest and last < 0 else last
    engine = session.engine
    found = containerrows.chosen(
        engine.containers.list(), asked, every=every or limit > 0, image_id=lambda name: _image_id(engine, name),
        exposed=lambda name: engine.containers.inspect(name)["Config"].get("ExposedPorts") or (),
    )  # fmt: skip
    found = found[:limit] if limit > 0 else found
    zone = datetime.now().astimezone().tzinfo or UTC
    sized = _sizes(engine, found) if size or ".Size" in template or "json ." in template else None
    platforms = _platforms(engine, found, template)
    rows = containerrows.rows(found, time.time(), zone, whole=whole, sizes=sized, platforms=platforms)
    columns = [*containerrows.COLUMNS, *([containerrows.SIZE] if size else [])]
    if quiet and template:
        click.echo("WARNING: Ignoring custom format, because both --format and --quiet are set.", err=True)
        template = ""
    click.echo(table.render(rows, columns, template, quiet=quiet, headers=containerrows.HEADERS), nl=False)


def _image_id(engine: Engine, name: str) -> str | None:
    try:
        return engine.images.find(name).image.id
    except ScowError:
        return None


def _platforms(engine: Engine, containers: Sequence[ContainerSummary], template: str) -> dict[str, object]:
    """Id -> platform where it is asked for: a text, in JSON the platform's fields, as docker has it."""
    if "Platform" not in template and "json" not in template:
        return {}
    found: dict[str, object] = {}
    for one in containers:
        with contextlib.suppress(ScowError):  # of an image that cannot be read
            platform = engine.containers.open(one.id).image.config.platform
            found[one.id] = msgspec.to_builtins(platform) if "json" in template else str(platform)
    return found


def _sizes(engine: Engine, containers: Sequence[ContainerSummary]) -> dict[str, tuple[int, int]]:
    images = {str(one.id): one.size for one in engine.images.list()}
    written = {one.id: engine.containers.written(one.id) for one in containers}
    return {one.id: (written[one.id], written[one.id] + images.get(one.image_id, 0)) for one in containers}
