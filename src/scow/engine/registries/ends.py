"""The two ends of a copy, wherever they are: a source that is open, and a target that gives the copy its name."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from scow.content.layout import Layout
from scow.content.target import Sink, Source
from scow.engine.images.catalogue import SOURCE, Catalogue
from scow.engine.images.looking import placed, settled
from scow.errors import Denied, Integrity, Invalid, NotFound, ScowError, Unsupported
from scow.files import replacing
from scow.layer.scratch import scratch
from scow.oci.descriptor import Descriptor
from scow.oci.digest import Digest
from scow.oci.location import Location
from scow.oci.reference import Reference

if TYPE_CHECKING:
    from scow.engine.workplace import Workplace
    from scow.registry.remote import Registry
    from scow.registry.repository import Repository

#: Puts an image, whose parts have arrived, under its name.
Put = Callable[[Descriptor, Source], None]
#: Gives what was copied its name.
Name = Callable[[Descriptor], None]
_WHERE: Final = "docker://NAME, store:NAME, oci:DIR[:NAME], oci-archive:FILE[:NAME] or docker-archive:FILE[:NAME]"


@contextlib.contextmanager
def source(
    workplace: Workplace, location: Location, registry: Callable[[], Registry]
) -> Iterator[tuple[Location, Source, Descriptor]]:
    """The place that ``location`` means (found out, when nobody said it), and the image or index there."""
    location = settled(workplace, location)
    if location.kind == "dir":
        raise Unsupported("a plain directory is no image", subject=location.path, hint="tar -c | scow import -")
    if location.kind == "store":
        workplace.store.used(workplace.catalogue().find(location.name).image.descriptor)
        yield location, workplace.store.layout, _entry(workplace, location.name)
        return
    with placed(workplace, location, registry) as (found, descriptor):
        yield location, found, descriptor


def _entry(workplace: Workplace, name: str) -> Descriptor:
    """What the store calls an image: an index, when the name is one's."""
    catalogue = workplace.catalogue()
    return catalogue.named(name) or catalogue.find(name).image.descriptor


@contextlib.contextmanager
def target(
    workplace: Workplace,
    location: Location,
    registry: Callable[[], Registry],
    come_from: Location,
    known: Digest | None = None,
) -> Iterator[tuple[Sink, Put]]:
    """Where the image goes: a sink for its parts, and what puts it under its name there once they have arrived.

    ``known`` is the digest that a registry at ``come_from`` has it under, when nothing was changed.
    """
    if location.kind == "store":
        store = workplace.store.layout
        yield store, _named(store, _in_store(store, location.name, come_from, known))
    elif location.kind == "docker":
        reference = Reference.parse(location.name)
        repository = registry().repository(reference, push=True, held_by=_beside(reference, come_from))
        yield repository, lambda root, source: _at_registry(repository, reference, root, source)
    elif location.kind == "oci":
        with _layout(Path(location.path)) as layout:
            yield layout, _named(layout, lambda descriptor: layout.keep(descriptor, location.name))
    elif location.kind in ("oci-archive", "docker-archive"):
        with scratch(workplace.store.layout.ingest, "archive") as directory:
            layout = Layout(directory)
            here = Catalogue(layout, workplace.platform)
            yield layout, _named(layout, lambda descriptor: _as_archive(layout, here, descriptor, location))
    else:
        raise Invalid("does not say where to", subject=str(location), hint=_WHERE)


def _named(layout: Layout, name: Name) -> Put:
    def put(root: Descriptor, source: Source) -> None:
        if not layout.exists(root):
            layout.push(root, source)
        name(root)

    return put


def _beside(reference: Reference, come_from: Location) -> str:
    """The repository that the blobs may be mounted from: the source, when it is at the same registry."""
    if come_from.kind != "docker":
        return ""
    other = Reference.parse(come_from.name)
    return other.path if other.host == reference.host and other.path != reference.path else ""


def _at_registry(target: Repository, reference: Reference, descriptor: Descriptor, source: Source) -> None:
    if reference.digest and reference.digest != descriptor.digest:
        raise Integrity(
            "the image has another digest than the name says", expected=reference.digest, actual=descriptor.digest
        )
    target.push(descriptor, source, reference.tag or "")


def _in_store(layout: Layout, name: str, come_from: Location, known: Digest | None) -> Name:
    reference = Reference.parse(name)
    if reference.digest:
        raise Invalid("a name in the store cannot have a digest", subject=name)
    same = come_from.kind == "docker" and Reference.parse(come_from.name).repository == reference.repository
    annotations = {SOURCE: str(known)} if known and same else None
    return lambda descriptor: layout.tag(descriptor.plain.annotated(annotations=annotations), reference.familiar)


@contextlib.contextmanager
def _layout(path: Path) -> Iterator[Layout]:
    """An OCI layout of somebody else's, left without our working directories."""
    layout = Layout(path)
    with layout.working():
        yield layout
    for name in ("ingest", "leases"):
        with contextlib.suppress(OSError):  # somebody else may be at work there
            (path / name).rmdir()


def keeper(sink: Sink) -> Name:
    """What notes a referrer that came: a layout lists it, a registry knows by itself."""
    return sink.keep if isinstance(sink, Layout) else lambda descriptor: None


def _as_archive(layout: Layout, here: Catalogue, descriptor: Descriptor, location: Location) -> None:
    from scow.content import archive

    single = {}
    with contextlib.suppress(ScowError):  # an artifact has no image for this machine
        single[descriptor.digest] = here.image(descriptor).descriptor
    reference = Reference.parse(location.name) if location.name else None
    with _replaced(Path(location.path)) as output:
        archive.write(layout, [(descriptor, (reference,) if reference else ())], output, single)


@contextlib.contextmanager
def _replaced(path: Path) -> Iterator[BinaryIO]:
    """A file written beside its place, readable by its owner, and renamed."""
    try:
        with replacing(path) as file:
            yield file
    except FileNotFoundError:
        raise NotFound("no such directory", subject=str(path.parent)) from None
    except OSError as error:
        raise Denied(f"cannot write: {(error.strerror or '').lower()}", subject=str(path)) from None
