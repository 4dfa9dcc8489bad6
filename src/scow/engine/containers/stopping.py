"""Signals to a container and its end: through its monitor, or directly where the command that started it keeps it."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import TYPE_CHECKING

from scow.engine.containers import origins
from scow.engine.containers.pausing import unpause
from scow.engine.containers.records import ALIVE, Settings, State
from scow.errors import Conflict, NotFound, Unavailable
from scow.runtime.kernel.tasks import born
from scow.runtime.spec.signals import signal_number

if TYPE_CHECKING:
    from scow.engine.workplace import Workplace

PATIENCE = 10
"""Seconds that a container has to follow its stop signal, unless somebody says otherwise."""
_LAST = 5.0


def send(workplace: Workplace, settings: Settings, state: State, number: int) -> None:
    """Send its first process a signal, and let nothing restart it after the end that may follow."""
    if not tell(workplace, settings, {"stop": True, "signal": int(number)}):
        _directly(state.pid, state.born, number)
    if state.status == "paused":  # the signal waits for that
        with contextlib.suppress(Conflict, OSError):
            unpause(workplace, settings)


def stop(workplace: Workplace, settings: Settings, name: str, timeout: int | None) -> None:
    """Ask it to end, and end it when ``timeout`` seconds did not help."""
    records = workplace.containers
    state = records.state(settings.id)
    if state.status not in ALIVE:
        return
    number = signal_number(name) if name else origins.stop_signal(workplace, settings)
    patience = next((one for one in (timeout, settings.keeping.stop_timeout) if one is not None), PATIENCE)
    send(workplace, settings, state, number)
    if not records.ended(settings.id, None if patience < 0 else patience):
        kill(workplace, settings)


def kill(workplace: Workplace, settings: Settings) -> None:
    """End it with everything it started, whatever state it and its monitor are in."""
    records = workplace.containers
    state = records.state(settings.id)
    if state.pid or state.monitor:
        with contextlib.suppress(Unavailable):
            send(workplace, settings, state, signal.SIGKILL)
    if records.ended(settings.id, _LAST):
        return
    state = records.state(settings.id)  # which may be another run by now
    _directly(state.monitor, state.monitor_born, signal.SIGKILL)
    _directly(state.launcher, state.launcher_born, signal.SIGKILL)  # with it, the supervisor and all below it
    if not records.ended(settings.id, _LAST):
        raise Conflict("container does not end", subject=settings.id[:12])
    sweep(settings, _LAST)  # nobody else is left to do it


def wait(workplace: Workplace, settings: Settings) -> int:
    """Wait for the end of this run; its exit code."""
    from scow.runtime.session import Session

    records = workplace.containers
    if records.state(settings.id).status not in ALIVE:
        return records.state(settings.id).exit_code
    try:
        return Session.to(records.home(settings.id), {"wait": True}).wait()
    except NotFound:
        records.ended(settings.id, None)
        return records.state(settings.id).exit_code


def tell(workplace: Workplace, settings: Settings, message: dict[str, object]) -> bool:
    """Send its monitor a message. Whether there is a monitor; it has heard the message then."""
    from scow.runtime.session import Session

    try:
        Session.to(workplace.containers.home(settings.id), message).close()
    except NotFound:
        return False
    return True


def _directly(pid: int, since: int, number: int) -> None:
    """By a descriptor of the process, so that no other one can have taken its number."""
    if not pid:
        return
    with contextlib.suppress(ProcessLookupError):
        fd = os.pidfd_open(pid)
        try:
            if born(pid) == since:
                signal.pidfd_send_signal(fd, number)
        finally:
            os.close(fd)


def sweep(settings: Settings, patience: float = 0.0) -> None:
    """Take away the cgroups of a container whose launcher was killed before it could, within so many seconds."""
    from scow.runtime.kernel import cgroups
    from scow.runtime.spec import limits

    cgroups.remove(cgroups.directories(limits.path(str(settings.spec.get("cgroup_parent", "")), settings.id)), patience)
