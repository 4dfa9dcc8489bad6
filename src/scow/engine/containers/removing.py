"""Removing a container."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scow.engine.containers import stopping
from scow.engine.containers.records import ALIVE, Settings
from scow.engine.volumes.verbs import Volumes, volume_names
from scow.errors import Conflict

if TYPE_CHECKING:
    from scow.engine.workplace import Workplace

_KEPT = {
    "running": ("running", "Stop the container before attempting removal or force remove"),
    "paused": ("paused", "Unpause and then stop the container before attempting removal or force remove"),
    "restarting": ("restarting", "Stop the container before attempting removal or force remove"),
}


def remove(workplace: Workplace, settings: Settings, *, force: bool, volumes: bool) -> None:
    """Delete it, with ``volumes`` its anonymous ones too. Raises :class:`Conflict` while it runs, unless forced."""
    state = workplace.containers.state(settings.id)
    if state.status in ALIVE:
        if not force:
            kind, advice = _KEPT[state.status]
            raise Conflict(f"You cannot remove a {kind} container {settings.id}. {advice}")
        stopping.kill(workplace, settings)
    workplace.containers.remove(settings.id)
    stopping.sweep(settings)
    if volumes:
        Volumes(workplace).release(volume_names(settings.spec))
