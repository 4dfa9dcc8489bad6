"""The two families of media types, and documents said in the other one's words. Pure.

OCI's and docker's manifests have the same fields; only media types differ, and annotations and artifacts are OCI's
alone (image-spec media-types.md, "Compatibility Matrix").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec

from scow.errors import Invalid, Unsupported
from scow.oci import media_types as types
from scow.oci.descriptor import Descriptor
from scow.oci.documents import encode
from scow.oci.manifest import Index, Manifest
from scow.oci.platform import Platform

Family = Literal["oci", "docker"]

_PAIRS: Final = (
    (types.OCI_INDEX, types.DOCKER_INDEX),
    (types.OCI_MANIFEST, types.DOCKER_MANIFEST),
    (types.OCI_CONFIG, types.DOCKER_CONFIG),
    (types.OCI_LAYER, types.DOCKER_LAYER),
    (types.OCI_LAYER_GZIP, types.DOCKER_LAYER + ".gzip"),
    (types.OCI_LAYER_ZSTD, types.DOCKER_LAYER + ".zstd"),
)
_WORDS: Final[Mapping[Family, Mapping[str, str]]] = {
    "oci": {docker: oci for oci, docker in _PAIRS},
    "docker": dict(_PAIRS),
}
_ZSTD: Final = frozenset(kind for kind, compression in types.LAYERS.items() if compression == "zstd")
#: What an attestation says about the image that it belongs to (buildkit's attestation storage).
ATTESTED: Final = "vnd.docker.reference.digest"


def family_of(media_type: str) -> Family:
    """Whose word a manifest's or index's media type is."""
    return "docker" if media_type in (types.DOCKER_INDEX, types.DOCKER_MANIFEST) else "oci"


def said(media_type: str, family: Family) -> str:
    """The media type in that family's words; what neither knows stays as it is."""
    return _WORDS[family].get(media_type, media_type)


def layer_type(compression: str, family: Family) -> str:
    """The media type of a layer compressed so."""
    return said(types.LAYER_OF[compression], family)


def manifest(document: Manifest, family: Family, layers: Sequence[Descriptor]) -> bytes:
    """``document`` over ``layers`` in that family's words. Raises :class:`Unsupported` for what it has no words for."""
    if family == "oci":
        changed = [layer.annotated(media_type=said(layer.media_type, family)) for layer in layers]
        config = document.config.annotated(media_type=said(document.config.media_type, family))
        return encode(
            msgspec.structs.replace(document, media_type=types.OCI_MANIFEST, config=config, layers=tuple(changed))
        )
    if said(document.config.media_type, family) != types.DOCKER_CONFIG or document.subject:
        raise Unsupported("an artifact has no docker format")
    if any(layer.media_type in _ZSTD for layer in layers):
        raise Unsupported("docker's format has no zstd layers", hint="--compression gzip, or --format oci")
    plain = [layer.plain.annotated(media_type=said(layer.media_type, family), urls=layer.urls) for layer in layers]
    config = document.config.plain.annotated(media_type=types.DOCKER_CONFIG)
    return encode(Manifest(2, config, tuple(plain), types.DOCKER_MANIFEST))


def index(document: Index, family: Family, manifests: Sequence[Descriptor]) -> bytes:
    """``document`` over ``manifests`` in that family's words."""
    if family == "oci":
        return encode(msgspec.structs.replace(document, media_type=types.OCI_INDEX, manifests=tuple(manifests)))
    plain = [one.plain.annotated(platform=one.platform) for one in manifests]
    return encode(Index(2, tuple(plain), types.DOCKER_INDEX))


def chosen(document: Index, platforms: Sequence[Platform]) -> tuple[Descriptor, ...]:
    """The entries for ``platforms`` and the attestations of these, in their order. Raises :class:`Invalid` for none."""
    known = [entry for entry in document.manifests if entry.platform and entry.platform.known]
    found = {
        platform: {one.digest for one in known if one.platform and one.platform.normalised() == platform.normalised()}
        for platform in platforms
    }
    wanted = set[str]().union(*found.values())
    if missing := [platform for platform, digests in found.items() if not digests]:
        raise Invalid(f"the index has no image for {', '.join(map(str, missing))}")
    return tuple(
        entry
        for entry in document.manifests
        if entry.digest in wanted or (entry.annotations or {}).get(ATTESTED) in wanted
    )


def moved(entry: Descriptor, to: Descriptor, digests: Mapping[str, str]) -> Descriptor:
    """The entry of an index after its image became ``to``; ``digests`` maps old to new for attestations."""
    annotations = {
        key: digests.get(value, value) if key == ATTESTED else value for key, value in (entry.annotations or {}).items()
    }
    return entry.annotated(
        media_type=to.media_type, digest=to.digest, size=to.size, annotations=annotations or None, data=None
    )
