"""Execute a graph: each stage on a thread of its own, each step from the cache or for real.

A step's key is made of what it does, the chain_id of the file system it does it to, and the content of what it reads:
equal content hits the cache whatever way it came about, on any machine.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec.structs import replace

from scow.build.caches import Caches
from scow.build.context import Context
from scow.build.filling import Filled, Filling
from scow.build.listing import Listing
from scow.build.mounting import Mounted, Mounting, key_of
from scow.build.once import Once, Prepared, told
from scow.build.ops import (
    CopyOp,
    FromContext,
    FromImage,
    FromStage,
    Graph,
    MakeDirectoryOp,
    Op,
    Origin,
    PlannedStage,
    RunOp,
    Step,
    key,
)
from scow.build.owners import maker
from scow.build.parents import directory
from scow.build.root import Root
from scow.build.secrets import Secrets
from scow.build.untouched import without_untouched
from scow.errors import Integrity, Invalid, NotFound, Process, ScowError, Where
from scow.image.image import Image
from scow.image.layer import Layer
from scow.image.store import Store
from scow.layer.entry import clean
from scow.layer.removal import remove

if TYPE_CHECKING:
    from scow.layer.pack import Item
    from scow.layer.rootfs import Rootfs
    from scow.registry.transport import Transport


class Event(msgspec.Struct, frozen=True):
    """Something a build tells: a step's state, or (``state="output"``) what its program wrote."""

    stage: str
    number: int
    total: int
    title: str
    state: Literal["started", "cached", "done", "failed", "output"]
    seconds: float = 0.0
    output: bytes = b""


class RunRequest(msgspec.Struct, frozen=True):
    """A program to run: in ``rootfs``, as ``op`` says; what it writes goes to ``output``, a descriptor.

    ``directory`` is for the runner's own files; what tells ``mounted.hidden`` belongs to ``mounted.private``.
    """

    op: RunOp
    rootfs: Rootfs
    directory: Path
    output: int
    mounted: Mounted = Mounted()


#: Runs a request to its end and returns the exit code.
Runner = Callable[[RunRequest], int]


class Built(msgspec.Struct, frozen=True):
    """A stage that was built: its layers, and each step with the layer that it brought."""

    stage: PlannedStage
    base: Image | Built | None
    root: Root
    steps: tuple[tuple[Step, Layer | None], ...]


class Execution(msgspec.Struct):
    """One build being executed. ``time`` (seconds since 1970) is the time of everything that the build writes.

    ``latest`` is that time when the user asked for it. ``contexts`` are the directories of ``--build-context``;
    ``uncached`` the titles of stages that are done anew. ``ready``, asked before anything is unpacked for it, raises
    where an op's program cannot be run; ``stop`` ends every program that ``run`` runs; ``made`` is told the image's
    layers, from the lowest, as soon as each is there.
    """

    store: Store
    once: Once
    context: Context | None
    images: Mapping[str, Image]
    run: Runner
    time: int
    caches: Caches
    where: Callable[[Step], Where]
    watch: Callable[[Event], None] = lambda event: None
    use_cache: bool = True
    stacks: bool = True
    contexts: Mapping[str, Context] = {}
    secrets: Secrets = msgspec.field(default_factory=Secrets)
    agents: dict[str, Path] = {}
    latest: int | None = None
    transport: Callable[[], Transport] | None = None
    uncached: frozenset[str] = frozenset()
    ready: Callable[[RunOp], None] = lambda op: None
    stop: Callable[[], None] = lambda: None
    made: Callable[[Layer], None] = lambda layer: None
    _failed: threading.Event = msgspec.field(default_factory=threading.Event)
    _built: dict[int, _Stage] = {}
    _target: int = 0

    def execute(self, graph: Graph, scratch: Path) -> Built:
        """Build every stage of ``graph``; returns the target. ``scratch`` is an empty directory of this build's."""
        self._target = graph.stages[-1].index
        try:
            for stage in graph.stages:
                self._built[stage.index] = _Stage(partial(self._stage, stage, scratch))
            for one in self._built.values():
                one.join()
        except BaseException:  # Ctrl-C: nobody works in ``scratch`` any more when this is left
            self._failed.set()
            self.stop()
            for one in self._built.values():
                one.ended.wait()
            raise
        errors = [one.error for one in self._built.values() if one.error]
        if errors:
            raise next((error for error in errors if not isinstance(error, _Stopped)), errors[0])
        return self._built[self._target].result()

    def _stage(self, stage: PlannedStage, scratch: Path) -> Built:
        base: Image | Built | None = None
        root = Root(self.store, ())
        if isinstance(stage.base, int):
            base = self._built[stage.base].result()
            root = base.root.copy()
        elif stage.base is not None:
            base = self.images[stage.base]
            root = Root(self.store, base.layers)
        made = self.made if stage.index == self._target else lambda layer: None
        for below in root.layers:
            made(below)
        done: list[tuple[Step, Layer | None]] = []
        total = sum(step.op is not None for step in stage.steps)
        number = 0
        for step in stage.steps:
            layer = None
            if step.op is not None:
                number += 1
                layer = self._step(_Place(stage, step, number, total), step.op, root, scratch)
                root.add(layer)
                made(layer)
            done.append((step, layer))
        return Built(stage, base, root, tuple(done))

    def _step(self, place: _Place, op: Op, root: Root, scratch: Path) -> Layer:
        if self._failed.is_set():
            raise _Stopped
        began = time.monotonic()
        self.watch(place.event("started"))
        try:
            layer, cached = self._layer(place, op, root, scratch)
        except _Stopped:  # of a stage that this step copies from
            raise
        except ScowError as error:
            self._failed.set()
            self.watch(place.event("failed", time.monotonic() - began))
            raise self._placed(error, place.step) from None
        self.watch(place.event("cached" if cached else "done", time.monotonic() - began))
        return layer

    def _layer(self, place: _Place, op: Op, root: Root, scratch: Path) -> tuple[Layer, bool]:
        cached = self.use_cache and place.stage.title not in self.uncached
        if isinstance(op, RunOp):
            return self.once.layer(None, partial(self._prepare_run, place, op, root, scratch), cached=cached)
        if not isinstance(op, CopyOp):
            return self.once.layer(None, partial(self._prepare_directory, op, root), cached=cached)
        inputs = self._filling().inputs(op, root)
        earlier = self.once.before(inputs) if cached and inputs else None
        return self.once.layer(inputs, partial(self._prepare_copy, place, op, root, scratch, earlier), cached=cached)

    def _prepare_directory(self, op: MakeDirectoryOp, root: Root) -> Prepared:
        def make() -> Layer:
            passwd, group = (root.read("/etc/passwd"), root.read("/etc/group")) if op.user else (b"", b"")
            from scow.image.add import add_layer

            view, whose = root.around(clean(op.path.encode())), maker(op.user, passwd, group)
            items = directory(op.path.encode(), view, whose, self.time * 10**9, named=bool(op.user))
            return add_layer(self.store.layout, self.store.layers, items)

        return told(key("workdir", [root.chain or "", op.path, op.user, str(self.time)]), make)

    def _prepare_copy(self, place: _Place, op: CopyOp, root: Root, scratch: Path, earlier: Layer | None) -> Prepared:
        filled = self._filling().prepared(op, root, scratch)

        def make() -> Layer:
            layer = self._packed(filled, earlier, entered=self._is_entered(place))
            with self.store.unpacking.index(layer) as index:
                filled.learn(index)
            return layer

        return Prepared(filled.outline, filled.key, make)

    def _packed(self, filled: Filled, earlier: Layer | None, *, entered: bool) -> Layer:
        """The layer, with what it has in common with an earlier one taken from there."""
        from scow.image.add import add_layer, add_unpacked, before

        add = partial(add_unpacked if entered else add_layer, self.store.layout, self.store.layers)
        known = before(self.store.layout, self.store.layers, earlier) if earlier else None
        if known:
            with contextlib.suppress(Integrity):  # of the earlier one: it is done without
                return add(filled.described(), earlier=known)
        return add(filled.items())

    def _filling(self) -> Filling:
        return Filling(self._listing, self._chain, self.time, self.latest, self.transport, self.agents)

    def _is_entered(self, place: _Place) -> bool:
        """Whether the layer's files are wanted later in this build: by a RUN, or by another stage."""
        later = place.stage.steps[place.stage.steps.index(place.step) + 1 :]
        return place.stage.index != self._target or any(isinstance(step.op, RunOp) for step in later)

    def _prepare_run(self, place: _Place, op: RunOp, root: Root, scratch: Path) -> Prepared:
        mounting = Mounting(self.caches, self.secrets, self.agents, self._listing, self.time * 10**9)
        name = key_of(op, root.chain or "", self.time, mounting.keys(op))

        def make() -> Layer:
            directory = scratch / f"run-{place.stage.index}-{place.number}"
            return self._run(place, op, root, directory, mounting)

        return told(name, make)

    def _run(self, place: _Place, op: RunOp, root: Root, directory: Path, mounting: Mounting) -> Layer:
        self.ready(op)
        from scow.image.add import add_layer
        from scow.image.writable import writable

        written = writable(self.store, root.layers, directory, stacks=self.stacks, kind="step")
        with mounting.made(op, directory / "mounts") as mounted:
            code = self._follow(place, RunRequest(op, written.rootfs, directory, -1, mounted))
        if code:
            remove(directory)
            told = " ".join(op.argv)
            raise Process(f"process {told!r} did not complete successfully: exit code: {code}", exit_code=code)
        items = written.changes(self.time * 10**9)
        if op.mounts:
            items = without_untouched(items, root.view, self.time * 10**9)
        if written.tree is not None:
            items = _clamping(items, written.tree)
        layer = add_layer(self.store.layout, self.store.layers, items, written.tree)
        remove(directory)
        return layer

    def _follow(self, place: _Place, request: RunRequest) -> int:
        """Run, telling every piece of output as it comes."""
        reading, writing = os.pipe()

        def tell() -> None:
            with os.fdopen(reading, "rb", buffering=0) as pipe:
                while data := pipe.read(1 << 16):
                    self.watch(place.event("output", output=data))

        thread = threading.Thread(target=tell, daemon=True)
        thread.start()
        try:
            return self.run(replace(request, output=writing))
        finally:
            os.close(writing)
            thread.join(timeout=10)

    def _listing(self, origin: Origin) -> Listing:
        if isinstance(origin, FromStage):
            return self._built[origin.index].result().root.listing()
        if isinstance(origin, FromImage):
            return Root(self.store, self.images[origin.name].layers).listing()
        name = origin.name if isinstance(origin, FromContext) else ""
        found = self.contexts.get(name) if name else self.context
        if found is None:
            raise NotFound("this build has no context to copy from")
        return found

    def _chain(self, origin: Origin) -> str | None:
        """The chain_id of a stage's or an image's files."""
        if isinstance(origin, FromStage):
            return self._built[origin.index].result().root.chain or ""
        return self.images[origin.name].chain or "" if isinstance(origin, FromImage) else None

    def _placed(self, error: ScowError, step: Step) -> ScowError:
        """The error with the Dockerfile line that asked for it."""
        if error.where is None and (error.unplaced or isinstance(error, Invalid)):
            error.where = self.where(step)
        elif error.where is None:
            error.hint = error.hint or f"asked for at {self.where(step)}"
        return error


class _Stopped(ScowError):
    """Another stage failed: this one need not go on."""

    def __init__(self) -> None:
        super().__init__("stopped")


class _Stage(threading.Thread):
    """A stage being built on a thread of its own. (A pool of threads brings the logging module along.)"""

    def __init__(self, build: Callable[[], Built]) -> None:
        super().__init__(daemon=True)
        self._build = build
        self._built: Built | None = None
        self.error: BaseException | None = None
        self.ended = threading.Event()  # a join that was interrupted takes a thread for ended (bpo-45274)
        self.start()

    def run(self) -> None:
        """Build it."""
        try:
            self._built = self._build()
        except BaseException as error:
            self.error = error
        finally:
            self.ended.set()

    def result(self) -> Built:
        """The stage, once it is built. Raises what it failed with."""
        self.join()
        if self.error or self._built is None:
            raise self.error or _Stopped()
        return self._built


class _Place(msgspec.Struct, frozen=True):
    """Which step of which stage."""

    stage: PlannedStage
    step: Step
    number: int
    total: int

    def event(
        self,
        state: Literal["started", "cached", "done", "failed", "output"],
        seconds: float = 0.0,
        output: bytes = b"",
    ) -> Event:
        return Event(self.stage.title, self.number, self.total, self.step.title, state, seconds, output)


def _clamping(items: Iterator[Item], upper: Path) -> Iterator[Item]:
    """The items; what they say of a file's time is made true on disk too, where the clock was later."""
    root = os.fsencode(upper)
    for entry, content in items:
        yield entry, content
        if entry.kind in ("file", "dir", "symlink"):
            full = os.path.join(root, entry.path)
            if os.lstat(full).st_mtime_ns != entry.mtime:
                os.utime(full, ns=(entry.mtime, entry.mtime), follow_symlinks=False)
