"""Which user namespace a command of an ordinary user works in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from scow.engine.containers.records import ContainerRecords


def enter(root: Path) -> None:
    """Enter a user namespace with the user's subordinate ids, where there are any; the running containers' own one.

    For a process that does nothing else, before it has threads. Raises :class:`Denied` where the store is another's.
    """
    from scow.content.disk import check_owner
    from scow.runtime.kernel import idmap

    check_owner(root)
    idmap.enter(_running(root))


def _running(root: Path) -> Iterator[int]:
    containers = ContainerRecords(root / "containers")
    for settings in containers:
        state = containers.state(settings.id)
        if state.status == "running" and state.pid:
            yield state.pid
