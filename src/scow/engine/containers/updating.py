"""``update``: a container's restart policy and its limits, also while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from scow.engine.containers import origins, stopping
from scow.engine.containers.records import ALIVE, Settings, State
from scow.errors import Conflict, Invalid
from scow.oci.known import known
from scow.runtime.kernel import cgroups
from scow.runtime.kernel.tasks import processes
from scow.runtime.spec import limits

if TYPE_CHECKING:
    from scow.engine.workplace import Workplace
    from scow.runtime.spec.options import Limits

_PASSES = 10  # a process may fork while the others are moved


def keep(workplace: Workplace, settings: Settings, restart: str) -> None:
    """Give it another restart policy. Raises :class:`Conflict`, :class:`~scow.errors.Invalid`."""
    from scow.runtime.spec.keeping import restart_policy

    policy, most = restart_policy(restart)
    if settings.keeping.remove and policy != "no":
        raise Conflict("Restart policy cannot be updated because AutoRemove is enabled for the container")
    workplace.containers.update(settings.id, lambda old: _with_policy(old, policy, most))
    stopping.tell(workplace, settings, {"update": {"restart": policy, "most": most}})


def _with_policy(settings: Settings, policy: str, most: int) -> Settings:
    keeping = msgspec.structs.replace(settings.keeping, restart=policy, most=most)
    return msgspec.structs.replace(settings, keeping=keeping)


def limit(workplace: Workplace, settings: Settings, change: Mapping[str, int | str]) -> None:
    """Give it other limits, at once when it runs; ``change`` names fields of its
    :class:`~scow.runtime.spec.options.Limits`.

    Raises :class:`~scow.errors.Invalid`, and :class:`~scow.errors.Unsupported` for what cannot be enforced now.
    """
    old = origins.options_of(settings).limits
    new = _changed(old, change)
    resources = limits.changed(old, new)
    state = workplace.containers.state(settings.id)
    if state.status in ALIVE and state.pid:
        _enforce(settings, state, resources)
    workplace.containers.update(settings.id, lambda old: _with_limits(old, change))
    stopping.tell(workplace, settings, {"limits": limits.resources(new)})


def _changed(old: Limits, change: Mapping[str, int | str]) -> Limits:
    if unknown := sorted(change.keys() - set(type(old).__struct_fields__)):
        raise Invalid("is no limit", subject=unknown[0], hint=f"there are {', '.join(type(old).__struct_fields__)}")
    try:
        return msgspec.convert({**msgspec.structs.asdict(old), **change}, known(type(old)))
    except msgspec.ValidationError as error:
        raise Invalid(str(error), subject="limits") from None


def _with_limits(settings: Settings, change: Mapping[str, int | str]) -> Settings:
    asked = _changed(origins.options_of(settings).limits, change)
    return msgspec.structs.replace(settings, spec={**settings.spec, "limits": msgspec.to_builtins(asked)})


def _enforce(settings: Settings, state: State, resources: dict[str, Any]) -> None:
    """Tell its cgroups; one that it lacks is made, and all of its processes go there."""
    from scow.runtime.bundle import check_limits
    from scow.runtime.child import told
    from scow.runtime.probe import probe
    from scow.runtime.wire import Refused

    path, delegated = limits.path(str(settings.spec.get("cgroup_parent", "")), settings.id), probe().rung != 1
    check_limits(resources, path, delegated=delegated)
    try:
        made = cgroups.make(resources, path, delegated, state.pid)
    except Refused as error:
        raise told(error.fields) from None
    try:
        _move(state.pid, made)
    finally:
        made.close()


def _move(pid: int, made: cgroups.Made) -> None:
    """Everything in the pid namespace of ``pid`` goes into the new cgroups."""
    moved: set[int] = set()
    for _ in range(_PASSES):
        left = set(processes(pid)) - moved
        for one in left:
            made.admit(one)
        moved |= left
        if not left:
            return
