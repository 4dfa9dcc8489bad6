"""Descriptors: what names bytes (image-spec descriptor.md)."""

# Annotations are not deferred: msgspec would compile each of them before the first document is read.

from typing import Any

import msgspec

from scow.oci.digest import Digest
from scow.oci.platform import Platform

#: The annotation that names an entry of an OCI layout's index (annotations.md).
REF_NAME = "org.opencontainers.image.ref.name"


class Descriptor(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """``digest`` names the bytes, ``size`` bounds them, ``media_type`` says how to read them."""

    media_type: str
    digest: Digest
    size: int
    urls: tuple[str, ...] | None = None
    annotations: dict[str, str] | None = None
    data: str | None = None
    artifact_type: str | None = None
    platform: Platform | None = None

    @classmethod
    def of(cls, media_type: str, data: bytes) -> "Descriptor":
        """The descriptor of ``data``."""
        return cls(media_type, Digest.of(data), len(data))

    def annotated(self, **changes: Any) -> "Descriptor":
        """A copy with other fields."""
        return msgspec.structs.replace(self, **changes)

    @property
    def plain(self) -> "Descriptor":
        """Only what names the bytes: annotations, platform and the rest are the referrer's words."""
        return Descriptor(self.media_type, self.digest, self.size)


def decode_hook(kind: type, value: Any) -> Any:
    """msgspec's hook for the digest types, which are text."""
    if issubclass(kind, str):
        if not isinstance(value, str):
            raise ValueError("a digest is text")
        return kind(value)
    raise NotImplementedError(kind)
