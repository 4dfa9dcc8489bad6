"""``system df -v``: every image, container and piece of the build cache with its bytes."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from scow.cli import formats, table
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
    ("LOCAL VOLUMES", "LocalVolumes"),
    ("SIZE", "Size"),
    ("CREATED", "RunningFor"),
    ("STATUS", "Status"),
    ("NAMES", "Names"),
)
_VOLUMES = (("VOLUME NAME", "Name"), ("LINKS", "Links"), ("SIZE", "Size"))


def verbose_text(engine: Engine, template: str) -> str:
    """The tables, as docker prints them; or what ``template`` makes of their rows, all in one document."""
    if template and template != "table":
        return f"{formats.one(_document(engine, time.time()), template)}\n"
    now = time.time()
    total = next(one for one in engine.system.usage() if one.kind == "Build Cache")
    return (
        "Images space usage:\n\n"
        + table.render(_images(engine, now, whole=False), _IMAGES)
        + "\nContainers space usage:\n\n"
        + table.render(_containers(engine, now, whole=False), _CONTAINERS)
        + "\nLocal Volumes space usage:\n\n"
        + table.render(_volumes(engine), _VOLUMES)
        + f"\nBuild cache usage: {human_size(total.size)} in {total.total} records\n"
        + "\nThe whole store:\n\n"
        + _whole(engine)
    )


def _document(engine: Engine, now: float) -> dict[str, list[Row]]:
    """Under docker's names."""
    from scow.cli.builds import builder

    return {
        "Images": list(_images(engine, now, whole=True)),
        "Containers": list(_containers(engine, now, whole=True)),
        "Volumes": list(_volumes(engine)),
        "BuildCache": list(builder.rows(engine.system.cache(), now, whole=True)),
    }


def _whole(engine: Engine) -> str:
    """Every part of the store, and what they add up to."""
    parts = engine.system.parts()
    rows = [{"Part": part.name, "Size": human_size(part.size, 4)} for part in parts]
    total = human_size(sum(part.size for part in parts), 4)
    return table.render([*rows, {"Part": "Total", "Size": total}], (("PART", "Part"), ("SIZE", "Size")))


def _images(engine: Engine, now: float, *, whole: bool) -> Iterator[Row]:
    used = engine.images.last_used()
    for one in engine.images.list():
        last = f"{human_duration(now - used.get(one.id, now))} ago"
        for row in listing.image_rows([Choice(one, one.names)], now, whole=whole, digests=False):
            yield {**row, "LastUsed": last}


def _containers(engine: Engine, now: float, *, whole: bool) -> Iterator[Row]:
    from scow.cli.containers import rows

    found = engine.containers.list()
    written = {one.id: (engine.containers.written(one.id), 0) for one in found}
    zone = datetime.now().astimezone().tzinfo or UTC
    return rows.rows(found, now, zone, whole=whole, sizes=written)


def _volumes(engine: Engine) -> Iterator[Row]:
    from scow.cli.volumes import rows

    found = engine.volumes.list()
    sizes = {one.name: engine.volumes.size(one.name) for one in found}
    return rows(found, sizes)
