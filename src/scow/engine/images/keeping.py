"""``pull --keep``: what stays of each layer of an image (ADR 0065)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, get_args

from scow.engine.values import Keep
from scow.errors import Invalid, Unsupported

if TYPE_CHECKING:
    from scow.engine.workplace import Workplace
    from scow.image.image import Image
    from scow.oci.reference import Reference


def check(keep: str, *, of_registry: bool = True) -> None:
    """Raise :class:`Invalid` for what is no such choice, :class:`Unsupported` where it cannot be kept."""
    if keep not in get_args(Keep):
        raise Invalid(f"cannot keep {keep!r}", hint=f"keep one of {', '.join(get_args(Keep))}")
    if keep != "unpacked":
        return
    if not of_registry:
        raise Unsupported(
            "what came in an archive cannot be kept unpacked only: no registry is known to have its blobs",
            hint="keep both; or push it, and pull it from there",
        )
    if sys.platform != "linux":
        raise Unsupported("layers are unpacked on Linux only", hint="keep compressed")


def shed(workplace: Workplace, image: Image, reference: Reference) -> None:
    """Let go of the blobs that the registry has, but for those that other images and the build cache need."""
    from scow.image.shedding import shed as shed_blobs

    names = [layer.descriptor.digest for _, layer in workplace.cache]
    shed_blobs(workplace.store, image, reference.repository, names)
