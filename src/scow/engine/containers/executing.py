"""One more program in a container that runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from scow.engine.containers.records import Settings, State
from scow.errors import Conflict
from scow.oci.documents import decode, encode
from scow.runtime.spec.process import checked, environment, working_directory

if TYPE_CHECKING:
    from scow.oci.config import Process as ImageProcess
    from scow.runtime.bundle import Bundle
    from scow.runtime.child import Stdio
    from scow.runtime.joined import Joined
    from scow.runtime.runner import Runner
    from scow.runtime.spec.options import Options

#: What :func:`prepare` writes, in a container's bundle.
_BASE: Final = "joining.json"


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


def prepare(bundle: Bundle, image: ImageProcess, options: Options, runner: Runner) -> None:
    """Write into a container's bundle what programs start from that join it: ``process`` without arguments and
    terminal, the ``seccomp`` document, ``every`` capability that they may be given, and how it is kept apart.
    """
    from scow.runtime.bundle import held_capabilities

    probe = runner.probe
    process = {key: value for key, value in bundle.spec["process"].items() if key != "consoleSize"}
    env = environment(image.env or (), options.env, bundle.spec["hostname"], terminal=False)
    everything = held_capabilities(msgspec.structs.replace(options, cap_add=("ALL",), cap_drop=()), probe)
    held = {**process["capabilities"], "every": everything}
    if runner.without_devices:
        from scow.runtime.launcher.oci_runtime import without_mknod

        held = without_mknod(held)
    base = {
        "process": {**process, "args": [], "terminal": False, "env": env, "capabilities": held},
        "seccomp": bundle.spec["linux"].get("seccomp"),
        "every": held.pop("every"),
        "rootless": probe.rootless,
        "chroot": probe.rung == 4,
    }
    (bundle.directory / _BASE).write_bytes(encode(base))


def execute(home: Path, settings: Settings, state: State, execution: Execution, stdio: Stdio) -> Joined:
    """Start it; ``home`` is the container's directory. It goes on when this process ends."""
    from scow.runtime.joined import join

    size = None
    if execution.tty:
        from scow.runtime.terminal import size_of

        size = size_of(stdio.stdout)
    plan = {**joining_plan(home, settings, execution, size), "pid": state.pid, "born": state.born}
    return join({**plan, "ends_with_us": False}, stdio)


def joining_plan(
    home: Path, settings: Settings, execution: Execution, size: tuple[int, int] | None = None
) -> dict[str, Any]:
    """What a joiner (:mod:`scow.runtime.launcher.joining`) is told, but for which process it is."""
    try:
        base = decode((home / "bundle" / _BASE).read_bytes(), dict[str, Any], settings.id)
    except FileNotFoundError:
        raise Conflict("was started by another version of scow", subject=settings.id[:12], hint="restart it") from None
    process = _process(base, execution, size)
    return {
        "id": settings.id,
        "process": process,
        "spec": {"process": process, "linux": {"seccomp": None if execution.privileged else base["seccomp"]}},
        "rootless": base["rootless"],
        "chroot": base["chroot"],
    }


def _process(base: dict[str, Any], execution: Execution, size: tuple[int, int] | None) -> dict[str, Any]:
    process: dict[str, Any] = base["process"]
    asked = {
        "args": checked(execution.args),
        "env": environment(process["env"], execution.env, "", execution.tty),
        "cwd": working_directory(process["cwd"], execution.workdir),
        "terminal": execution.tty,
    }
    if execution.user:
        asked["user"] = {**process["user"], "username": execution.user}
    if execution.privileged:
        asked["capabilities"] = dict.fromkeys(process["capabilities"], base["every"])
    if size:
        asked["consoleSize"] = {"height": size[0], "width": size[1]}
    return {**process, **asked}
