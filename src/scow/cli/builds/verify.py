"""``build --verify IMAGE``: the image again from its sources, and every difference told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from scow.cli.builds import context as buildcontext
from scow.errors import NotFound, Unsupported

if TYPE_CHECKING:
    from scow.cli.builds.log import Log
    from scow.cli.session import Session
    from scow.image.difference import Difference

_SHOWN = 200
#: flags about what is left of a build
_NOTHING_LEFT = ("tag", "output", "push", "iidfile", "metadata_file", "cache_to")


def verify(session: Session, path: str, given: Mapping[str, Any], asked: dict[str, Any], log: Log) -> None:
    """Build without the cache and compare; the exit code is 1 when anything differs. Nothing new stays."""
    images, name, platform = session.engine.images, given["verify"], given["platform"]
    if any(given[name] for name in _NOTHING_LEFT) or (platform and "," in platform):
        raise Unsupported("--verify only compares: no -t, no --output, no files about the image, one platform")
    _bring(session, name, platform)
    options = {**asked, "use_cache": False, "stays": False}
    with images.held():
        with buildcontext.opened(path, given["file"], session.engine.root) as (root, dockerfile), log:
            built = images.build(
                root, dockerfile=dockerfile, **options, watch=log.watch, watch_pull=log.watch_pull, warn=log.warn
            )
        found = images.differences(name, str(built), platform=platform)
    for line in told(found):
        click.echo(line)
    if found:
        raise click.exceptions.Exit(1)
    click.echo(f"{name} is what these sources give: {built}")


def _bring(session: Session, name: str, platform: str | None) -> None:
    try:
        session.engine.images.find(name, platform)
    except NotFound:
        session.engine.images.pull(name, platform=platform)


def told(found: tuple[Difference, ...]) -> list[str]:
    """A line for each difference, beneath where it is."""
    lines: list[str] = []
    where = ""
    for one in found[:_SHOWN]:
        if one.where != where:
            where = one.where
            lines.append(f"{where}:")
        lines.append(f"  {_shown(one.what)}: {_shown(one.was) or '(nothing)'} -> {_shown(one.now) or '(nothing)'}")
    if len(found) > _SHOWN:
        lines.append(f"and {len(found) - _SHOWN} more")
    if found:
        lines.append(f"{len(found)} difference{'s' * (len(found) > 1)}")
    return lines


def _shown(text: str) -> str:
    """On one line, and moving no cursor."""
    from scow.cli.builds.log import plain

    return plain(" ".join(text.split()).encode("utf-8", "replace"))
