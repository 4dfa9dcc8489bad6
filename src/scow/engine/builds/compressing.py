"""How a build's layers are compressed: BuildKit's ``compression``, ``compression-level`` and ``force-compression``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from scow.build.once import Once, told
from scow.build.ops import key
from scow.image.layer import Layer
from scow.image.rewrite import squeezed
from scow.oci import media_types

if TYPE_CHECKING:
    from scow.engine.workplace import Workplace


class Compression(msgspec.Struct, frozen=True):
    """``level``: 0 to 12 of gzip, 0 to 22 of zstd, else the usual one. Layers that were there before the build, its
    base image's, stay as they are; with ``force`` those of another kind are compressed anew, too."""

    kind: Literal["gzip", "zstd", "none"] = "gzip"
    level: int | None = None
    force: bool = False


def compressed(workplace: Workplace, asked: Compression, layers: Sequence[Layer], base: int = 0) -> tuple[Layer, ...]:
    """``layers``, the first ``base`` of which are the base image's, as asked."""
    once = Once(workplace.cache, workplace.store.layout)
    wanted = []
    for number, layer in enumerate(layers):
        kind = media_types.LAYERS.get(layer.descriptor.media_type)
        if kind is None or media_types.is_foreign(layer.descriptor.media_type):
            changes = False
        elif number < base:
            changes = asked.force and kind != asked.kind
        else:
            changes = kind != asked.kind or (asked.level is not None and kind != "none")
        wanted.append(_anew(once, asked, layer) if changes else layer)
    return tuple(wanted)


def _anew(once: Once, asked: Compression, layer: Layer) -> Layer:
    """What the cache has of it, else made now."""
    name = key("compressed", [layer.descriptor.digest, asked.kind, str(asked.level)])

    def make() -> Layer:
        return Layer(squeezed(once.layout, once.layout, layer.descriptor, asked.kind, asked.level), layer.diff_id)

    return once.layer(None, lambda: told(name, make), cached=True)[0]
