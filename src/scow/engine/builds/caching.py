"""``cache_from`` and ``cache_to``: the build cache from and to registries, directories and images."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from scow.build import travel
from scow.build.caches import Caches
from scow.content.copy import copy
from scow.content.layout import Layout
from scow.content.target import Sink, Source
from scow.errors import NotFound, ScowError
from scow.image.layer import Layer
from scow.oci import media_types
from scow.oci.platform import Platform
from scow.oci.reference import Reference

if TYPE_CHECKING:
    from scow.engine.builds.compressing import Compression
    from scow.engine.workplace import Workplace


class CacheFrom(msgspec.Struct, frozen=True):
    """A cache to use. ``where`` is an image's name, or a directory; ``name`` a tag or digest in the directory."""

    kind: Literal["registry", "local"]
    where: str
    name: str = "latest"

    @property
    def told(self) -> str:
        """What it is called in messages: a directory may hold several."""
        return self.where if self.name == "latest" else f"{self.where}:{self.name}"


class CacheTo(msgspec.Struct, frozen=True):
    """A place for the cache of a build. ``mode`` min: of the steps whose layers the image has; max: of all.

    ``mounts`` are ids of cache mounts that go along, ``*`` is all of the store's. ``ignore_error``: a place that fails
    is a warning. ``inline`` is inside the image's manifest, and has no ``where``.
    """

    kind: Literal["registry", "local", "inline"]
    where: str = ""
    name: str = "latest"
    mode: Literal["min", "max"] = "min"
    ignore_error: bool = False
    mounts: tuple[str, ...] = ()
    compression: Compression | None = None


def records(
    workplace: Workplace, caches: Sequence[CacheFrom], platform: Platform, warn: Callable[[str], None]
) -> travel.Travelling:
    """The store's records with ``caches`` behind them."""
    places = {one.told: partial(_opened, workplace, one, platform) for one in caches}
    return travel.Travelling(workplace.root / "cache" / "build", workplace.store, places, warn)


def _opened(workplace: Workplace, cache: CacheFrom, platform: Platform) -> travel.Brought:
    source: Source
    if cache.kind == "registry":
        reference = Reference.parse(cache.where)
        source = workplace.registry.repository(reference)
        return travel.brought(source, source.resolve(reference.selector), platform)
    source = Layout(Path(cache.where))
    if not (source.root / "oci-layout").is_file():
        raise NotFound("no cache is there")
    entry = next((one for one in source.entries() if one.digest == cache.name), None) or source.resolve(cache.name)
    return travel.brought(source, entry, platform)


def inline(touched: Mapping[str, Layer], layers: Sequence[Layer]) -> dict[str, str]:
    """The annotation that puts a cache inside an image of ``layers``."""
    from scow.oci.documents import encode

    numbers = {layer.diff_id: number for number, layer in enumerate(layers)}
    kept = (travel.Kept(key, numbers[one.diff_id]) for key, one in sorted(touched.items()) if one.diff_id in numbers)
    return {travel.INLINE: encode(travel.Inventory(records=tuple(kept))).decode()}


def export(
    workplace: Workplace,
    targets: Iterable[CacheTo],
    touched: Mapping[str, Layer],
    image: Iterable[Layer],
    warn: Callable[[str], None],
) -> None:
    """Write the cache to each of ``targets``. A target gets its name last, when all of the cache is there."""
    of_image = {layer.diff_id for layer in image}
    for target in targets:
        if target.kind == "inline":
            continue
        chosen = {key: one for key, one in touched.items() if target.mode == "max" or one.diff_id in of_image}
        try:
            _export(workplace, target, chosen)
        except ScowError as error:
            if not target.ignore_error:
                error.hint = "the image is built and has its names; with ignore-error=true this is a warning"
                raise
            warn(f"cache to {target.where}: {error}")


def _export(workplace: Workplace, target: CacheTo, chosen: Mapping[str, Layer]) -> None:
    store = workplace.store
    there = {key: layer for key, layer in chosen.items() if store.layout.exists(layer.descriptor)}
    if target.compression:
        from scow.engine.builds.compressing import compressed

        there = dict(zip(there, compressed(workplace, target.compression, list(there.values())), strict=True))
    told, layers = travel.inventory(there, _mounts(workplace, target.mounts))
    config, manifest = travel.manifest(told, layers)
    store.layout.put(travel.CONFIG, config)
    descriptor = store.layout.put(media_types.OCI_MANIFEST, manifest)
    sink, name = _sink(workplace, target)
    copy(store.layout, sink, descriptor)
    sink.tag(descriptor, name)


def _sink(workplace: Workplace, target: CacheTo) -> tuple[Sink, str]:
    if target.kind == "registry":
        reference = Reference.parse(target.where)
        return workplace.registry.repository(reference, push=True), reference.tag or "latest"
    layout = Layout(Path(target.where))
    layout.create()
    return layout, target.name


def _mounts(workplace: Workplace, ids: Sequence[str]) -> Iterator[tuple[str, str, Layer]]:
    """The cache mounts of these ids, each packed as a layer."""
    from scow.image.add import add_layer
    from scow.layer.diff import changes, on_disk

    caches: Caches = workplace.cache_mounts
    for place in caches if ids else ():
        name = caches.id_of(place)
        if name is None or not ("*" in ids or name in ids):
            continue
        with caches.still(place) as files:
            if files is not None:
                items = changes(str(files), on_disk if workplace.store.layers.flavour == "privileged" else _roots)
                yield place.name, name, add_layer(workplace.store.layout, workplace.store.layers, items)


def _roots(path: bytes, status: os.stat_result) -> tuple[int, int]:
    """Whose a file of an ordinary user's store is."""
    return 0, 0
