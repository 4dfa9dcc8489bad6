"""A layer as images have it. Pure."""

from __future__ import annotations

import msgspec

from scow.oci.descriptor import Descriptor
from scow.oci.digest import DiffId


class Layer(msgspec.Struct, frozen=True):
    """A layer's blob and what it is uncompressed."""

    descriptor: Descriptor
    diff_id: DiffId
