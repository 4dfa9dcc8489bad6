"""An image as a value over a store: manifest and config, parsed beside their bytes."""

from __future__ import annotations

from functools import cached_property

import msgspec

from scow.content.target import Source
from scow.content.verify import read_document
from scow.errors import Invalid, NotFound
from scow.image.layer import Layer
from scow.oci import config as oci_config
from scow.oci import manifest as oci_manifest
from scow.oci import media_types
from scow.oci.descriptor import Descriptor
from scow.oci.digest import ChainId, DiffId, Digest, chain_id
from scow.oci.manifest import Index, Manifest
from scow.oci.platform import Platform, best

_INDEX_DEPTH = 4


class Image(msgspec.Struct, frozen=True, dict=True):
    """One image for one platform. ``descriptor`` names its manifest."""

    descriptor: Descriptor
    manifest: Manifest
    raw_config: bytes

    @cached_property
    def config(self) -> oci_config.Config:
        """The parsed config."""
        return oci_config.parse(self.raw_config, str(self.manifest.config.digest))

    @property
    def id(self) -> Digest:
        """The image id: the config's digest."""
        return self.manifest.config.digest

    @property
    def diff_ids(self) -> tuple[DiffId, ...]:
        """The layers' diff_ids, lowest first."""
        return self.config.diff_ids

    @property
    def chain(self) -> ChainId | None:
        """What the layers add up to; ``None`` for no layers."""
        return chain_id(self.diff_ids)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Blob and diff_id of each layer, lowest first. Raises :class:`Invalid` when they do not match in number."""
        if len(self.manifest.layers) != len(self.diff_ids):
            raise Invalid(
                f"manifest has {len(self.manifest.layers)} layers but the config {len(self.diff_ids)}",
                subject=str(self.descriptor.digest),
            )
        return tuple(Layer(blob, diff_id) for blob, diff_id in zip(self.manifest.layers, self.diff_ids, strict=True))


def load(source: Source, descriptor: Descriptor, platform: Platform | None = None) -> Image:
    """The image that ``descriptor`` names; in an index, the one for ``platform``.

    Raises :class:`NotFound` when the index has none for it, :class:`Invalid` for artifacts that are not images.
    """
    descriptor = select(source, descriptor, platform)
    raw = read_document(source, descriptor)
    manifest = oci_manifest.parse_manifest(raw, descriptor.media_type, str(descriptor.digest))
    if manifest.config.media_type not in media_types.CONFIGS:
        raise Invalid(f"is not a container image but {manifest.config.media_type}", subject=str(descriptor.digest))
    image = Image(descriptor, manifest, read_document(source, manifest.config))
    _ = image.layers  # refuse early what does not add up
    return image


def select(source: Source, descriptor: Descriptor, platform: Platform | None) -> Descriptor:
    """The manifest for ``platform`` (``None``: the only or first one) below ``descriptor``, through nested indexes."""
    for _ in range(_INDEX_DEPTH):
        if descriptor.media_type not in media_types.INDEXES:
            return descriptor
        raw = read_document(source, descriptor)
        index = oci_manifest.parse(raw, descriptor.media_type, str(descriptor.digest))
        if not isinstance(index, Index):
            raise Invalid("is not an index", subject=str(descriptor.digest))
        descriptor = _pick(index, platform, descriptor)
    raise Invalid("indexes nest too deep", subject=str(descriptor.digest))


def _pick(index: Index, platform: Platform | None, descriptor: Descriptor) -> Descriptor:
    candidates = [
        entry
        for entry in index.manifests
        if media_types.is_document(entry.media_type) and (entry.platform is None or entry.platform.known)
    ]
    if not candidates:
        raise NotFound("index holds no images", subject=str(descriptor.digest))
    if platform is None:
        return candidates[0]
    at = best([entry.platform for entry in candidates], platform)
    if at is not None:
        return candidates[at]
    unsaid = [entry for entry in candidates if entry.platform is None]
    if unsaid:
        return unsaid[0]
    told = ", ".join(sorted({str(entry.platform.normalised()) for entry in candidates if entry.platform}))
    raise NotFound(
        f"no matching manifest for {platform} in the manifest list entries",
        subject=str(descriptor.digest),
        hint=f"the image is there for: {told}",
    )
