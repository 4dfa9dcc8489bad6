"""``images.build``: what the caller asks, made a :class:`~scow.engine.builds.building.Building` for each platform."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypedDict

import msgspec

from scow.build import epoch
from scow.build.ops import Surroundings, Ulimit
from scow.build.recipe import Recipe
from scow.build.sources import is_remote
from scow.dockerfile.values import boolean
from scow.engine.builds import contexts
from scow.engine.builds.building import Building, Outcome
from scow.engine.texts import several
from scow.errors import Invalid
from scow.image.image import Image, load
from scow.layer.scratch import scratch
from scow.oci import media_types
from scow.oci.descriptor import Descriptor
from scow.oci.documents import encode
from scow.oci.manifest import Index
from scow.oci.platform import Platform, wanted
from scow.oci.reference import Reference

if TYPE_CHECKING:
    from scow.build.execute import Event
    from scow.build.travel import Travelling
    from scow.content.copy import Watch
    from scow.content.target import Source
    from scow.engine.builds.attesting import Attesting
    from scow.engine.builds.caching import CacheFrom, CacheTo
    from scow.engine.builds.compressing import Compression
    from scow.engine.builds.fetching import Fetching
    from scow.engine.values import Moved
    from scow.engine.workplace import Workplace
    from scow.image.layer import Layer


class BuildOptions(TypedDict, total=False):
    """What a build may be told. All of it may be left out."""

    #: a path, its bytes, or a recipe (:func:`scow.build.image`); without it ``Dockerfile`` in the context
    dockerfile: str | os.PathLike[str] | bytes | Recipe | None
    build_args: Mapping[str, str] | None
    #: the stage to build; without it the last
    target: str | None
    use_cache: bool
    #: titles of stages to do anew
    uncached: Sequence[str]
    #: ask the registry for newer base images
    pull: bool
    #: of RUN: ``default``, ``host`` or ``none``
    network: str
    labels: Mapping[str, str] | None
    #: of the manifest, and of the index where there is one
    annotations: Mapping[str, str] | None
    index_annotations: Mapping[str, str] | None
    #: ``os/architecture[/variant]``; several with commas between make an index
    platform: str | None
    #: times in the image, in seconds since 1970; ``context`` is the time of the context's git commit. Without it that
    #: of the build argument ``SOURCE_DATE_EPOCH``, else the newest base image's: the same input gives the same image
    source_date_epoch: int | Literal["context"] | None
    #: id → value or file
    secrets: Mapping[str, bytes | Path] | None
    #: id → an agent's socket
    ssh: Mapping[str, Path] | None
    #: name → a directory, a URL, ``docker-image://REF`` or ``oci-layout://DIR[:TAG][@DIGEST]``
    build_contexts: Mapping[str, str | os.PathLike[str]] | None
    #: ``name:address``
    extra_hosts: Sequence[str]
    #: of ``/dev/shm``, in bytes
    shm_size: int | None
    #: (name, soft, hard)
    ulimits: Sequence[tuple[str, int, int]]
    #: entitlements such as ``security.insecure``
    allow: Sequence[str]
    #: caches to use where the store has nothing, in this order
    cache_from: Sequence[CacheFrom]
    #: where to write the cache when the image is built
    cache_to: Sequence[CacheTo]
    #: what to attest beside the image, in an index
    attest: Attesting
    #: how the image's layers are compressed; without it as they were made
    compression: Compression | None
    #: names under which the image will be pushed: their registries get its layers while it is built, unless these are
    #: compressed otherwise
    ahead_of_push: Sequence[str]


class Made(msgspec.Struct, frozen=True):
    """What was built. ``finish`` is what is left to do once it has its names."""

    descriptor: Descriptor
    finish: Callable[[], None]


class Images(Protocol):
    """What a build needs of ``engine.images``."""

    def pull(self, name: str, *, platform: str | None, watch: Watch) -> Moved:
        """Fetch an image by its name."""
        ...

    def bring(self, source: Source, asked: Descriptor, platform: Platform, watch: Watch) -> Image:
        """Copy an image into the store."""
        ...


def build(
    images: Images,
    workplace: Workplace,
    path: str | os.PathLike[str],
    options: BuildOptions,
    tags: Sequence[str],
    watch: Callable[[Event], None],
    watch_pull: Watch,
    warn: Callable[[str], None],
) -> Made:
    """Do it. Raises TypeError for an option that there is not, as any other method does."""
    if unknown := options.keys() - BuildOptions.__annotations__.keys():
        raise TypeError(f"build() got an unexpected keyword argument {min(unknown)!r}")
    _check_texts(options)
    asked = (options.get("platform") or str(workplace.platform)).split(",")
    platforms = list(dict.fromkeys(wanted(one, workplace.platform) for one in asked))
    cache, fields = _cache(workplace, options, platforms[0], warn), _asked(options)
    if fields["network"] != "default" or fields["around"] != Surroundings():
        from scow.engine.builds import running

        running.check(fields["network"], fields["around"])
    for compression in (options.get("compression"), *(one.compression for one in options.get("cache_to", ()))):
        if compression:
            from scow.image.recompress import squeeze

            squeeze(compression.kind, compression.level)  # refused before the work begins
    built: list[tuple[Platform, Outcome]] = []
    with scratch(workplace.store.layout.ingest, "build") as directory, _sending(workplace, options) as made:
        place = _Place(workplace, options, directory)
        names, directories = contexts.divided(options.get("build_contexts") or {}, place.fetched)
        common = {
            **fields,
            **place.context(path),
            "workplace": workplace,
            "warn": warn,
            "cache": cache,
            "inline": _is_inline(options),
            "contexts": names,
            "directories": directories,
            "made": made,
            "bring": lambda name, platform: _brought(images, workplace, name, platform, watch_pull),
        }
        for platform in platforms:
            building = Building(**common, platform=platform, watch=_told(watch, platform, platforms))
            built.append((platform, building.build()))

    def finish() -> None:
        if cache is not None:
            from scow.engine.builds.caching import export

            layers = [layer for _, outcome in built for layer in outcome.layers]
            export(workplace, options.get("cache_to", ()), cache.touched, layers, warn)

    attest = options.get("attest")
    several = boolean((options.get("build_args") or {}).get("BUILDKIT_MULTI_PLATFORM", "")) or len(built) > 1
    plain = not several and not attest
    return Made(built[0][1].descriptor if plain else _index(workplace, built, options, tags), finish)


def _check_texts(options: Mapping[str, Any]) -> None:
    """Raise Invalid for one text instead of several, and for names and values that are no texts: a number in a build
    argument is met late, and told of another thing."""
    for name in ("uncached", "extra_hosts", "allow", "ahead_of_push"):
        several(name, options.get(name) or ())
    for name in ("build_args", "labels", "annotations", "index_annotations"):
        for key, value in (options.get(name) or {}).items():
            if not (isinstance(key, str) and isinstance(value, str)):
                raise Invalid(f"{key!r}: {value!r} are not two texts", subject=name)


@contextlib.contextmanager
def _sending(workplace: Workplace, options: BuildOptions) -> Iterator[Callable[[Layer], None]]:
    """What takes the image's layers as they are made."""
    names = options.get("ahead_of_push", ())
    if not names or options.get("compression"):
        yield lambda layer: None
        return
    from scow.engine.builds.sending import Sending

    with Sending(workplace, names) as sending:
        yield sending.send


def _told(watch: Callable[[Event], None], platform: Platform, platforms: Sequence[Platform]) -> Callable[[Event], None]:
    """``watch``; of several platforms, stages are told with theirs."""
    if len(platforms) == 1:
        return watch
    return lambda event: watch(msgspec.structs.replace(event, stage=f"{platform} {event.stage}"))


def _brought(images: Images, workplace: Workplace, name: str, platform: Platform, watch: Watch) -> Image:
    """An image from elsewhere. The store's own keeps its name when one for another platform is asked for."""
    if name.startswith(contexts.LAYOUT):
        return images.bring(*contexts.in_layout(name), platform, watch)
    if platform.fitness(workplace.platform) or workplace.catalogue().named(name) is None:
        images.pull(name, platform=str(platform), watch=watch)
        entry = workplace.catalogue().named(name)
        if entry is not None:
            return load(workplace.store.layout, entry, platform)
    reference = Reference.parse(name)
    repository = workplace.registry.repository(reference)
    return images.bring(repository, repository.resolve(reference.selector), platform, watch)


def _index(
    workplace: Workplace, built: Sequence[tuple[Platform, Outcome]], options: BuildOptions, tags: Sequence[str]
) -> Descriptor:
    """The index of what was built, in the order asked for, and then what is attested of it."""
    entries = [outcome.descriptor.plain.annotated(platform=platform) for platform, outcome in built]
    if attest := options.get("attest"):
        from scow.engine.builds.attesting import attested

        told = {
            "args": options.get("build_args") or {}, "labels": options.get("labels") or {},
            "target": options.get("target"),
        }  # fmt: skip
        entries += [attested(workplace, attest, outcome, tags, told) for _, outcome in built]
    annotations = dict(options.get("index_annotations") or {}) or None
    index = Index(2, tuple(entries), media_types.OCI_INDEX, annotations=annotations)
    return workplace.store.layout.put(media_types.OCI_INDEX, encode(index))


def _is_inline(options: BuildOptions) -> bool:
    """Whether a cache goes into the image; the build argument is docker's older way to ask."""
    argument = (options.get("build_args") or {}).get("BUILDKIT_INLINE_CACHE", "")
    return argument == "1" or any(one.kind == "inline" for one in options.get("cache_to", ()))


def _cache(
    workplace: Workplace, options: BuildOptions, platform: Platform, warn: Callable[[str], None]
) -> Travelling | None:
    """The store's cache with those of elsewhere behind it, where the options ask for such."""
    if not (options.get("cache_from") or options.get("cache_to") or _is_inline(options)):
        return None
    from scow.engine.builds.caching import records

    return records(workplace, options.get("cache_from", ()), platform, warn)


def _asked(options: BuildOptions) -> dict[str, Any]:
    """The fields of a Building that the options give as they are."""
    ulimits = tuple(Ulimit(*one) for one in options.get("ulimits", ()))
    hosts, given = tuple(options.get("extra_hosts", ())), options.get("build_args") or {}
    hostname, namespace = (given.get(f"BUILDKIT_{name}", "") for name in ("SANDBOX_HOSTNAME", "CACHE_MOUNT_NS"))
    return {
        "target": options.get("target"),
        "use_cache": options.get("use_cache", True),
        "pull": options.get("pull", False),
        "said": options.get("platform") is not None,
        "network": options.get("network", "default"),
        "labels": dict(options.get("labels") or {}),
        "secrets": dict(options.get("secrets") or {}),
        "agents": dict(options.get("ssh") or {}),
        "around": Surroundings(hosts, options.get("shm_size"), ulimits, hostname, namespace),
        "allow": frozenset(options.get("allow", ())),
        "uncached": frozenset(options.get("uncached", ())),
        "annotations": dict(options.get("annotations") or {}),
        "compression": options.get("compression"),
    }


class _Place:
    """Where the files of one build come to lie; ``directory`` is gone after it."""

    def __init__(self, workplace: Workplace, options: BuildOptions, directory: Path) -> None:
        self._workplace, self._options, self._directory = workplace, options, directory

    def fetched(self, url: str) -> Path:
        """A further context."""
        found = self._fetching().fetch(url)
        if found.alone is not None:
            raise Invalid("a named context is a directory, a git repository or a tar", subject=url.partition("?")[0])
        return found.root

    def context(self, path: str | os.PathLike[str]) -> dict[str, Any]:
        """The fields of a Building that say where its files are, and when."""
        dockerfile = self._options.get("dockerfile")
        dockerfile = dockerfile.dockerfile if isinstance(dockerfile, Recipe) else dockerfile
        if not (isinstance(path, str) and is_remote(path)):
            arguments = self._arguments(lambda: self._commit_time(Path(path)))
            return {"root": Path(path), "dockerfile": dockerfile, "args": arguments}
        keep_git = boolean((self._options.get("build_args") or {}).get("BUILDKIT_CONTEXT_KEEP_GIT_DIR", ""))
        found = self._fetching().fetch(path, keep_git=bool(keep_git))
        if found.alone is not None:
            dockerfile = found.alone
        elif not isinstance(dockerfile, bytes):
            from scow.build.arriving import dockerfile as beneath

            dockerfile = beneath(found.root, os.fspath(dockerfile or "Dockerfile"))
        arguments = self._arguments(lambda: found.time)
        return {"root": found.root, "dockerfile": dockerfile, "args": arguments, "remembers": False}

    def _arguments(self, context_time: Callable[[], int | None]) -> dict[str, str]:
        """The build arguments, among them the time that was asked for: as a number, whatever it was asked by."""
        given = dict(self._options.get("build_args") or {})
        asked = self._options.get("source_date_epoch")
        if asked is not None:
            given[epoch.NAME] = str(asked)
        if given.get(epoch.NAME) == epoch.CONTEXT:
            when = context_time()
            given[epoch.NAME] = "" if when is None else str(when)
        return given

    def _commit_time(self, root: Path) -> int:
        from scow.engine.builds.fetching import commit_time

        return commit_time(root, self._directory)

    def _fetching(self) -> Fetching:
        from scow.engine.builds.fetching import Fetching

        return Fetching(self._directory, self._workplace.transport, dict(self._options.get("ssh") or {}))
