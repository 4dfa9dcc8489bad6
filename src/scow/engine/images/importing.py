"""``import``: a tar of a file system becomes an image of one layer, its bytes kept as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

from scow.build.metadata import changed_process
from scow.image import mutate
from scow.image.add import add_tar
from scow.image.put import add_image
from scow.image.store import Store
from scow.layer.compression import detected, inflated
from scow.oci.config import Config
from scow.oci.descriptor import Descriptor
from scow.oci.platform import Platform


def import_image(
    store: Store, archive: BinaryIO, changes: Sequence[str], message: str, platform: Platform, created: str
) -> Descriptor:
    """The manifest of the new image. Raises :class:`~scow.errors.Invalid` for what is not a tar, or a hostile one."""
    process = changed_process(changes, Config())
    layer = add_tar(store.layout, store.layers, inflated(*detected(archive)))
    step = mutate.Step("", created, layer, message or "Imported from -")
    config = mutate.edited(mutate.scratch(platform), [step], created=created, **process)
    return add_image(store.layout, config, [layer.descriptor])
