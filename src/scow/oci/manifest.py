"""Manifests and indexes (image-spec manifest.md, image-index.md; docker schema 2 reads the same)."""

# Annotations are not deferred: msgspec would compile each of them before the first document is read.

import msgspec

from scow.errors import Invalid, Unsupported
from scow.oci import media_types
from scow.oci.descriptor import Descriptor
from scow.oci.documents import decode

#: More entries than any real image has; a longer list is an attack.
_LAYERS_LIMIT = 4096
_MANIFESTS_LIMIT = 4096


class Manifest(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """One image for one platform: a config and layers, lowest first."""

    schema_version: int
    config: Descriptor
    layers: tuple[Descriptor, ...]
    media_type: str | None = None
    artifact_type: str | None = None
    subject: Descriptor | None = None
    annotations: dict[str, str] | None = None

    @property
    def children(self) -> tuple[Descriptor, ...]:
        """What must be there before this manifest is (its ``subject`` need not be)."""
        return (self.config, *self.layers)


class Index(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A list of manifests, or of further indexes."""

    schema_version: int
    manifests: tuple[Descriptor, ...]
    media_type: str | None = None
    artifact_type: str | None = None
    subject: Descriptor | None = None
    annotations: dict[str, str] | None = None

    @property
    def children(self) -> tuple[Descriptor, ...]:
        """The manifests and indexes it lists."""
        return self.manifests


class _Probe(msgspec.Struct, rename="camel"):
    """Just enough to tell the documents apart."""

    schema_version: int | None = None
    media_type: str | None = None
    config: msgspec.Raw = msgspec.Raw()
    layers: msgspec.Raw = msgspec.Raw()
    manifests: msgspec.Raw = msgspec.Raw()
    fs_layers: msgspec.Raw = msgspec.Raw()

    def has(self, field: str) -> bool:
        """Whether the document has the field, ``null`` aside."""
        return bytes(getattr(self, field)) not in (b"", b"null")


def parse(raw: bytes, media_type: str = "", subject: str = "manifest") -> Manifest | Index:
    """Read a manifest or an index.

    ``media_type`` is what the descriptor or the registry called it. A document that could be read as both kinds is
    refused (CVE-2021-41190), as is one whose own ``mediaType`` says otherwise.
    """
    probe = decode(raw, _Probe, subject)
    if probe.has("fs_layers") or probe.schema_version == 1 or media_type in media_types.SCHEMA1:
        raise Unsupported(
            "image manifest schema 1 is not supported",
            subject=subject,
            hint="the image was pushed by a docker from before 2016: push it again with a current tool",
        )
    if probe.schema_version != 2:
        raise Invalid(f"schemaVersion must be 2, not {probe.schema_version}", subject=subject)
    is_index = probe.has("manifests")
    if is_index and (probe.has("config") or probe.has("layers")):
        raise Invalid("is a manifest and an index at once", subject=subject)
    known = media_types.INDEXES | media_types.MANIFESTS
    for claim in (probe.media_type, media_type):
        if claim in known and (claim in media_types.INDEXES) is not is_index:
            raise Invalid(f"says it is {claim} but has the fields of the other kind", subject=subject)
    return _bounded(decode(raw, Index, subject) if is_index else decode(raw, Manifest, subject), subject)


def _bounded(document: Manifest | Index, subject: str) -> Manifest | Index:
    limit = _MANIFESTS_LIMIT if isinstance(document, Index) else _LAYERS_LIMIT
    if len(document.children) > limit:
        raise Invalid(f"lists {len(document.children)} descriptors, more than {limit}", subject=subject)
    for child in document.children:
        if child.size < 0:
            raise Invalid(f"gives {child.digest} a negative size", subject=subject)
    return document


def parse_manifest(raw: bytes, media_type: str = "", subject: str = "manifest") -> Manifest:
    """Read a document that must be one image's manifest."""
    document = parse(raw, media_type, subject)
    if isinstance(document, Index):
        raise Invalid("is an index, not an image manifest", subject=subject)
    return document
