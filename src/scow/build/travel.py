"""The build cache on its way to another machine: records, their layers and cache mounts as an OCI artifact.

::

    manifest   config: ``application/vnd.scow.cache.config.v1+json``, an :class:`Inventory`
               layers: the layers, as images have them
    or an image's manifest with the inventory as the annotation ``dev.scow.cache``, layers being the image's (inline)

What is brought is used only where its diff_id is what the inventory says. Losing any of it costs time only.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from scow.build.cache import Records
from scow.build.root import Root
from scow.build.subtree import Subtree
from scow.content.target import Source
from scow.content.verify import read_document
from scow.errors import Invalid, NotFound, ScowError
from scow.image.image import load
from scow.image.layer import Layer
from scow.image.store import Store
from scow.oci import media_types
from scow.oci.descriptor import Descriptor
from scow.oci.digest import DiffId
from scow.oci.documents import decode, encode
from scow.oci.manifest import Manifest, parse_manifest
from scow.oci.platform import Platform

CONFIG: Final = "application/vnd.scow.cache.config.v1+json"
INLINE: Final = "dev.scow.cache"
_KEY: Final = re.compile(r"[0-9a-f]{64}")


class Kept(msgspec.Struct, frozen=True):
    """``key`` → the number of its layer."""

    key: str
    layer: int


class KeptMount(msgspec.Struct, frozen=True):
    """A cache mount: the name of its place in a store, the ``id`` that the Dockerfile gives it, its layer's number."""

    place: str
    id: str
    layer: int


class Inventory(msgspec.Struct, frozen=True):
    """What a cache holds. ``diff_ids`` are its layers', in the manifest's order."""

    diff_ids: tuple[DiffId, ...] = ()
    records: tuple[Kept, ...] = ()
    mounts: tuple[KeptMount, ...] = ()

    def checked(self, layers: int) -> Inventory:
        """Itself, when it fits so many layers. Raises :class:`Invalid`."""
        numbers = [*(one.layer for one in self.records), *(one.layer for one in self.mounts)]
        names = [*(one.key for one in self.records), *(one.place for one in self.mounts)]
        if len(self.diff_ids) != layers or not all(0 <= number < layers for number in numbers):
            raise Invalid("the cache names layers that it does not have")
        if not all(_KEY.fullmatch(name) for name in names):
            raise Invalid("the cache has a key that is none")
        return self


def inventory(
    records: Mapping[str, Layer], mounts: Iterable[tuple[str, str, Layer]] = ()
) -> tuple[Inventory, tuple[Descriptor, ...]]:
    """What to say of ``records`` and ``mounts`` (place, id, layer), and the layers it is about."""
    layers: dict[DiffId, Layer] = {}
    numbers: dict[DiffId, int] = {}

    def number(layer: Layer) -> int:
        layers.setdefault(layer.diff_id, layer)
        return numbers.setdefault(layer.diff_id, len(numbers))

    kept = tuple(Kept(key, number(layer)) for key, layer in sorted(records.items()))
    mounted = tuple(KeptMount(place, name, number(layer)) for place, name, layer in mounts)
    return Inventory(tuple(layers), kept, mounted), tuple(layer.descriptor for layer in layers.values())


def manifest(told: Inventory, layers: Sequence[Descriptor]) -> tuple[bytes, bytes]:
    """The artifact's config and manifest."""
    config = encode(told)
    made = Manifest(2, Descriptor.of(CONFIG, config), tuple(layers), media_types.OCI_MANIFEST, artifact_type=CONFIG)
    return config, encode(made)


class Brought(msgspec.Struct, frozen=True):
    """A cache elsewhere: where its bytes are, and key or place → layer."""

    source: Source
    records: Mapping[str, Layer]
    mounts: Mapping[str, Layer]


def brought(source: Source, descriptor: Descriptor, platform: Platform) -> Brought:
    """The cache that ``descriptor`` names: an artifact, or an image with one inside. Raises :class:`NotFound`."""
    if descriptor.media_type not in media_types.INDEXES:
        raw = read_document(source, descriptor)
        read = parse_manifest(raw, descriptor.media_type, str(descriptor.digest))
        if read.config.media_type == CONFIG:
            told = decode(read_document(source, read.config), Inventory, "cache")
            return _brought(source, told.checked(len(read.layers)), read.layers)
    image = load(source, descriptor, platform)
    text = (image.manifest.annotations or {}).get(INLINE)
    if text is None:
        raise NotFound("the image has no cache inside", hint="--cache-to type=inline puts it there")
    inline = decode(text.encode(), Inventory, "cache")
    whole = msgspec.structs.replace(inline, diff_ids=image.diff_ids).checked(len(image.manifest.layers))
    return _brought(source, whole, image.manifest.layers)


def _brought(source: Source, told: Inventory, blobs: Sequence[Descriptor]) -> Brought:
    layers = [Layer(blob.plain, diff_id) for blob, diff_id in zip(blobs, told.diff_ids, strict=True)]
    records = {one.key: layers[one.layer] for one in told.records}
    return Brought(source, records, {one.place: layers[one.layer] for one in told.mounts})


class Travelling(Records):
    """The store's records, and behind them those of other places, asked when the store has none.

    ``places`` open a cache each, named for messages; what is wrong with one is told by ``warn``, once, and it is done
    without. ``touched`` is every key that served or was made.
    """

    def __init__(
        self, root: Path, store: Store, places: Mapping[str, Callable[[], Brought]], warn: Callable[[str], None]
    ) -> None:
        super().__init__(root)
        self._store, self._places, self._warn = store, dict(places), warn
        self._found: dict[str, Brought] | None = None
        self._lock = threading.Lock()
        self.touched: dict[str, Layer] = {}

    def find(self, key: str) -> Layer | None:
        """The store's record while its layer is there, else one that is brought, with its layer."""
        layer = super().find(key)
        if layer is not None and (not self._places or self._store.layout.exists(layer.descriptor)):
            return layer
        for name, cache in self._caches():
            found = cache.records.get(key)
            if found is not None and self._bring(name, cache, found):
                super().keep(key, found)
                return found
        return layer

    def has(self, key: str) -> bool:
        """Whether the store or another place has a record; nothing is brought."""
        return super().has(key) or any(key in cache.records for _, cache in self._caches())

    def used(self, key: str) -> None:
        """Note that a record served just now."""
        super().used(key)
        if layer := super().find(key):
            self.touched[key] = layer

    def keep(self, key: str, layer: Layer) -> None:
        """Note what ``key`` made."""
        super().keep(key, layer)
        self.touched[key] = layer

    def mount(self, place: str) -> Callable[[Path], object] | None:
        """What writes a cache mount's files to a directory, when one of the caches has them."""
        for name, cache in self._caches():
            layer = cache.mounts.get(place)
            if layer is not None and self._bring(name, cache, layer):
                root = Root(self._store, (layer,))
                return lambda target: Subtree.of(root.listing(), "/").write(target)
        return None

    def _caches(self) -> list[tuple[str, Brought]]:
        with self._lock:
            if self._found is None:
                self._found = {}
                for name, opened in self._places.items():
                    try:
                        self._found[name] = opened()
                    except ScowError as error:
                        self._warn(f"cache from {name}: {error}")
            return list(self._found.items())

    def _bring(self, name: str, cache: Brought, layer: Layer) -> bool:
        """The layer into the store; whether it is there, and what it should be."""
        unpacking = self._store.unpacking
        try:
            if not unpacking.exists(layer.descriptor):
                unpacking.push(layer.descriptor, cache.source)
            unpacking.header(layer)
        except ScowError as error:
            self._warn(f"cache from {name}: {error}")
            with self._lock:
                (self._found or {}).pop(name, None)
            return False
        return True
