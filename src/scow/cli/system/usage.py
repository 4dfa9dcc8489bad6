"""``system df -v``: every image, container and piece of the build cache with its bytes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from scow.cli import table
from scow.cli.images import listing
from scow.cli.images.choosing import Choice
from scow.cli.units import human_duration, human_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scow.cli.table import Row
    from scow.engine import Engine

_IMAGES = (
    ("REPOSITORY", "Repository"),
    ("TAG", "Tag"),
    ("IMAGE ID", "ID"),
    ("CREATED", "CreatedSince"),
    ("LAST USED", "LastUsed"),
    ("SIZE", "Size"),
    ("CONTAINERS", "Containers"),
)
_CONTAINERS = (
    ("CONTAINER ID", "ID"),
    ("IMAGE", "Image"),
    ("COMMAND", "Command"),
    ("SIZE", "Size"),
    ("CREATED", "Created"),
    ("STATUS", "Status"),
    ("NAMES", "Names"),
)


def verbose_text(engine: Engine) -> str:
    """The tables, as docker prints them."""
    total = next(one for one in engine.system.usage() if one.kind == "Build Cache")
    return (
        "Images space usage:\n\n"
        + table.render(_images(engine, time.time()), _IMAGES)
        + "\nContainers space usage:\n\n"
        + table.render(_containers(engine, time.time()), _CONTAINERS)
        + f"\nBuild cache usage: {human_size(total.size)} in {total.total} records\n"
        + "\nThe whole store:\n\n"
        + _whole(engine)
    )


def _whole(engine: Engine) -> str:
    """Every part of the store, and what they add up to."""
    parts = engine.system.parts()
    rows = [{"Part": part.name, "Size": human_size(part.size, 4)} for part in parts]
    total = human_size(sum(part.size for part in parts), 4)
    return table.render([*rows, {"Part": "Total", "Size": total}], (("PART", "Part"), ("SIZE", "Size")))


def _images(engine: Engine, now: float) -> Iterator[Row]:
    used = engine.images.last_used()
    for one in engine.images.list():
        last = f"{human_duration(now - used.get(one.id, now))} ago"
        for row in listing.image_rows([Choice(one, one.names)], now, whole=False, digests=False):
            yield {**row, "LastUsed": last}


def _containers(engine: Engine, now: float) -> Iterator[Row]:
    from scow.cli.containers.rows import status

    for one in engine.containers.list():
        yield {
            "ID": one.id[:12],
            "Image": one.image,
            "Command": f'"{" ".join(one.command)[:20]}"',
            "Size": human_size(engine.containers.written(one.id)),
            "Created": listing.since(one.created, now),
            "Status": status(one, now),
            "Names": one.name,
        }
