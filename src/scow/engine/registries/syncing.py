"""What a sync comes to: which image goes where. PURE."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from scow.errors import Invalid
from scow.oci.location import Location
from scow.oci.reference import Reference

if TYPE_CHECKING:
    from scow.engine.values import Copied
    from scow.errors import ScowError


class Leg(msgspec.Struct, frozen=True):
    """One image of a sync: from where to where; and afterwards what it came to, or what went wrong."""

    source: str
    target: str
    copied: Copied | None = None
    error: ScowError | None = None


def check(place: Location) -> None:
    """Raises :class:`Invalid` for a place that takes one image only."""
    if place.kind != "docker" and (place.kind != "oci" or place.name):
        raise Invalid("many images cannot go there", subject=str(place), hint="docker://HOST/PATH or oci:DIR")


def target(name: str, place: Location, *, scoped: bool) -> Location:
    """Where the image ``name`` goes below ``place`` (:func:`check`): a registry's path, or a layout's directory.

    At a registry it keeps the last component of its path; with ``scoped`` all of it, its registry's name in front.

    >>> str(target("quay.io/team/app:1", Location.parse("docker://mirror:5000/m"), scoped=False))
    'docker://mirror:5000/m/app:1'
    >>> str(target("quay.io/team/app:1", Location.parse("docker://mirror:5000/m"), scoped=True))
    'docker://mirror:5000/m/quay.io/team/app:1'
    >>> str(target("quay.io/team/app:1", Location.parse("oci:/backup"), scoped=False))
    'oci:/backup:quay.io/team/app:1'
    """
    reference = Reference.parse(name)
    suffix = f"@{reference.digest}" if reference.digest and not reference.tag else f":{reference.tag}"
    if place.kind == "docker":
        host = reference.host.replace(":", "-")  # a path has no colons
        kept = f"{host}/{reference.path}" if scoped else reference.path.rpartition("/")[2]
        return Location("docker", name=f"{place.name.rstrip('/')}/{kept}{suffix}")
    return Location("oci", place.path, reference.familiar)
