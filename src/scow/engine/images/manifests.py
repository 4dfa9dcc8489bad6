"""Indexes made by hand (docker's ``manifest`` verbs): several images under one name, one for each platform.

The index is in the store. Its images may be in the store or at registries; where each one is, the entry of
``index.json`` remembers (:data:`PARTS`), and a push brings what the other registry lacks.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from scow.content.layout import name_of
from scow.content.target import Reader, Source
from scow.content.verify import read_document
from scow.engine.texts import several
from scow.engine.values import Moved
from scow.engine.workplace import Noun
from scow.errors import AlreadyExists, Invalid, NotFound, ScowError
from scow.image.image import load
from scow.oci import media_types
from scow.oci.descriptor import Descriptor
from scow.oci.digest import Digest
from scow.oci.documents import decode, encode
from scow.oci.manifest import Index, parse
from scow.oci.platform import Platform
from scow.oci.reference import Reference

if TYPE_CHECKING:
    from scow.content.copy import Watch
    from scow.engine.workplace import Workplace

#: On an entry of ``index.json``: digest → the name under which a registry has that image.
PARTS: Final = "dev.scow.parts"


class Manifests(Noun):
    """``engine.manifests``."""

    def __init__(self, workplace: Workplace) -> None:
        super().__init__(workplace)
        self._layout = workplace.store.layout

    def create(self, name: str, images: Sequence[str], *, amend: bool = False) -> Digest:
        """Make an index of ``images``: names in the store, else at their registries; indexes give all their images.

        Raises :class:`AlreadyExists` when the name is an index already, unless it is to be amended.
        """
        reference = self._tagged(name)
        with self._layout.working():
            entries, parts = self._known(reference, amend)
            for image in several("images", images):
                for entry, where in self._found(image):
                    entries = [one for one in entries if one.digest != entry.digest] + [entry]
                    if where:
                        parts[entry.digest] = where
            return self._keep(reference, entries, parts)

    def annotate(self, name: str, image: str, **platform: Any) -> Digest:
        """Say otherwise what an image of the index runs on: ``os``, ``architecture``, ``variant``, ``os_version``,
        ``os_features``; what is ``None`` stays."""
        reference = self._tagged(name)
        with self._layout.working():
            entries, parts = self._known(reference, True)
            wanted = {entry.digest for entry, _ in self._found(image)}
            if not any(entry.digest in wanted for entry in entries):
                raise NotFound("is not in the index", subject=image)
            said = {key: value for key, value in platform.items() if value}
            changed = [_annotated(entry, said) if entry.digest in wanted else entry for entry in entries]
            return self._keep(reference, changed, parts)

    def inspect(self, name: str) -> tuple[Descriptor, bytes]:
        """An index or manifest, in the store or at its registry: its descriptor and its very bytes."""
        source, descriptor = self._placed(name)
        return descriptor, read_document(source, descriptor)

    def images(self, name: str) -> Iterator[tuple[str, Descriptor, bytes]]:
        """Each image of an index, or the one that a name means: a name of it, its descriptor with the platform, its
        manifest's very bytes. They are fetched from where they are."""
        source, descriptor = self._placed(name)
        if descriptor.media_type not in media_types.INDEXES:
            yield name, next(_expanded(source, descriptor)), read_document(source, descriptor)
            return
        everywhere = _Somewhere([source, *map(self._workplace.registry.repository, _homes(descriptor))])
        for one in _expanded(source, descriptor):
            yield f"{Reference.parse(name).familiar}@{one.digest}", one, read_document(everywhere, one)

    def push(self, name: str, *, purge: bool = False, watch: Watch = lambda progress: None) -> Moved:
        """Send the index, and of its images what the registry lacks; with ``purge``, forget it here then."""
        from scow.content.copy import copy

        reference = self._tagged(name)
        entry = self._index(reference)
        others = _homes(entry)
        mounts = tuple({one.path for one in others if one.host == reference.host and one.path != reference.path})
        registry = self._workplace.registry
        repository = registry.repository(reference, push=True, mount_from=mounts)
        with self._layout.working():
            source = _Somewhere([self._layout, *(registry.repository(one) for one in others)])
            copy(source, repository, entry.plain, watch=watch)
            repository.tag(entry.plain, reference.tag or "latest")
        if purge:
            self.remove([name])
        return Moved(str(reference), entry.digest, entry.digest, fresh=True, size=entry.size)

    def remove(self, names: Iterable[str]) -> tuple[str, ...]:
        """Forget indexes made here; their images stay where they are."""
        gone = [self._tagged(name) for name in names]
        for reference in gone:
            self._index(reference)
        doomed = {reference.familiar for reference in gone}
        self._layout.rename(lambda entries: [one for one in entries if name_of(one) not in doomed])
        self._workplace.collect()
        return tuple(str(reference) for reference in gone)

    # -- parts ------------------------------------------------------------------------------------------------------

    def _placed(self, name: str) -> tuple[Source, Descriptor]:
        entry = self._workplace.catalogue().named(name)
        if entry is not None:
            return self._layout, entry
        reference = Reference.parse(name)
        repository = self._workplace.registry.repository(reference)
        return repository, repository.fetch(reference.selector)

    def _tagged(self, name: str) -> Reference:
        reference = Reference.parse(name)
        if reference.digest:
            raise Invalid("an index that is made here cannot have a digest in its name", subject=name)
        return reference

    def _index(self, reference: Reference) -> Descriptor:
        entry = self._workplace.catalogue().named(reference.familiar)
        if entry is None or entry.media_type not in media_types.INDEXES:
            raise NotFound(f"No such manifest: {reference}", subject=str(reference), named=True)
        return entry

    def _known(self, reference: Reference, amend: bool) -> tuple[list[Descriptor], dict[str, str]]:
        """The images that the index has already, and where they are."""
        try:
            entry = self._index(reference)
        except NotFound:
            if self._workplace.catalogue().named(reference.familiar) is not None:
                raise AlreadyExists("is an image, not an index", subject=reference.familiar) from None
            return [], {}
        if not amend:
            raise AlreadyExists("refusing to amend an existing manifest list with no --amend flag")
        return list(parse(self._layout.read(entry), entry.media_type).children), _parts(entry)

    def _found(self, image: str) -> Iterator[tuple[Descriptor, str]]:
        """Each image that a name means, with its platform, and the name by which a registry has it, or ``""``."""
        entry = self._workplace.catalogue().named(image)
        if entry is not None:
            yield from ((one, "") for one in _expanded(self._layout, entry))
            return
        reference = Reference.parse(image)
        repository = self._workplace.registry.repository(reference)
        for one in _expanded(repository, repository.resolve(reference.selector)):
            yield one, str(reference.with_digest(one.digest))

    def _keep(self, reference: Reference, entries: Sequence[Descriptor], parts: dict[str, str]) -> Digest:
        made = self._layout.put(media_types.OCI_INDEX, encode(Index(2, tuple(entries), media_types.OCI_INDEX)))
        told = {PARTS: encode(parts).decode()} if parts else None
        self._layout.tag(made.annotated(annotations=told), reference.familiar)
        self._layout.rename(lambda old: [one for one in old if name_of(one) or PARTS not in (one.annotations or {})])
        return made.digest


class _Somewhere:
    """Whichever of several sources has it, the first that does."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources

    @contextlib.contextmanager
    def open(self, descriptor: Descriptor, offset: int = 0) -> Iterator[Reader]:
        with contextlib.ExitStack() as stack:
            yield self._entered(stack, descriptor, offset)

    def _entered(self, stack: contextlib.ExitStack, descriptor: Descriptor, offset: int) -> Reader:
        for source in self._sources[:-1]:
            with contextlib.suppress(NotFound):
                return stack.enter_context(source.open(descriptor, offset))
        return stack.enter_context(self._sources[-1].open(descriptor, offset))


def _parts(entry: Descriptor) -> dict[str, str]:
    raw = (entry.annotations or {}).get(PARTS, "{}")
    with contextlib.suppress(ScowError):
        return decode(raw.encode(), dict[str, str], PARTS)
    return {}


def _homes(entry: Descriptor) -> list[Reference]:
    """Where the images of an index are that are at registries."""
    return [Reference.parse(text) for text in _parts(entry).values()]


def _expanded(source: Source, descriptor: Descriptor) -> Iterator[Descriptor]:
    """The images that a manifest or index means, with their platforms."""
    if descriptor.media_type in media_types.INDEXES:
        document = parse(read_document(source, descriptor), descriptor.media_type, str(descriptor.digest))
        yield from document.children
        return
    yield descriptor.plain.annotated(platform=load(source, descriptor).config.platform)


def _annotated(entry: Descriptor, said: dict[str, Any]) -> Descriptor:
    known = entry.platform or Platform("", "")
    return entry.annotated(platform=msgspec.structs.replace(known, **said))
