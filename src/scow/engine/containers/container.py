"""One container, as whoever made it holds it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from scow.engine.containers import origins, starting
from scow.engine.containers.records import Settings
from scow.engine.volumes.verbs import Volumes, volume_names
from scow.image.image import Image

if TYPE_CHECKING:
    from scow.engine.workplace import Workplace
    from scow.runtime.child import Stdio
    from scow.runtime.runner import Running
    from scow.runtime.session import Session
    from scow.runtime.spec.options import Options

_LAST = 5.0  # seconds


class Container:
    """A container that was made; :meth:`run` starts it and waits for its end."""

    def __init__(self, workplace: Workplace, settings: Settings, image: Image, options: Options) -> None:
        self.workplace, self.settings, self.image, self.options = workplace, settings, image, options

    def __repr__(self) -> str:
        return f"<Container {self.settings.name} {self.id[:12]}>"

    @property
    def id(self) -> str:
        """64 hex digits."""
        return self.settings.id

    @property
    def warnings(self) -> tuple[str, ...]:
        """What it will go without (``best_effort_limits``), and why."""
        from scow.runtime.spec.options import Limits

        if self.options.ports and self.options.network == "host":
            return ("Published ports are discarded when using host network mode",)
        if self.options.cgroup_parent and self.options.limits == Limits():
            return ("--cgroup-parent counts for nothing here: what nothing is limited of has no cgroup of its own",)
        if not self.options.best_effort_limits:
            return ()
        from scow.runtime.bundle import unenforceable
        from scow.runtime.probe import probe

        return tuple(f"a limit is not set: {why}" for why in unenforceable(self.options, probe()))

    def run(self, stdio: Stdio | None = None, *, started: Callable[[Running], None] = lambda running: None) -> int:
        """Start it, keep it and wait; returns its exit code (docker's: 126 and 127 when it could not be run).

        ``started`` is told of the running process, to send it signals. It ends with this process and has no log.
        Raises :class:`~scow.errors.Process` when the program cannot be run.
        """
        from scow.runtime.child import Stdio as Streams

        return starting.run_here(self.workplace, self.settings, stdio or Streams(), started)

    @property
    def ends_with_us(self) -> bool:
        """Whether nothing of it is asked for that takes a monitor: no log that lasts, no restarts, no health checks."""
        keeping = self.settings.keeping
        return keeping.remove and keeping.restart == "no" and not origins.health_of(self.workplace, self.settings)

    def start(self) -> None:
        """Start it with a monitor, which outlives this process, and return once its program runs."""
        starting.start_kept(self.workplace, self.settings, None).close()

    def begin(self, *, stdin: bool = False, output: bool = True) -> Session:
        """The same, attached to it from its first byte; with ``stdin``, the end of that ends its input."""
        return starting.start_kept(self.workplace, self.settings, {"stdin": stdin, "output": output})

    def remove(self) -> None:
        """Delete it with everything it wrote, its anonymous volumes too."""
        self.workplace.containers.ended(self.id, _LAST)  # what was killed is not gone at once
        self.workplace.containers.remove(self.id)
        if names := volume_names(self.settings.spec):
            Volumes(self.workplace).release(names)
