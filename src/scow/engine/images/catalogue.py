"""The images of a store by every word people use for them: names, digests, ids and their beginnings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from scow.content.layout import Layout, name_of
from scow.errors import Conflict, Invalid, NotFound, ScowError
from scow.image.image import Image, load
from scow.oci import media_types
from scow.oci.descriptor import Descriptor
from scow.oci.digest import Digest
from scow.oci.platform import Platform
from scow.oci.reference import Reference

#: On an entry of ``index.json``: the digest under which a registry knows what the name means.
SOURCE: Final = "dev.scow.digest"
_ID: Final = r"(?:sha256:)?([0-9a-f]{1,64})"


class Known(msgspec.Struct):
    """An image and all its entries."""

    image: Image
    entries: list[Descriptor] = []

    @property
    def references(self) -> tuple[Reference, ...]:
        """Its names."""
        named = (name_of(entry) for entry in self.entries)
        return tuple(Reference.parse(name, default_tag=None) for name in named if name)

    @property
    def names(self) -> tuple[str, ...]:
        """Its names, familiar."""
        return tuple(reference.familiar for reference in self.references)

    @property
    def tags(self) -> tuple[str, ...]:
        """Its familiar names with a tag."""
        return tuple(reference.familiar for reference in self.references if reference.tag and not reference.digest)

    @property
    def digests(self) -> tuple[str, ...]:
        """``repository@digest`` for each registry that knows it."""
        found: dict[str, None] = {}
        for entry in self.entries:
            name = name_of(entry)
            source = (entry.annotations or {}).get(SOURCE)
            if name and source:
                found[f"{Reference.parse(name).familiar_name}@{source}"] = None
        return tuple(found)


class Catalogue:
    """A look at the store's names, taken once. ``ids`` are those of manifests that earlier looks have read."""

    def __init__(self, layout: Layout, platform: Platform, ids: dict[Digest, Digest] | None = None) -> None:
        self._layout, self._platform = layout, platform
        self._ids = {} if ids is None else ids
        self.entries = (*layout.entries(), *layout.passing)

    def __iter__(self) -> Iterator[Known]:
        """Every image, in the order of its first entry; what cannot be read is passed over."""
        return iter(self._beginning(""))

    def _beginning(self, digits: str) -> list[Known]:
        """Those whose id begins with the hexadecimal ``digits``."""
        found: dict[tuple[str, str], Known] = {}
        for entry in self.entries:
            known = self._ids.get(entry.digest)
            if known is not None and not known.hex.startswith(digits):
                continue
            image = self._load(entry)
            if image is not None and image.id.hex.startswith(digits):
                found.setdefault((image.id, entry.digest), Known(image)).entries.append(entry)
        return list(found.values())

    def find(self, text: str, platform: Platform | None = None) -> Known:
        """The image that ``text`` means: a name, ``name@digest``, an id or the beginning of one; for ``platform``,
        when that is said.

        Raises :class:`NotFound`, or :class:`Conflict` when a beginning fits several.
        """
        entry = self.named(text)
        if entry is None:
            return self._by_id(text)
        image = load(self._layout, entry, platform) if platform else self.image(entry)
        if platform and not image.config.platform.fitness(platform):
            problem = f"image with reference {_told(text)} was found but does not match {platform}"
            raise NotFound(problem, subject=text, named=True)
        return Known(image, [one for one in self.entries if one.digest == entry.digest])

    def image(self, entry: Descriptor) -> Image:
        """The image of an entry: in an index the one for this machine, else the first."""
        try:
            return load(self._layout, entry, self._platform)
        except NotFound:
            if entry.media_type not in media_types.INDEXES:
                raise
            return load(self._layout, entry)

    def named(self, text: str) -> Descriptor | None:
        """The entry that ``text`` names, as a reference or by its whole digest."""
        exact = [entry for entry in self.entries if entry.digest == text]
        if exact:
            return min(exact, key=lambda entry: name_of(entry) is not None)
        try:
            reference = Reference.parse(text)
        except Invalid:
            return None
        familiar = reference.familiar, reference.with_tag(reference.tag or "latest").familiar
        for entry in self.entries:
            if name_of(entry) in familiar and (
                not reference.digest or reference.digest in (entry.digest, (entry.annotations or {}).get(SOURCE))
            ):
                return entry
        return self._by_digest(reference) if reference.digest else None

    def _by_digest(self, reference: Reference) -> Descriptor | None:
        for entry in self.entries:
            name = name_of(entry)
            known = (entry.digest, (entry.annotations or {}).get(SOURCE))
            if name and Reference.parse(name).repository == reference.repository and reference.digest in known:
                return entry
        return None

    def _by_id(self, text: str) -> Known:
        match = re.fullmatch(_ID, text)
        found = self._beginning(match[1]) if match else []
        ids: set[Digest] = {one.image.id for one in found}
        if len(ids) > 1:
            raise Conflict(f"ambiguous: {len(ids)} image ids begin so", subject=text, hint="give more of the id")
        if not found:
            if not match:
                Reference.parse(text)
            raise NotFound(f"No such image: {_told(text)}", subject=text, named=True)
        return Known(found[0].image, [entry for one in found for entry in one.entries])

    def _load(self, entry: Descriptor) -> Image | None:
        try:
            image = self.image(entry)
        except ScowError:
            return None
        self._ids[image.descriptor.digest] = image.id
        return image


def _told(text: str) -> str:
    try:
        return Reference.parse(text).familiar
    except Invalid:
        return text
