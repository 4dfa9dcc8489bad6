"""What a container shares with another one: seen to when it is made, looked up when it starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from scow.engine.containers.origins import options_of
from scow.errors import Conflict, Invalid
from scow.runtime.bundle import Shared
from scow.runtime.spec.document import CONTAINER

if TYPE_CHECKING:
    from scow.engine.workplace import Workplace
    from scow.runtime.spec.options import Options

_IPC = frozenset({"", "host", "none", "private", "shareable"})


def resolved(workplace: Workplace, options: Options) -> Options:
    """The options with other containers by their ids. Raises :class:`Invalid` for a mode that there is not,
    :class:`NotFound` for a container, :class:`Conflict` for one that shares nothing.
    """
    changed = {}
    for field, known in (("pid", {"", "host"}), ("ipc", _IPC)):
        mode = getattr(options, field)
        if mode in known:
            continue
        name = mode.removeprefix(CONTAINER)
        if name == mode or not name:
            raise Invalid(f"invalid {field.upper()} mode: {mode}")
        other = workplace.containers.find(name)
        if field == "ipc" and options_of(other).ipc != "shareable":
            hint = f"make {name} with --ipc shareable"
            raise Conflict(f"can't join IPC of container {other.id}: non-shareable IPC", hint=hint)
        changed[field] = CONTAINER + other.id
    return msgspec.structs.replace(options, **changed)


def shared(workplace: Workplace, options: Options) -> Shared | None:
    """What a container that starts now shares. Raises :class:`Conflict` when the other one does not run."""
    pid = _process(workplace, options.pid, "PID")
    ipc = _process(workplace, options.ipc, "IPC")
    if options.pid == "host":
        return Shared("host", ipc)
    return Shared(pid or "", ipc) if pid or ipc else None


def _process(workplace: Workplace, mode: str, kind: str) -> tuple[int, int] | None:
    name = mode.removeprefix(CONTAINER)
    if name == mode:
        return None
    other = workplace.containers.find(name)
    state = workplace.containers.state(other.id)
    if state.status != "running" or not state.pid:
        raise Conflict(f"can't join {kind} of container {other.id}: it is not running")
    return state.pid, state.born
