"""What ``ps`` shows of a container: its settings, and how it is doing now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scow.engine.containers.records import ALIVE, Settings
from scow.engine.networks.records import published
from scow.engine.values import ContainerSummary
from scow.engine.volumes.verbs import mount_names, volume_names

if TYPE_CHECKING:
    from scow.engine.workplace import Workplace


def summary(workplace: Workplace, settings: Settings) -> ContainerSummary:
    """One row of ``ps``."""
    records = workplace.containers
    state = records.state(settings.id)
    return ContainerSummary(
        settings.id,
        settings.name,
        settings.image,
        settings.image_id,
        settings.args,
        settings.created,
        state.status,
        state.exit_code,
        state.started,
        state.finished,
        state.pid,
        settings.labels,
        state.health.status if state.health else "",
        published(settings.spec, records.home(settings.id)) if state.status in ALIVE else (),
        str(settings.spec.get("network", "host")),
        mount_names(settings.spec),
        tuple(volume_names(settings.spec)),
        tuple(mount["target"] for mount in settings.spec.get("mounts", ())),
    )
