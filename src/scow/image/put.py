"""An image out: its config and manifest into the store, once its layers are there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from scow.content.layout import Layout
from scow.image.mutate import manifest
from scow.oci import media_types
from scow.oci.descriptor import Descriptor
from scow.oci.documents import encode


def add_image(
    layout: Layout,
    config: dict[str, object],
    layers: Iterable[Descriptor],
    annotations: Mapping[str, str] | None = None,
) -> Descriptor:
    """Put a config document and the manifest that joins it with ``layers``; returns the manifest's descriptor."""
    raw = encode(config)
    layout.put(media_types.OCI_CONFIG, raw)
    return layout.put(media_types.OCI_MANIFEST, manifest(raw, tuple(layers), annotations))
