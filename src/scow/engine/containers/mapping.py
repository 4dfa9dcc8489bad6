"""Which user namespace a command works in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from scow.engine.containers.records import ContainerRecords


def enter(root: Path) -> None:
    """Enter a user namespace with the user's subordinate ids, where there are any, or with all of root's, where it may
    not mount; the running containers' own one.

    For a process that does nothing else, before it has threads. Raises :class:`Denied` where the store is another's.
    """
    from scow.content.disk import check_owner
    from scow.runtime import spawn
    from scow.runtime.kernel import idmap
    from scow.runtime.probe import probe

    if os.geteuid() == 0 and probe().rung != 3:
        return
    check_owner(root)
    if idmap.enter(_running(root)):
        spawn.dismiss()
        probe.cache_clear()


def _running(root: Path) -> Iterator[int]:
    containers = ContainerRecords(root / "containers")
    for settings in containers:
        state = containers.state(settings.id)
        if state.status == "running" and state.pid:
            yield state.pid
