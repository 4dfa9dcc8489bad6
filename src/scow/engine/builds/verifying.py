"""Whether an image is what it should be: compared with another one, down to the entry."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

from scow.image.difference import Difference, documents, layers
from scow.image.image import Image
from scow.image.layer import Layer
from scow.image.store import Store
from scow.layer.entry import Entry
from scow.oci.config import document

#: fields of a config that say again what the layers say
_LAYERS = "rootfs"


def differences(store: Store, was: Image, now: Image) -> Iterator[Difference]:
    """What is different in ``now``; nothing for images of one digest."""
    if was.descriptor.digest == now.descriptor.digest:
        return
    old, new = document(was.raw_config), document(now.raw_config)
    for side in (old, new):
        side.pop(_LAYERS, None)
    found = [*documents(old, new, "config"), *_layers(store, was, now)]
    yield from found
    if not found:
        yield from _manifests(was, now)


def _layers(store: Store, was: Image, now: Image) -> Iterator[Difference]:
    for number, (one, other) in enumerate(zip_longest(was.layers, now.layers), 1):
        if one is None or other is None:
            yield Difference(f"layer {number}", "layer", one.diff_id if one else "", other.diff_id if other else "")
        elif one.diff_id != other.diff_id:
            yield from layers(_entries(store, one), _entries(store, other), f"layer {number}")


def _entries(store: Store, layer: Layer) -> list[Entry]:
    with store.unpacking.with_digests(layer) as index:
        return list(index)


def _manifests(was: Image, now: Image) -> Iterator[Difference]:
    """The same config and contents: compression, media types or annotations."""
    for number, (one, other) in enumerate(zip(was.manifest.layers, now.manifest.layers, strict=True), 1):
        if one.digest != other.digest:
            yield Difference(f"layer {number}", "compressed bytes", str(one.digest), str(other.digest))
        elif one.media_type != other.media_type:
            yield Difference(f"layer {number}", "media type", one.media_type, other.media_type)
    yield from documents(was.manifest.annotations or {}, now.manifest.annotations or {}, "manifest", "annotations")
    if was.raw_config != now.raw_config:
        yield Difference("config", "bytes", str(was.id), str(now.id))
    yield from documents(was.manifest.media_type, now.manifest.media_type, "manifest", "mediaType")
