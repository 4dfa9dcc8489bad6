"""A whole image's packages: each layer's record, taken or made, and merged.

An image that is known costs one file to read; what makes records is not even imported for it.

::

    layer-<hex of diff_id>    a layer's record
    image-<hex of chain_id>   what its layers add up to
    report-<fingerprint>      what a state of the advisory database says of a state of an image's packages
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from scow.layer.records import Records
from scow.scan.catalog.reading import Merged, Record

if TYPE_CHECKING:
    from scow.scan.catalog.survey import Layers


#: Counts up whenever something else is read in the same bytes, or said of the same packages: records of earlier ones
#: are then not used.
VERSION: Final = 11
_LAYERS_AT_ONCE: Final = 4


def gather(layers: Layers, diff_ids: Sequence[str], chain: str, records: Records, *, lockfiles: bool = False) -> Merged:
    """What the image holds. ``diff_ids`` and ``chain`` (hex) name its layers and what they add up to."""
    name = f"image-{chain}-lockfiles" if lockfiles else f"image-{chain}"
    known = records.find(name, Merged)
    if known is not None:
        return known
    from concurrent.futures import ThreadPoolExecutor

    from scow.scan.catalog.merge import merge

    with ThreadPoolExecutor(_LAYERS_AT_ONCE, "survey") as pool:
        found = list(pool.map(partial(_record, layers, records), range(len(diff_ids)), diff_ids))
    merged = merge(found, layers.entries, lockfiles=lockfiles)
    records.keep(name, merged)
    records.trim()
    return merged


def gather_directory(layers: Layers, *, lockfiles: bool = False) -> Merged:
    """What a plain directory holds, which is one layer that may change at any time: nothing of it is kept."""
    from scow.scan.catalog.merge import merge
    from scow.scan.catalog.survey import survey

    return merge([survey(layers, 0)], layers.entries, lockfiles=lockfiles)


def _record(layers: Layers, records: Records, number: int, name: str) -> Record:
    record = records.find(f"layer-{name}", Record)
    if record is None:
        from scow.scan.catalog.survey import survey

        record = survey(layers, number)
        records.keep(f"layer-{name}", record)
    return record
