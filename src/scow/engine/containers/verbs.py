"""Container verbs of the library."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec

from scow.engine.containers.records import ALIVE, Settings, State
from scow.engine.outputs import whole
from scow.engine.texts import several
from scow.engine.workplace import Noun
from scow.errors import Conflict, Invalid, NotFound, Unsupported
from scow.runtime.spec.keeping import Keeping

if TYPE_CHECKING:
    from scow.engine.containers.committing import Change
    from scow.engine.containers.container import Container
    from scow.engine.containers.executing import Execution
    from scow.engine.containers.logs import Line
    from scow.engine.containers.stats import Stats
    from scow.engine.containers.tops import Table
    from scow.engine.values import ContainerSummary
    from scow.engine.workplace import Workplace
    from scow.oci.digest import Digest
    from scow.runtime.child import Stdio
    from scow.runtime.joined import Joined
    from scow.runtime.session import Session
    from scow.runtime.spec.options import Options

_UP = ("running", "restarting")


class Containers(Noun):
    """``engine.containers``."""

    def __init__(self, workplace: Workplace) -> None:
        super().__init__(workplace)
        self._records = workplace.containers

    def create(
        self,
        image: str,
        options: Options | None = None,
        *,
        name: str | None = None,
        labels: Mapping[str, str] | None = None,
        keeping: Keeping | None = None,
        stdin_once: bool = False,
    ) -> Container:
        """Make a container of ``image``, which is in the store; it is not started. ``stdin_once``: its input ends with
        the first who is attached to that.

        Raises :class:`~scow.errors.NotFound`, or ``AlreadyExists`` for a name that is taken.
        """
        from scow.engine.containers.creating import checked_options, create
        from scow.runtime.spec.options import Options as RuntimeOptions

        asked, keeping = options or RuntimeOptions(), keeping or Keeping()
        for field in ("args", "entrypoint", "env"):
            several(field, getattr(asked, field) or ())
        asked = checked_options(asked)
        return create(self._workplace, image, asked, name, labels or {}, keeping, stdin_once=stdin_once)

    def check(self) -> None:
        """Raise :class:`~scow.errors.Unsupported` where no container can be made: nothing need be fetched."""
        from scow.runtime.probe import probe

        probe().require()

    def run(
        self,
        image: str,
        args: Sequence[str] = (),
        *,
        options: Options | None = None,
        name: str | None = None,
        stdio: Stdio | None = None,
        remove: bool = True,
    ) -> int:
        """Run a program in a new container of ``image``, which is in the store, and wait for it: its exit code.

        ``args`` stand for the image's CMD, and for those of ``options``. Its output is this process's own, or goes
        where ``stdio`` says: :class:`~scow.runtime.captured.Captured` keeps it. Without ``remove`` the container stays.

        Raises :class:`~scow.errors.NotFound` for the image, :class:`~scow.errors.Process` with docker's 126 or 127
        when the program cannot be run.
        """
        from scow.runtime.spec.options import Options as RuntimeOptions

        asked = options or RuntimeOptions()
        if args:
            asked = msgspec.structs.replace(asked, args=several("args", args))
        container = self.create(image, asked, name=name)
        try:
            return container.run(stdio)
        finally:
            if remove:
                container.remove()

    def open(self, name: str) -> Container:
        """The container of that name or id, to start it or to be attached to it."""
        from scow.engine.containers import origins
        from scow.engine.containers.container import Container

        settings = self._records.find(name)
        image = origins.image_of(self._workplace, settings)
        return Container(self._workplace, settings, image, origins.options_of(settings))

    def start(self, name: str) -> None:
        """Start a container with a monitor; one that runs is left alone. Raises as :meth:`Container.run`."""
        from scow.engine.containers import starting

        settings = self._records.find(name)
        state = self._records.state(settings.id)
        if state.status == "paused":
            raise Conflict("cannot start a paused container, try unpause instead", subject=settings.id[:12])
        if state.status not in _UP:
            try:
                starting.start_kept(self._workplace, settings, None).close()
            except Conflict:
                if self._records.state(settings.id).status not in _UP:  # as somebody else was first
                    raise

    def attach(self, name: str, *, stdin: bool = True, output: bool = True) -> Session:
        """Join the streams of a container that runs. Raises :class:`~scow.errors.Conflict` when it does not."""
        settings, _ = self._running(name)
        return self._line(settings, {"attach": {"stdin": stdin, "output": output}})

    def signal(self, name: str, signal: str = "KILL") -> None:
        """Send a running container's first process a signal, by name or number; its policy restarts it no more."""
        from scow.engine.containers import stopping
        from scow.runtime.spec.signals import signal_number

        number = signal_number(signal)
        settings, state = self._running(name)
        stopping.send(self._workplace, settings, state, number)

    def stop(self, name: str, *, signal: str = "", timeout: int | None = None) -> None:
        """Ask a container to end with its stop signal, and end it after ``timeout`` seconds (-1: wait for ever).

        One that does not run is left alone.
        """
        from scow.engine.containers import stopping

        settings = self._records.find(name)
        stopping.stop(self._workplace, settings, signal, timeout)

    def restart(self, name: str, *, signal: str = "", timeout: int | None = None) -> None:
        """Stop it if it runs, and start it."""
        self.stop(name, signal=signal, timeout=timeout)
        self.start(name)

    def wait(self, name: str) -> int:
        """Wait for a container's end; its exit code. One that does not run has ended."""
        from scow.engine.containers import stopping

        settings = self._records.find(name)
        return stopping.wait(self._workplace, settings)

    def logs(
        self,
        name: str,
        *,
        follow: bool = False,
        tail: int | None = None,
        since: float | None = None,
        until: float | None = None,
    ) -> Iterator[Line]:
        """What a container wrote, the oldest line first; see :func:`scow.engine.containers.logs.lines`."""
        from scow.engine.containers import logs

        settings = self._records.find(name)
        if tail is not None and tail < 0:
            raise Invalid("cannot be negative; all lines are tail=None", subject="tail")
        driver = settings.keeping.log.driver
        if driver == "none":
            raise Unsupported("configured logging driver does not support reading", subject=f"log driver {driver}")
        home = self._records.home(settings.id)
        alive = (lambda: self._records.alive(settings.id)) if follow else None
        return logs.lines(home, alive=alive, tail=tail, since=since, until=until)

    def exec(self, name: str, execution: Execution | Sequence[str], stdio: Stdio | None = None) -> Joined:
        """Start one more program in a container that runs; what is returned waits for its exit code.

        ``execution`` may be its arguments alone. The program goes on when this process ends. Raises
        :class:`~scow.errors.Process` with docker's 126 or 127 when it cannot be run.
        """
        from scow.engine.containers.executing import Execution, execute
        from scow.runtime.child import Stdio as Streams

        if not isinstance(execution, Execution):
            execution = Execution(several("args", execution))
        for field in ("args", "env"):
            several(field, getattr(execution, field))
        settings, state = self._running(name)
        if state.status != "running":
            raise Conflict(f"Container {name} is {state.status}, and takes no new programs", subject=name, named=True)
        return execute(self._records.home(settings.id), settings, state, execution, stdio or Streams())

    def pause(self, name: str) -> str:
        """Hold a container's processes; returns by what: ``freezer``, or ``signals`` where it has no cgroup."""
        from scow.engine.containers import pausing

        return pausing.pause(self._workplace, self._records.find(name))

    def unpause(self, name: str) -> None:
        """Let a paused container go on."""
        from scow.engine.containers import pausing

        pausing.unpause(self._workplace, self._records.find(name))

    def diff(self, name: str) -> tuple[Change, ...]:
        """What a container changed of its image's files, by path."""
        from scow.engine.containers.committing import diff

        return diff(self._workplace, self._records.find(name))

    def commit(
        self,
        name: str,
        reference: str | None = None,
        *,
        author: str = "",
        message: str = "",
        changes: Sequence[str] = (),
        pause: bool = True,
    ) -> Digest:
        """An image of what a container is now, with what it wrote as one more layer; returns its id.

        ``changes`` are Dockerfile lines; ``pause``: it does not move meanwhile.
        """
        from scow.engine.containers.committing import commit
        from scow.image.image import load
        from scow.oci.reference import Reference

        layout = self._workplace.store.layout
        asked = Reference.parse(reference) if reference else None
        if asked and asked.digest:
            raise Invalid(f"refusing to create a tag with a digest reference: {reference}")
        target = asked.familiar if asked else None
        with layout.working():
            made = commit(
                self._workplace, self._records.find(name), author=author, message=message, changes=changes, pause=pause
            )
            layout.keep(made, target)
            return load(layout, made).id

    def update(self, name: str, *, restart: str = "", limits: Mapping[str, int | str] | None = None) -> None:
        """Give a container another restart policy (``on-failure:3``) and other limits, running or not.

        ``limits`` names those fields of :class:`~scow.runtime.spec.options.Limits` that change.
        """
        from scow.engine.containers import updating

        if limits:
            updating.limit(self._workplace, self._records.find(name), limits)
        if restart:
            updating.keep(self._workplace, self._records.find(name), restart)

    def stats(self, name: str, pause: float = 0.0) -> Stats:
        """What a container uses now; its share of the processors is that of the next ``pause`` seconds."""
        from scow.engine.containers.stats import stats

        settings = self._records.find(name)
        return stats(settings, self._records.state(settings.id), pause)

    def pack(self, name: str, path: str, output: BinaryIO, *, follow: bool = False) -> None:
        """Write a tar of a path in a container, running or not, to ``output``; ``follow`` a link that it is."""
        from scow.engine.containers import copying

        copying.pack(self._workplace, self._records.find(name), path, whole(output), follow=follow)

    def unpack(self, name: str, path: str, archive: BinaryIO, *, owners: bool = False) -> None:
        """Unpack a tar into a directory of a container; with ``owners`` files get those of the archive, else root."""
        from scow.engine.containers import copying

        copying.unpack(self._workplace, self._records.find(name), path, archive, owners=owners)

    def copy_out(
        self, name: str, path: str, target: str | os.PathLike[str], *, follow: bool = False, owners: bool = False
    ) -> None:
        """Copy a file or directory of a container to the host: into ``target`` if that is a directory, else there."""
        from scow.engine.containers import copying

        copying.copy_out(
            self._workplace, self._records.find(name), path, os.fspath(target), follow=follow, owners=owners
        )

    def copy_in(
        self, name: str, source: str | os.PathLike[str], path: str, *, follow: bool = False, owners: bool = False
    ) -> None:
        """Copy a file or directory of the host into a container."""
        from scow.engine.containers import copying

        copying.copy_in(
            self._workplace, self._records.find(name), os.fspath(source), path, follow=follow, owners=owners
        )

    def top(self, name: str, arguments: Sequence[str] = ()) -> Table:
        """The processes of a container, as ``ps`` shows them with ``arguments``."""
        from scow.engine.containers.tops import top

        _, state = self._running(name)
        return top(state.pid, arguments)

    def rename(self, name: str, new: str) -> None:
        """Give a container another name. Raises :class:`~scow.errors.AlreadyExists` for one that is taken."""
        from scow.engine.containers.creating import checked_name

        self._records.rename(self._records.find(name), checked_name(new))

    def list(self) -> tuple[ContainerSummary, ...]:
        """Every container, the newest first."""
        from scow.engine.containers.listing import summary

        found = [summary(self._workplace, settings) for settings in self._records]
        return tuple(sorted(found, key=lambda one: one.created, reverse=True))

    def find(self, name: str) -> ContainerSummary:
        """The container of that name or id."""
        from scow.engine.containers.listing import summary

        return summary(self._workplace, self._records.find(name))

    def remove(self, name: str, *, force: bool = False, volumes: bool = False) -> str:
        """Delete a container, with ``volumes`` its anonymous ones too; returns its id.

        Raises :class:`~scow.errors.Conflict` while it runs, unless forced.
        """
        from scow.engine.containers import removing

        settings = self._records.find(name)
        removing.remove(self._workplace, settings, force=force, volumes=volumes)
        return settings.id

    def inspect(self, name: str) -> dict[str, Any]:
        """docker's JSON of a container, as plain values."""
        from scow.engine.containers import origins
        from scow.engine.containers.document import container_document
        from scow.engine.describe import network_document
        from scow.engine.networks.records import read_endpoint

        settings = self._records.find(name)
        home = self._records.home(settings.id)
        image = origins.image_of(self._workplace, settings)
        endpoint = network_document(settings.spec.get("network", "host"), read_endpoint(home))
        state = self._records.state(settings.id)
        return {**container_document(settings, state, image, home), "NetworkSettings": endpoint}

    def export(self, name: str, output: BinaryIO) -> None:
        """Write a container's file system to ``output`` as one flat tar."""
        from scow.engine.containers import origins
        from scow.image.flatten import flatten
        from scow.image.writable import reopened

        settings, store = self._records.find(name), self._workplace.store
        image = origins.image_of(self._workplace, settings)
        with store.layout.working():
            written = reopened(store, image.layers, self._records.home(settings.id))
            flatten(image.layers, store, whole(output), written.changes())
        self._records.find(settings.id)  # which nobody removed while it was read

    def written(self, name: str) -> int:
        """Bytes in the files that a container wrote."""
        from scow.layer.usage import length

        home = self._records.home(self._records.find(name).id)
        return length(home / "upper", home / "rootfs")

    def _running(self, name: str) -> tuple[Settings, State]:
        settings = self._records.find(name)
        state = self._records.state(settings.id)
        if state.status not in ALIVE:
            raise Conflict(f"container {settings.id} is not running", subject=settings.id, named=True)
        return settings, state

    def _line(self, settings: Settings, message: dict[str, Any]) -> Session:
        from scow.runtime.session import Session

        try:
            return Session.to(self._records.home(settings.id), message)
        except NotFound:
            if self._records.state(settings.id).status not in ALIVE:  # it ended this moment
                raise Conflict(f"container {settings.id} is not running", subject=settings.id, named=True) from None
            raise Unsupported(
                "the command that started it has its streams",
                subject=settings.id[:12],
                hint="run it without --rm, or with -d",
            ) from None
