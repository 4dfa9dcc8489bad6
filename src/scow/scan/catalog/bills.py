"""A bill of materials in a file, as the catalog of the image that it is about."""

from __future__ import annotations

from typing import Final

from scow.errors import Limit, NotFound
from scow.scan.catalog.merge import single
from scow.scan.catalog.reading import sane
from scow.scan.catalog.sbom import bill
from scow.scan.package import SYSTEM_KINDS, Catalog, Distribution, Package, Unread
from scow.scan.purls import distribution

_LIMIT: Final = 256 << 20


def from_bill(subject: str, path: str) -> Catalog:
    """The catalog in the file at ``path``. Which layer brought what is not in it. Raises :class:`NotFound`."""
    try:
        with open(path, "rb") as file:
            data = file.read(_LIMIT + 1)
    except (FileNotFoundError, IsADirectoryError):
        raise NotFound("no such file", subject=path) from None
    if len(data) > _LIMIT:
        raise Limit(f"file is over the limit of {_LIMIT} bytes", subject=path)
    reading = sane(bill(path.encode(errors="surrogateescape").lstrip(b"/"), data))
    unread = tuple(Unread(path.encode(errors="surrogateescape"), reason) for reason in reading.reasons)
    packages = tuple(single(reading.packages))
    return Catalog(subject, "", _distribution(packages), packages, unread)


def _distribution(packages: tuple[Package, ...]) -> Distribution | None:
    """What the distribution's packages say of it: the first that says a release, else the first."""
    told = [distribution(one.namespace, one.distro) for one in packages if one.kind in SYSTEM_KINDS]
    return next((one for one in told if one.version_id), told[0] if told else None)
