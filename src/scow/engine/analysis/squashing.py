"""``squash``: the layers above a base become one, in which nothing is that a container would not see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from scow.errors import Invalid
from scow.image import merge, mutate, rootfs
from scow.image.add import add_layer
from scow.image.image import Image, load
from scow.image.put import add_image
from scow.oci.config import document
from scow.oci.digest import Digest
from scow.oci.reference import Reference

if TYPE_CHECKING:
    from scow.engine.workplace import Workplace
    from scow.image.layer import Layer

SCRATCH = "scratch"


class Squashed(msgspec.Struct, frozen=True):
    """A squashed image: its id, how many layers became one, and the content of all layers before and after."""

    id: Digest
    layers: int
    before: int
    after: int


def squash(workplace: Workplace, name: str, base: str, tag: str | None) -> Squashed:
    """See :meth:`scow.engine.analysis.verbs.Sizes.squash`."""
    target = Reference.parse(tag).familiar if tag else None
    store = workplace.store
    catalogue = workplace.catalogue()
    image = catalogue.find(name).image
    kept = 0 if base == SCRATCH else _boundary(image, catalogue.find(base).image, base)
    with store.layout.working():
        whole, below = rootfs.view(image.layers, store), rootfs.view(image.layers[:kept], store)
        planned = merge.above(whole, below)
        layer = add_layer(store.layout, store.layers, merge.items(planned, image.layers, store))
        layers = (*image.layers[:kept], layer)
        config = _config(document(image.raw_config), kept, layer, f"scow squash --from {base}")
        descriptor = add_image(store.layout, config, [one.descriptor for one in layers])
        store.layout.keep(descriptor, target)
        before, after = (_content(workplace, several) for several in (image.layers, layers))
        return Squashed(load(store.layout, descriptor).id, len(image.layers) - kept, before, after)


def _boundary(image: Image, base: Image, name: str) -> int:
    """How many layers of ``image`` are the base's."""
    count = len(base.diff_ids)
    if image.diff_ids[:count] != base.diff_ids:
        raise Invalid("the image does not stand on it", subject=name, hint="scow history shows what it stands on")
    if len(image.diff_ids) == count:
        raise Invalid("there are no layers above it", subject=name)
    return count


def _config(config: Mapping[str, Any], kept: int, layer: Layer, created_by: str) -> dict[str, Any]:
    """The config with the steps above the boundary still told, none of which brings a layer, and one that does."""
    created, merged = config.get("created"), len(config["rootfs"]["diff_ids"]) - kept
    step = mutate.Step(created_by, created, layer, f"merge of {merged} layers")
    return mutate.edited(mutate.without_layers(config, kept), [step], created=created)


def _content(workplace: Workplace, layers: tuple[Layer, ...]) -> int:
    unpacking = workplace.store.unpacking
    return sum(unpacking.header(layer).content for layer in layers)
