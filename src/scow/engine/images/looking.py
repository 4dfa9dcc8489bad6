"""Any image, wherever it is, opened to be looked at: for scan, analyze and whoever else unpacks nothing."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from scow.content.layout import Layout, name_of
from scow.content.target import Source
from scow.content.through import Through
from scow.errors import Conflict, Invalid, NotFound
from scow.image.image import Image, load
from scow.oci.descriptor import Descriptor
from scow.oci.location import Location
from scow.oci.reference import Reference

if TYPE_CHECKING:
    from scow.engine.workplace import Workplace
    from scow.image.contents import Contents
    from scow.registry.remote import Registry

#: A source, and what it calls the image.
Placed = tuple[Source, Descriptor]


@contextlib.contextmanager
def look(workplace: Workplace, text: str, platform: str | None = None, *, remote: bool = True) -> Iterator[Contents]:
    """The contents of the image at ``text`` (:class:`~scow.oci.location.Location`), for the length of the block.

    A bare name is the store's; else a path that is there (a tar archive, an OCI layout, a root directory); else its
    registry's, unless not ``remote``. Raises :class:`~scow.errors.NotFound`, also for an image of another platform.
    """
    asked = Location.parse(text)
    location = settled(workplace, asked)
    if location.kind == "docker" and not (remote or asked.kind):
        raise NotFound(
            f"No such image: {text}", subject=text, named=True, hint=f"docker://{text} is the one at its registry"
        )
    with _look(workplace, location, platform) as contents:
        yield contents


@contextlib.contextmanager
def _look(workplace: Workplace, location: Location, platform: str | None) -> Iterator[Contents]:
    if location.kind == "dir":
        from scow.image.directory import DirectoryContents

        yield DirectoryContents(Path(location.path))
        return
    from scow.image.contents import ImageContents

    with _image(workplace, location, platform) as (image, source):
        yield ImageContents(image, workplace.store, source)


@contextlib.contextmanager
def peek(workplace: Workplace, text: str, platform: str | None = None) -> Iterator[Contents]:
    """As :func:`look`, for single files: at a registry, layers with a table of contents stay there, and only the parts
    that are read come. What such a table says is checked against the manifest, not against the layer."""
    location = settled(workplace, Location.parse(text))
    if location.kind != "docker":
        with _look(workplace, location, platform) as contents:
            yield contents
        return
    from scow.image.ranged import RangedContents

    ranges = workplace.registry.repository(Reference.parse(location.name))
    with _image(workplace, location, platform) as (image, source):
        yield RangedContents(image, workplace.store, source, ranges)


@contextlib.contextmanager
def _image(workplace: Workplace, location: Location, platform: str | None) -> Iterator[tuple[Image, Source]]:
    wanted = workplace.wanted(platform)
    with workplace.store.layout.working(), placed(workplace, location, lambda: workplace.registry) as found:
        source, descriptor = found
        if location.kind == "store" and platform:
            descriptor = workplace.catalogue().find(location.name, wanted).image.descriptor
        if location.kind == "docker":
            source = Through(source, workplace.store.layout)
        image = load(source, descriptor, wanted)
        if platform and not image.config.platform.fitness(wanted):
            raise NotFound(f"is for {image.config.platform}, not for {wanted}", subject=str(location))
        yield image, source


def settled(workplace: Workplace, location: Location) -> Location:
    """The location with its kind found out, when nobody said it; of several readings, the one whose path is there."""
    if location.kind:
        return next((one for one in location.readings() if one.path and os.path.exists(one.path)), location)
    name = location.name
    with contextlib.suppress(NotFound, Invalid):  # a path is no reference
        workplace.catalogue().find(name)
        return Location("store", name=name)
    if os.path.isdir(name):
        return Location("oci" if os.path.exists(os.path.join(name, "oci-layout")) else "dir", name)
    return Location("oci-archive", name) if os.path.isfile(name) else Location("docker", name=name)


@contextlib.contextmanager
def placed(workplace: Workplace, location: Location, registry: Callable[[], Registry]) -> Iterator[Placed]:
    """Who has the image, and its descriptor there; ``registry`` is asked for when it is needed."""
    if location.kind == "store":
        yield workplace.store.layout, workplace.catalogue().find(location.name).image.descriptor
    elif location.kind == "docker":
        reference = Reference.parse(location.name)
        repository = registry().repository(reference)
        yield repository, repository.fetch(reference.selector)
    elif location.kind == "oci":
        layout = Layout(Path(location.path))
        yield layout, _only(_named(layout, location.name), location)
    else:
        from scow.content.archive import open_archive
        from scow.image.archive import opened

        with _opened(location.path) as file, opened(file, workplace.store.layout.ingest) as tar:
            source = open_archive(tar)
            wanted = _familiar(location.name)
            named = [found for name, found in source.names() if wanted in ("", name)]
            yield source, _only(named, location)


def _named(layout: Layout, name: str) -> list[Descriptor]:
    """The entries of an OCI layout that ``name`` may mean: a whole name or a tag alone; all for no name."""
    return [entry for entry in layout.entries() if not name or name_of(entry) in (name, _familiar(name))]


def _familiar(name: str) -> str:
    return Reference.parse(name).familiar if name else ""


def _only(found: Sequence[Descriptor], location: Location) -> Descriptor:
    """The one image that is meant. Raises :class:`NotFound` for none, :class:`Conflict` for several."""
    if not found:
        raise NotFound("holds no such image", subject=str(location))
    if len({one.digest for one in found}) > 1:
        raise Conflict("holds several images", subject=str(location), hint=f"say which: {location}:NAME")
    return found[0]


@contextlib.contextmanager
def _opened(path: str) -> Iterator[BinaryIO]:
    try:
        with open(path, "rb") as file:
            yield file
    except FileNotFoundError:
        raise NotFound("no such file", subject=path) from None
