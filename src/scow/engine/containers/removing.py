"""Removing a container."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scow.engine.containers import stopping
from scow.engine.containers.records import ALIVE, Settings
from scow.engine.volumes.verbs import Volumes, volume_names
from scow.errors import Conflict

if TYPE_CHECKING:
    from scow.engine.workplace import Workplace


def remove(workplace: Workplace, settings: Settings, *, force: bool, volumes: bool) -> None:
    """Delete it, with ``volumes`` its anonymous ones too. Raises :class:`Conflict` while it runs, unless forced."""
    _end(workplace, settings, force=force)
    try:
        workplace.containers.remove(settings.id)
    except Conflict:
        _end(workplace, settings, force=force)  # somebody started it meanwhile
        if not force:
            raise
        workplace.containers.tear(settings.id)
    stopping.sweep(settings)
    if volumes:
        Volumes(workplace).release(volume_names(settings.spec))


def _end(workplace: Workplace, settings: Settings, *, force: bool) -> None:
    """See that it does not run. Raises :class:`Conflict` when it does, unless it may be ended."""
    state = workplace.containers.state(settings.id)
    if state.status not in ALIVE:
        return
    if not force:
        first = "Unpause and then stop" if state.status == "paused" else "Stop"
        advice = f"{first} the container before attempting removal or force remove"
        problem = f"You cannot remove a {state.status} container {settings.id}. {advice}"
        raise Conflict(problem, subject=settings.id, named=True)
    stopping.kill(workplace, settings)
