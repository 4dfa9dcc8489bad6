"""Starting a container: with this process as its keeper, or with a monitor that outlives it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scow.engine.containers.origins import health_of, image_of, options_of, place_of, stop_signal
from scow.engine.containers.records import Settings, State
from scow.engine.volumes.verbs import volume_names
from scow.errors import Unavailable
from scow.image.image import Image
from scow.image.writable import Writable
from scow.layer.rootfs import fleeting
from scow.runtime.kernel.tasks import born

if TYPE_CHECKING:
    from scow.engine.workplace import Workplace
    from scow.runtime.bundle import Bundle, Shared
    from scow.runtime.child import Stdio
    from scow.runtime.networking import Attachment
    from scow.runtime.runner import Runner, Running
    from scow.runtime.session import Session


def run_here(workplace: Workplace, settings: Settings, stdio: Stdio, started: Callable[[Running], None]) -> int:
    """Start it, keep it and wait; its exit code. ``started`` is told of what runs, to send it signals.

    Raises :class:`~scow.errors.Process` when its program cannot be run.
    """
    records = workplace.containers
    with made(workplace, settings) as (runner, bundle, kept):
        begun = now()
        try:
            running = runner.start(bundle, stdio, kept)
        except BaseException as error:
            code = getattr(error, "exit_code", 128)
            records.note(settings.id, State("created", 0, code, "", now(), error=str(error)))
            raise
        try:
            with contextlib.suppress(Unavailable):  # a disk that its program has filled
                records.note(settings.id, _running(running, begun))
            started(running)
            code = running.wait()
        except BaseException:
            running.kill()
            raise
        with contextlib.suppress(Unavailable):  # a full disk does not cost the exit code; it looks killed from now on
            records.note(settings.id, State("exited", 0, code, begun, now()))
    return code


def _running(running: Running, begun: str) -> State:
    pid, launcher = running.pid, running.launcher
    return State("running", pid, 0, begun, born=born(pid), launcher=launcher, launcher_born=born(launcher))


def start_kept(workplace: Workplace, settings: Settings, attach: dict[str, bool] | None) -> Session:
    """Start it with a monitor; the first line to that, attached to what ``attach`` says (None: to nothing).

    Raises as :func:`run_here`; its state is the monitor's to write.
    """
    from scow.runtime.session import begin

    with made(workplace, settings) as (runner, bundle, kept):
        plan = {
            "home": str(workplace.containers.home(settings.id)),
            "launch": runner.plan(bundle),
            "keep": _kept(workplace, settings),
            "attach": attach,
            "volumes": _anonymous(workplace, settings),
            "finished": workplace.containers.state(settings.id).finished,
        }
        return begin(plan, kept)


def _kept(workplace: Workplace, settings: Settings) -> dict[str, Any]:
    """What a monitor is told of how to keep it."""
    from scow.runtime.spec.keeping import told

    options = options_of(settings)
    return told(
        settings.keeping,
        _checking(workplace, settings),
        terminal=options.tty,
        stdin=options.interactive,
        stdin_once=settings.stdin_once,
        stop_signal=stop_signal(workplace, settings),
    )


def _anonymous(workplace: Workplace, settings: Settings) -> list[str]:
    """The directories of its anonymous volumes."""
    if not settings.keeping.remove:
        return []
    known = (workplace.volumes.find(name) for name in volume_names(settings.spec))
    root = workplace.root / "volumes"
    return [str(root / volume.name) for volume in known if volume and volume.anonymous]


def _checking(workplace: Workplace, settings: Settings) -> dict[str, Any] | None:
    """What a monitor is told of its health check, if there is one."""
    check = health_of(workplace, settings)
    if check is None:
        return None
    from scow.engine.containers.executing import Execution, joining_plan
    from scow.runtime.spec.keeping import check_arguments, health

    args = check_arguments(check, image_of(workplace, settings).config.process.shell)
    home = workplace.containers.home(settings.id)
    return health(check, joining_plan(home, settings, Execution(args)))


@contextlib.contextmanager
def made(workplace: Workplace, settings: Settings) -> Iterator[tuple[Runner, Bundle, int]]:
    """Its bundle, and its lock. The image's layers stay while this takes, and for the container's record then."""
    from scow.runtime.runner import Runner

    image = image_of(workplace, settings)
    workplace.store.used(image.descriptor)
    with workplace.store.layout.working(), workplace.containers.keeping(settings.id) as kept:
        runner = Runner(settings.runtime or workplace.runtime)
        place = place_of(workplace, settings, image)
        home = workplace.containers.home(settings.id)
        network = _network(workplace, settings, image)
        shared = _shared(workplace, settings)
        yield runner, _bundle(settings, image, home, place, runner, network, shared), kept


def _network(workplace: Workplace, settings: Settings, image: Image) -> Attachment | None:
    """Its own network, where it has one."""
    options = options_of(settings)
    if options.network in ("host", "none"):
        return None
    from scow.engine.containers.plugging import plugged

    return plugged(workplace, settings, image, options)


def _shared(workplace: Workplace, settings: Settings) -> Shared | None:
    """What it has of others, where it has."""
    options = options_of(settings)
    if not (options.pid or options.ipc):
        return None
    from scow.engine.containers.sharing import shared

    return shared(workplace, options)


def _bundle(
    settings: Settings, image: Image, home: Path, place: Writable, runner: Runner, network: Attachment | None,
    shared: Shared | None,
) -> Bundle:  # fmt: skip
    from scow.engine.containers.executing import prepare
    from scow.runtime.bundle import make_bundle

    options, process, size = options_of(settings), image.config.process, None
    if options.tty:
        from scow.runtime.terminal import size_of

        size = size_of(0)
    rootfs = fleeting(place.rootfs) if settings.keeping.remove else place.rootfs
    bundle = make_bundle(home / "bundle", settings.id, rootfs, process, options, runner.probe, size, network, shared)
    prepare(bundle, process, options, runner)
    return bundle


def now() -> str:
    """The time, as docker writes it down."""
    return datetime.fromtimestamp(time.time(), UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
