"""What is in an image, also as a bill of materials, and what is known to be wrong with it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from msgspec import structs

from scow.engine.images.looking import look
from scow.engine.workplace import Noun
from scow.errors import Invalid
from scow.layer.records import Records
from scow.scan.package import Catalog, Origin
from scow.scan.sources import SOURCE

if TYPE_CHECKING:
    from scow.image.contents import Contents
    from scow.image.image import Image
    from scow.oci.descriptor import Descriptor
    from scow.scan.finding import Report
    from scow.scan.ignore import Ignoring
    from scow.scan.importing import Imported

_SBOM: Final = "sbom:"
#: format -> media type of the document
FORMATS: Final = {
    "cyclonedx": "application/vnd.cyclonedx+json",
    "spdx": "application/spdx+json",
    "json": "application/json",
}


class Scanner(Noun):
    """Looks into images. A target is an image of the store, else ``docker://``, ``oci:``, a tar, a directory …, or a
    bill of materials (``sbom:FILE``)."""

    @property
    def _records(self) -> Records:
        from scow.scan.catalog.gather import VERSION

        return Records(self._workplace.root / "cache" / "scan", VERSION)

    def catalog(self, target: str, *, platform: str | None = None, lockfiles: bool = False) -> Catalog:
        """The packages of ``target``, what of it could not be read, and its layers.

        ``lockfiles``: also the packages that Node's lockfiles name, which need not be installed. Raises
        :class:`~scow.errors.NotFound`.
        """
        return self._catalog(target, platform, lockfiles=lockfiles, remote=True)

    def _catalog(self, target: str, platform: str | None, *, lockfiles: bool, remote: bool) -> Catalog:
        bill = _bill(target)
        if bill is not None:
            from scow.scan.catalog.bills import from_bill

            return from_bill(_told(target), bill)
        with look(self._workplace, target, platform, remote=remote) as contents:
            image = contents.image
            if image is not None:
                return self._of_image(_told(target), image, contents, lockfiles=lockfiles)
            from scow.scan.catalog.gather import gather_directory

            merged = gather_directory(contents, lockfiles=lockfiles)
            return Catalog(_told(target), "", merged.distribution, merged.packages, merged.unread)

    def scan(
        self,
        target: str,
        *,
        platform: str | None = None,
        lockfiles: bool = False,
        source: str | None = SOURCE,
        ignoring: Ignoring | None = None,
        watch: Callable[[Imported], None] = lambda imported: None,
    ) -> Report:
        """What is known to be wrong with the packages of ``target``.

        Advisories that are missing, or a day old, come from OSV's bulk data at ``source``; with ``None`` nothing goes
        over the network, but for a ``target`` that says ``docker://``. What nothing could be asked about is told too.
        """
        from scow.engine.scans.advisories import Advisories
        from scow.engine.scans.assessing import assessed, due, refreshed, today

        catalog = self._catalog(target, platform, lockfiles=lockfiles, remote=source is not None)
        advisories = Advisories(self._workplace)
        report = assessed(advisories.database, catalog, self._records)
        if source is not None and (stale := due(report, source)):
            notes = refreshed(advisories, stale, source, watch)
            report = structs.replace(assessed(advisories.database, catalog, self._records), notes=notes)
        if ignoring is None:
            return report
        from scow.scan.ignore import left_out

        return left_out(report, ignoring, today())

    def sbom(
        self,
        target: str,
        *,
        format: str = "cyclonedx",  # noqa: A002  (the flag's name)
        platform: str | None = None,
        lockfiles: bool = False,
    ) -> bytes:
        """The catalog as a document: ``cyclonedx`` (1.6), ``spdx`` (2.3) or ``json``; always the same bytes."""
        return b"".join(self.sbom_pieces(target, format=format, platform=platform, lockfiles=lockfiles))

    def sbom_pieces(
        self,
        target: str,
        *,
        format: str,  # noqa: A002  (the flag's name)
        platform: str | None = None,
        lockfiles: bool = False,
    ) -> Iterator[bytes]:
        """As :meth:`sbom`, piece by piece: a document can be far larger than the catalog that it is made from."""
        write = _writer(format)
        return _pieces(write, self.catalog(target, platform=platform, lockfiles=lockfiles))

    def sbom_of(self, image: Image, *, format: str = "spdx") -> bytes:  # noqa: A002  (the flag's name)
        """As :meth:`sbom`, of an image that is in the store, whatever it is called there."""
        from scow.image.contents import ImageContents

        store = self._workplace.store
        contents = ImageContents(image, store, store.layout)
        write = _writer(format)
        name = str(image.descriptor.digest)
        return b"".join(_pieces(write, self._of_image(name, image, contents, lockfiles=False)))

    def attach_sbom(
        self,
        target: str,
        *,
        format: str = "cyclonedx",  # noqa: A002  (the flag's name)
        platform: str | None = None,
    ) -> Descriptor:
        """Put the document beside the image at its registry, as an artifact that refers to it; its descriptor.

        The image is the very one that was looked at, for one platform. Raises :class:`Invalid` for a target that has
        no registry, :class:`~scow.errors.NotFound` when the registry has no such image.
        """
        from scow.engine.registries.verbs import Registries
        from scow.layer.scratch import scratch
        from scow.oci.location import Location

        location = Location.parse(target)
        if location.kind not in ("", "store", "docker"):
            raise Invalid("is at no registry, so nothing can be attached to it", subject=target)
        write, media_type = _writer(format), FORMATS[format]
        found = self.catalog(target, platform=platform)
        with scratch(self._workplace.store.layout.ingest, "artifact") as directory:
            path = directory / f"sbom.{format}.json"
            with path.open("xb") as file:
                file.writelines(_pieces(write, found))
            registries = Registries(self._workplace)
            name = f"{location.name.partition('@')[0]}@{found.digest}"
            return registries.attach(name, [(str(path), media_type)], artifact_type=media_type)

    def _of_image(self, target: str, image: Image, contents: Contents, *, lockfiles: bool) -> Catalog:
        from scow.scan.catalog.gather import gather

        names = [diff_id.hex for diff_id in image.diff_ids]
        chain = image.chain.hex if image.chain else "empty"
        merged = gather(contents, names, chain, self._records, lockfiles=lockfiles)
        return Catalog(
            target,
            str(image.descriptor.digest),
            merged.distribution,
            merged.packages,
            merged.unread,
            _origins(image),
            image.config.created or "",
        )


def _told(target: str) -> str:
    """The target as documents name it: a path need not be text."""
    return os.fsencode(target).decode(errors="backslashreplace")


def _bill(target: str) -> str | None:
    """The path of a bill of materials, when ``target`` is one: a JSON file, which no image is."""
    if target.startswith(_SBOM):
        return target.removeprefix(_SBOM)
    if not os.path.isfile(target):
        return None
    with open(target, "rb") as file:
        return target if file.read(512).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") else None


def _writer(name: str) -> Callable[[Catalog, str], dict[str, Any]]:
    """Who writes a format; only that one is imported. Raises :class:`Invalid`."""
    if name == "cyclonedx":
        from scow.scan.bom.cyclonedx import cyclonedx

        return cyclonedx
    if name == "spdx":
        from scow.scan.bom.spdx import spdx

        return spdx
    if name == "json":
        from scow.scan.bom.plain import plain

        return plain
    raise Invalid("no such format of a bill of materials", subject=name, hint=f"there are {', '.join(FORMATS)}")


def _pieces(write: Callable[[Catalog, str], dict[str, Any]], catalog: Catalog) -> Iterator[bytes]:
    from scow import __version__
    from scow.scan.bom.writing import pieces

    return pieces(write(catalog, __version__))


def _origins(image: Image) -> tuple[Origin, ...]:
    """The layers, with the instruction of each where the history has as many of them as there are layers."""
    steps = [step.created_by for step in image.config.history or () if not step.empty_layer]
    told = steps if len(steps) == len(image.diff_ids) else [""] * len(image.diff_ids)
    return tuple(Origin(str(diff_id), step) for diff_id, step in zip(image.diff_ids, told, strict=True))
