"""``build``: read the Dockerfile, bring the base images, have them planned and executed, write the config."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from scow.build import epoch, plan
from scow.build.context import Context
from scow.build.execute import Built, Event, Execution
from scow.build.once import Once
from scow.build.ops import Graph, RunOp, Surroundings
from scow.build.secrets import Secrets
from scow.dockerfile import stages as st
from scow.dockerfile.ignore import Patterns
from scow.dockerfile.parser import Dockerfile, parse
from scow.engine.builds.steps import Steps
from scow.engine.dockerfiles.reading import beginning, ignore_file
from scow.engine.texts import rfc3339
from scow.errors import NotFound, ScowError, Unsupported, Where
from scow.image import mutate
from scow.image.image import Image, load
from scow.image.layer import Layer
from scow.image.put import add_image
from scow.layer.scratch import scratch
from scow.oci.config import document
from scow.oci.descriptor import Descriptor
from scow.oci.platform import Platform

if TYPE_CHECKING:
    from scow.build.travel import Travelling
    from scow.engine.builds.compressing import Compression
    from scow.engine.workplace import Workplace

#: So many digits of an image's id stand for it: what is shorter is a name, as in ``FROM cafe``.
_SHORT = 12
#: the reference's own, of any version
_FRONT_END = re.compile(
    r"(?:docker\.io/)?docker/dockerfile(?:-upstream)?(?::(?:1(?:[.-][\w.-]+)?|latest|labs|experimental|master))?"
    r"(?:@sha256:[0-9a-f]{64})?"
)


class Outcome(msgspec.Struct, frozen=True):
    """What came of a build: the manifest, the image's layers, the images that went in (by their key in the plan), and
    the Dockerfile with its name."""

    descriptor: Descriptor
    layers: tuple[Layer, ...]
    images: Mapping[str, Image]
    source: str
    text: str


class Building(msgspec.Struct):
    """One build. See :class:`scow.engine.builds.request.BuildOptions` for the fields. ``said``: the platform was asked
    for, and not only this machine's. ``remembers``: the digests of the context's files serve the next build too."""

    workplace: Workplace
    root: Path
    dockerfile: str | os.PathLike[str] | bytes | None
    args: Mapping[str, str]
    target: str | None
    use_cache: bool
    pull: bool
    network: str
    labels: Mapping[str, str]
    platform: Platform
    watch: Callable[[Event], None]
    bring: Callable[[str, Platform], Image]
    secrets: Mapping[str, bytes | Path] = {}
    agents: Mapping[str, Path] = {}
    contexts: Mapping[str, str | None] = {}
    directories: Mapping[str, Path] = {}
    around: Surroundings = Surroundings()
    allow: frozenset[str] = frozenset()
    uncached: frozenset[str] = frozenset()
    annotations: Mapping[str, str] = {}
    said: bool = False
    remembers: bool = True
    warn: Callable[[str], None] = lambda text: None
    cache: Travelling | None = None
    inline: bool = False
    compression: Compression | None = None
    made: Callable[[Layer], None] = lambda layer: None

    def __repr__(self) -> str:  # no secret is ever shown
        return f"Building({self.root})"

    def build(self) -> Outcome:
        """Do it."""
        for root in (self.root, *self.directories.values()):
            if not root.is_dir():
                raise NotFound("build context is not a directory", subject=str(root))
        read, ignored = self._read()
        self._check_front_end(read)
        self._check_rules(read, ignored)
        graph, images = self._planned(read)
        if graph.unused:
            self.warn(f"One or more build-args [{' '.join(graph.unused)}] were not consumed")
        context = Context(self.root, ignored, self._memory(self.root))
        contexts = {name: self._named(path) for name, path in self.directories.items()}
        seconds = self._time(graph, images)
        execution = self._execution(read, context, contexts, images, seconds, graph.epoch)
        with scratch(self.workplace.store.layout.ingest, "build") as directory:
            built = execution.execute(graph, directory)
        for one in (context, *contexts.values()):
            one.remember()
        return Outcome(self._finish(built, seconds), built.root.layers, images, read.source, read.text)

    def _execution(
        self,
        read: Dockerfile,
        context: Context,
        contexts: Mapping[str, Context],
        images: Mapping[str, Image],
        seconds: int,
        latest: int | None,
    ) -> Execution:
        """All that the graph's steps are done with."""
        mounts, steps = self.workplace.cache_mounts, Steps(self.workplace.runtime)
        return Execution(
            store=self.workplace.store,
            once=Once(self.cache or self.workplace.cache, self.workplace.store.layout),
            context=context,
            images=images,
            run=steps.run,
            ready=self._check_step,
            stop=steps.stop,
            time=seconds,
            caches=mounts.filled(self.cache.mount) if self.cache else mounts,
            where=lambda step: read.where(step.span),
            watch=self.watch,
            use_cache=self.use_cache,
            stacks=self.workplace.stacks,
            contexts=contexts,
            secrets=Secrets(self.secrets),
            agents=dict(self.agents),
            latest=latest,
            transport=lambda: self.workplace.transport,
            uncached=self.uncached,
            made=self.made,
        )

    def _planned(self, read: Dockerfile) -> tuple[Graph, dict[str, Image]]:
        """The graph, and the images that it stands on, each by its key."""
        arguments = plan.Arguments(
            self.args,
            self.target,
            self.platform,
            self.workplace.platform,
            self.network,
            contexts=self.contexts,
            allow=self.allow,
            around=self.around,
        )
        written, _, outside = plan.select(st.stages(read), arguments)
        stages = plan.triggered(written, {})
        reachable = plan.needed(stages, arguments)
        images: dict[str, Image] = {}
        while missing := {
            name: stage
            for name, stage in plan.image_names(stages, reachable, self.contexts).items()
            if name not in images
        }:
            images |= {name: self._image(name, read.where(stage.start.span)) for name, stage in missing.items()}
            configs = {name: image.config for name, image in images.items()}
            stages = plan.triggered(written, configs)  # a trigger may need further stages and images
            reachable = plan.needed(stages, arguments)
        configs = {name: image.config for name, image in images.items()}
        return plan.plan(stages, reachable, outside, arguments, configs), images

    def _read(self) -> tuple[Dockerfile, Patterns]:
        """The Dockerfile, and the ignore file that goes with it: ``<Dockerfile>.dockerignore`` beats the context's."""
        if isinstance(self.dockerfile, bytes):
            return parse(self.dockerfile), ignore_file(self.root)
        path = Path(self.dockerfile) if self.dockerfile else self.root / "Dockerfile"
        try:
            text = beginning(path)
        except (FileNotFoundError, NotADirectoryError):
            raise NotFound(
                f"failed to read dockerfile: open {path.name}: no such file or directory",
                hint="name another with -f",
            ) from None
        except OSError as error:
            raise NotFound(f"failed to read dockerfile: {error.strerror}", subject=str(path)) from None
        return parse(text, path.name), ignore_file(self.root, path)

    def _check_front_end(self, read: Dockerfile) -> None:
        given = self.args.get("BUILDKIT_SYNTAX")
        asked = given or read.directives.syntax
        if asked and not _FRONT_END.fullmatch(asked):
            where = "BUILDKIT_SYNTAX" if given else f"{read.source}:1"
            raise Unsupported(f"front end {asked!r} cannot be run", subject=where, hint="docker/dockerfile:1")

    def _check_rules(self, read: Dockerfile, ignored: Patterns) -> None:
        """With ``# check=error=true`` (or so in a build argument) what BuildKit's checks find is an error."""
        options = self.args.get("BUILDKIT_DOCKERFILE_CHECK")
        if read.directives.check or options:
            from scow.dockerfile.lint.buildkit import enforce

            enforce(read.text, read.source, ignored, options, self.target)

    def _image(self, key: str, where: Where) -> Image:
        """The image in the store, or from its registry."""
        name, platform = plan.image_of(key)
        wanted = Platform.parse(platform) if platform else self.platform
        try:
            known = None if self.pull or "://" in name else self._known(name, wanted)
            image = known or self.bring(name, wanted)
        except ScowError as error:
            if error.hint and error.unplaced:  # a registry that cannot be reached: it has more to say
                error.subject, error.named = f"{where}: {name}", False
            error.hint = error.hint or f"asked for at {where}"
            raise
        if not image.config.platform.fitness(wanted):
            is_for = f'"{image.config.platform}", expected "{wanted}" for current build ({where})'
            self.warn(f"Base image {name} was pulled with platform {is_for}")
        return image

    def _known(self, name: str, wanted: Platform) -> Image | None:
        """The store's image for the platform, when all of it is there."""
        catalogue = self.workplace.catalogue()
        with contextlib.suppress(NotFound):
            entry = catalogue.named(name)
            if entry is None and len(name) < _SHORT:
                return None
            image = load(self.workplace.store.layout, entry, wanted) if entry else catalogue.find(name).image
            if image.config.platform.fitness(wanted) and self._hold(image):
                self.workplace.store.used(image.descriptor)
                return image
        return None

    def _hold(self, image: Image) -> bool:
        """Keep the image while this build runs; whether it is whole."""
        layout = self.workplace.store.layout
        whole = [layout.exists(descriptor) for descriptor in (image.descriptor, *image.manifest.children)]
        for diff_id in image.diff_ids:
            layout.hold(diff_id)
        return all(whole)

    def _named(self, path: Path) -> Context:
        """A further context has an ignore file of its own."""
        return Context(path, ignore_file(path), self._memory(path))

    def _memory(self, root: Path) -> Path | None:
        if not self.remembers:
            return None
        name = hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:32]
        return self.workplace.root / "cache" / "context" / name

    def _time(self, graph: Graph, images: Mapping[str, Image]) -> int:
        """The time of everything this build writes: as asked, or the newest base's, to be the same tomorrow."""
        if graph.epoch is not None:
            return graph.epoch
        bases = [images[stage.base] for stage in graph.stages if isinstance(stage.base, str)]
        return max((_seconds(image.config.created) for image in bases), default=0)

    def _check_step(self, op: RunOp) -> None:
        """Raise :class:`Unsupported` where no program, or none of its platform, can be run here."""
        from scow.runtime.probe import probe

        probe().require()
        if not op.platform:
            return
        from scow.runtime.kernel.emulation import missing

        if lacking := missing(Platform.parse(op.platform), self.workplace.platform):
            raise Unsupported(
                f"RUN needs {op.platform}, which this machine cannot run: {lacking}",
                hint="apt-get install qemu-user-static, or FROM --platform=$BUILDPLATFORM for what only makes files",
            )

    def _finish(self, built: Built, seconds: int) -> Descriptor:
        """The config: the base's document with every step of every stage on the way to the target."""
        base, chain = _lineage(built)
        config = document(base.raw_config) if base else mutate.scratch(Platform.parse(built.stage.platform))
        config = mutate.on(self.platform, config) if self.said else config
        created = rfc3339(seconds)
        steps = [
            mutate.Step(step.created_by, created, layer, "scow", step.author)
            for one in chain
            for step, layer in one.steps
        ]
        process = dict(built.stage.process)
        if self.labels:
            process["Labels"] = {**process.get("Labels", {}), **self.labels}
        cleared = {name: None for name in config.get("config") or {} if name not in process}
        config = mutate.edited(config, steps, created=created, **{**cleared, **process})
        if built.stage.author:
            config["author"] = built.stage.author
        layers = built.root.layers
        annotations = dict(self.annotations)
        if self.cache and self.inline:
            from scow.engine.builds.caching import inline

            annotations |= inline(self.cache.touched, layers)
        if self.compression:
            from scow.engine.builds.compressing import compressed

            layers = compressed(self.workplace, self.compression, layers, len(base.layers) if base else 0)
        blobs = [layer.descriptor for layer in layers]
        return add_image(self.workplace.store.layout, config, blobs, annotations)


def _lineage(built: Built) -> tuple[Image | None, list[Built]]:
    """The image at the bottom, and the stages from there up to ``built``."""
    chain = [built]
    while isinstance(chain[-1].base, Built):
        chain.append(chain[-1].base)
    base = chain[-1].base
    return (base if isinstance(base, Image) else None), chain[::-1]


def _seconds(created: str | None) -> int:
    """RFC 3339 → seconds since 1970; 0 for what cannot be read, or is no time of a file."""
    try:
        seconds = int(datetime.fromisoformat((created or "").replace("Z", "+00:00")).timestamp())
        return seconds if 0 <= seconds <= epoch.LATEST else 0
    except ValueError:
        return 0
