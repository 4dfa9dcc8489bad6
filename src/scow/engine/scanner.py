"""What is in an image: its catalog, and as a bill of materials."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scow.engine.looking import look
from scow.engine.workplace import Workplace
from scow.scan.package import Catalog, Origin

if TYPE_CHECKING:
    from scow.image.contents import Contents
    from scow.image.image import Image


class Scanner:
    """Looks into images. A target is an image of the store, else ``docker://``, ``oci:``, a tar, a directory …"""

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace

    def catalog(self, target: str, *, platform: str | None = None) -> Catalog:
        """The packages of ``target``, what of it could not be read, and its layers."""
        from scow.scan.catalog.gather import gather_directory

        with look(self._workplace, target, platform) as contents:
            image = contents.image
            if image is None:
                merged = gather_directory(contents)
                return Catalog(target, "", merged.distribution, merged.packages, merged.unread)
            return self._of_image(target, image, contents)

    def _of_image(self, target: str, image: Image, contents: Contents) -> Catalog:
        from scow.scan.catalog.gather import gather
        from scow.scan.catalog.records import Records

        names = [diff_id.hex for diff_id in image.diff_ids]
        records = Records(self._workplace.root / "cache" / "scan")
        merged = gather(contents, names, image.chain.hex if image.chain else "empty", records)
        return Catalog(
            target, str(image.descriptor.digest), merged.distribution, merged.packages, merged.unread, _origins(image)
        )


def _origins(image: Image) -> tuple[Origin, ...]:
    """The layers, with the instruction of each where the history has as many of them as there are layers."""
    steps = [step.created_by for step in image.config.history or () if not step.empty_layer]
    told = steps if len(steps) == len(image.diff_ids) else [""] * len(image.diff_ids)
    return tuple(Origin(str(diff_id), step) for diff_id, step in zip(image.diff_ids, told, strict=True))
