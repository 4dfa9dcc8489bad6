"""Pausing a container, and what says that it is paused: a file beside its state, which only its end takes away."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from scow.engine.containers.records import Settings
from scow.errors import Conflict

if TYPE_CHECKING:
    from scow.engine.workplace import Workplace


def pause(workplace: Workplace, settings: Settings) -> str:
    """Hold it; returns by what (:func:`scow.runtime.kernel.freezing.freeze`).

    Raises :class:`Conflict` when it cannot be.
    """
    from scow.runtime.kernel.freezing import freeze

    state = workplace.containers.state(settings.id)
    if state.status == "paused":
        raise Conflict(f"Container {settings.id} is already paused", subject=settings.id, named=True)
    if state.status != "running":
        raise Conflict(f"Container {settings.id} is not running", subject=settings.id, named=True)
    how = freeze(state.pid)
    workplace.containers.mark_paused(settings.id, paused=True)
    return how


def unpause(workplace: Workplace, settings: Settings) -> None:
    """Let it go on."""
    from scow.runtime.kernel.freezing import thaw

    state = workplace.containers.state(settings.id)
    if state.status != "paused":
        raise Conflict(f"Container {settings.id} is not paused", subject=settings.id, named=True)
    thaw(state.pid)
    workplace.containers.mark_paused(settings.id, paused=False)


@contextlib.contextmanager
def held(workplace: Workplace, settings: Settings, *, wanted: bool) -> Iterator[None]:
    """It does not move meanwhile, if it runs and that is ``wanted``."""
    if not wanted or workplace.containers.state(settings.id).status != "running":
        yield
        return
    try:
        pause(workplace, settings)
    except Conflict:
        if workplace.containers.state(settings.id).status == "running":
            raise
        yield  # it ended, or somebody else paused it
        return
    try:
        yield
    finally:
        with contextlib.suppress(Conflict):  # nor is it paused any more
            unpause(workplace, settings)
