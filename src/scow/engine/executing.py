"""One more program in a container that runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from scow.engine.origins import image_of, options_of
from scow.engine.records import Settings, State

if TYPE_CHECKING:
    from scow.engine.workplace import Workplace
    from scow.runtime.joined import Joined
    from scow.runtime.runner import Stdio


class Execution(msgspec.Struct, frozen=True):
    """What to execute: ``env`` entries are added to the container's; empty ``user`` and ``workdir`` are its own.

    ``privileged`` gives every capability and no filter of system calls.
    """

    args: tuple[str, ...]
    env: tuple[str, ...] = ()
    user: str = ""
    workdir: str = ""
    tty: bool = False
    privileged: bool = False


def execute(
    workplace: Workplace, settings: Settings, state: State, execution: Execution, stdio: Stdio, *, stays: bool
) -> Joined:
    """Start it; ``stays``: it goes on when this process ends."""
    from scow.runtime.joined import join

    size = None
    if execution.tty:
        from scow.runtime.terminal import size_of

        size = size_of(stdio.stdout)
    plan = {**joining_plan(workplace, settings, execution, size), "pid": state.pid, "born": state.born}
    return join({**plan, "ends_with_us": not stays}, stdio)


def joining_plan(
    workplace: Workplace, settings: Settings, execution: Execution, size: tuple[int, int] | None = None
) -> dict[str, Any]:
    """What a joiner (:mod:`scow.runtime.joining`) is told, but for which process it is."""
    from scow.runtime.bundle import describe
    from scow.runtime.probe import probe

    options = options_of(settings)
    asked = msgspec.structs.replace(
        options,
        args=execution.args,
        entrypoint=(),
        env=(*options.env, *execution.env),
        user=execution.user or options.user,
        workdir=execution.workdir or options.workdir,
        tty=execution.tty,
        cap_add=("ALL",) if execution.privileged else options.cap_add,
        cap_drop=() if execution.privileged else options.cap_drop,
    )
    here = probe()
    directory = workplace.containers.home(settings.id) / "bundle"
    spec = describe(directory, settings.id, image_of(workplace, settings).config.process, asked, here, size)
    process, linux = spec["process"], spec["linux"]
    if execution.privileged:
        linux = {**linux, "seccomp": None}
    return {
        "id": settings.id,
        "process": process,
        "spec": {"process": process, "linux": {"seccomp": linux.get("seccomp")}},
        "rootless": here.rootless,
        "chroot": here.rung == 4,
    }
