"""Container verbs of the library."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec

from scow.engine import naming
from scow.engine.describe import mounts_document, process_document
from scow.engine.placing import with_volumes
from scow.engine.records import Settings, State
from scow.engine.values import ContainerSummary
from scow.engine.volumes import Volumes, volume_names
from scow.errors import Conflict, Invalid
from scow.image.image import Image, load
from scow.image.writable import reopened, writable
from scow.layer.store import disk_usage
from scow.snapshot.rootfs import Rootfs

if TYPE_CHECKING:
    from scow.engine.workplace import Workplace
    from scow.runtime.bundle import Bundle
    from scow.runtime.options import Options
    from scow.runtime.runner import Runner, Running, Stdio

_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")


@dataclass
class Container:
    """A container that was made; :meth:`run` starts it and waits for its end."""

    workplace: Workplace
    settings: Settings
    image: Image
    options: Options

    @property
    def id(self) -> str:
        """64 hex digits."""
        return self.settings.id

    @property
    def warnings(self) -> tuple[str, ...]:
        """What it will go without (``best_effort_limits``), and why."""
        if not self.options.best_effort_limits:
            return ()
        from scow.runtime.bundle import unenforceable
        from scow.runtime.probe import probe

        return tuple(f"a limit is not set: {why}" for why in unenforceable(self.options, probe()))

    def run(self, stdio: Stdio | None = None, *, started: Callable[[Running], None] = lambda running: None) -> int:
        """Start it and wait; returns its exit code (docker's: 126 and 127 when it could not be run).

        ``started`` is told of the running process, to send it signals. Raises :class:`~scow.errors.Process` when the
        program cannot be run.
        """
        from scow.runtime.runner import Runner

        records = self.workplace.containers
        store = self.workplace.store
        home = records.home(self.id)
        with store.layout.working(), records.keeping(self.id):
            runner = Runner(self.workplace.runtime)
            place = writable(store, self.image.layers, home, stacks=self.workplace.stacks)
            bundle = self._bundle(home, place.rootfs, runner)
            begun = _now()
            try:
                running = runner.start(bundle, stdio)
            except BaseException as error:
                code = getattr(error, "exit_code", 128)
                records.note(self.id, State("created", 0, code, "", _now()))
                raise
            records.note(self.id, State("running", running.pid, 0, begun))
            try:
                started(running)
                code = running.wait()
            except BaseException:
                running.kill()
                raise
            records.note(self.id, State("exited", 0, code, begun, _now()))
        return code

    def _bundle(self, home: Path, rootfs: Rootfs, runner: Runner) -> Bundle:
        from scow.runtime.bundle import make_bundle
        from scow.runtime.terminal import size_of

        size = size_of(0) if self.options.tty else None
        process = self.image.config.process
        return make_bundle(home / "bundle", self.id, rootfs, process, self.options, runner.probe, size)

    def remove(self) -> None:
        """Delete it with everything it wrote, its anonymous volumes too."""
        self.workplace.containers.remove(self.id)
        if names := volume_names(self.settings.spec):
            Volumes(self.workplace).release(names)


class Containers:
    """``engine.containers``."""

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace
        self._store = workplace.store
        self._records = workplace.containers

    def create(
        self, image: str, options: Options, *, name: str | None = None, labels: Mapping[str, str] | None = None
    ) -> Container:
        """Make a container of ``image``, which is in the store; it is not started.

        Raises :class:`~scow.errors.NotFound`, or ``AlreadyExists`` for a name that is taken.
        """
        if name is not None and (len(name) < 2 or not set(name) <= _NAME or not name[0].isalnum()):
            raise Invalid(f"Invalid container name ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed")
        known = self._workplace.catalogue().find(image)
        with self._store.layout.working(), with_volumes(self._workplace, options, known.image) as given:
            settings = _settings(known.image, image, name, labels or {}, given)
            self._store.layout.exists(known.image.descriptor)
            self._records.add(settings)
        return Container(self._workplace, settings, known.image, given)

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
        """Run a program in a new container and wait for it; returns its exit code."""
        from scow.runtime.options import Options as RuntimeOptions

        container = self.create(image, options or RuntimeOptions(args=tuple(args)), name=name)
        try:
            return container.run(stdio)
        finally:
            if remove:
                container.remove()

    def list(self) -> tuple[ContainerSummary, ...]:
        """Every container, the newest first."""
        found = [self._summary(settings) for settings in self._records]
        return tuple(sorted(found, key=lambda one: one.created, reverse=True))

    def find(self, name: str) -> ContainerSummary:
        """The container of that name or id."""
        return self._summary(self._records.find(name))

    def remove(self, name: str, *, force: bool = False, volumes: bool = False) -> str:
        """Delete a container, with ``volumes`` its anonymous ones too; returns its id.

        Raises :class:`~scow.errors.Conflict` while it runs, unless forced.
        """
        settings = self._records.find(name)
        state = self._records.state(settings.id)
        if state.status == "running":
            if not force:
                raise Conflict(
                    f"You cannot remove a running container {settings.id}. "
                    "Stop the container before attempting removal or force remove"
                )
            self._kill(settings.id, state.pid)
        self._records.remove(settings.id)
        if volumes:
            Volumes(self._workplace).release(volume_names(settings.spec))
        return settings.id

    def inspect(self, name: str) -> dict[str, Any]:
        """docker's JSON of a container, as plain values."""
        settings = self._records.find(name)
        state = self._records.state(settings.id)
        image = load(self._store.layout, settings.manifest)
        options = settings.spec
        config = process_document(image.config.process)
        config |= {"Image": settings.image, "Labels": settings.labels or None, "Tty": bool(options.get("tty"))}
        home = self._records.home(settings.id)
        return {
            "Id": settings.id,
            "Created": settings.created,
            "Path": settings.args[0] if settings.args else "",
            "Args": list(settings.args[1:]),
            "State": {
                "Status": state.status,
                "Running": state.status == "running",
                "Paused": False,
                "Restarting": False,
                "OOMKilled": (home / "bundle/oom").exists(),
                "Dead": False,
                "Pid": state.pid if state.status == "running" else 0,
                "ExitCode": state.exit_code,
                "Error": "",
                "StartedAt": state.started or "0001-01-01T00:00:00Z",
                "FinishedAt": state.finished or "0001-01-01T00:00:00Z",
            },
            "Image": settings.image_id,
            "Name": f"/{settings.name}",
            "Driver": "overlay",
            "Platform": "linux",
            "GraphDriver": {"Name": "overlay", "Data": {"UpperDir": str(home / "upper")}},
            "HostConfig": {
                "NetworkMode": options.get("network", "host"),
                "ReadonlyRootfs": bool(options.get("read_only")),
            },
            "Mounts": mounts_document(options.get("mounts", ())),
            "Config": config,
        }

    def export(self, name: str, output: BinaryIO) -> None:
        """Write a container's file system to ``output`` as one flat tar."""
        from scow.image.flatten import flatten

        settings = self._records.find(name)
        image = load(self._store.layout, settings.manifest)
        with self._store.layout.working():
            written = reopened(self._store, image.layers, self._records.home(settings.id))
            flatten(image.layers, self._store, output, written.changes())

    def written(self, name: str) -> int:
        """Bytes on disk of what a container wrote."""
        home = self._records.home(self._records.find(name).id)
        return disk_usage(home / "upper") + disk_usage(home / "rootfs")

    def _summary(self, settings: Settings) -> ContainerSummary:
        state = self._records.state(settings.id)
        return ContainerSummary(
            settings.id,
            settings.name,
            settings.image,
            settings.image_id,
            settings.args,
            settings.created,
            state.status,
            state.exit_code,
            state.started,
            state.finished,
            state.pid,
            settings.labels,
        )

    def _kill(self, container_id: str, pid: int) -> None:
        if pid:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, 9)
        for _ in range(100):
            if not self._records.alive(container_id):
                return
            time.sleep(0.05)
        raise Conflict("container does not end", subject=container_id[:12])


def _settings(image: Image, reference: str, name: str | None, labels: Mapping[str, str], options: Options) -> Settings:
    process = image.config.process
    return Settings(
        os.urandom(32).hex(),
        name or naming.name(int.from_bytes(os.urandom(4), "big")),
        reference,
        image.id,
        image.descriptor.plain,
        image.diff_ids,
        (*(options.entrypoint or process.entrypoint or ()), *_command(image, options)),
        _now(),
        {**(process.labels or {}), **labels},
        msgspec.to_builtins(options),
    )


def _command(image: Image, options: Options) -> tuple[str, ...]:
    if options.args or options.entrypoint is not None:
        return options.args
    return image.config.process.cmd or ()


def _now() -> str:
    return datetime.fromtimestamp(time.time(), UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
