"""A whole image's packages: each layer's record, taken or made, and merged.

An image that is known costs one file to read; what makes records is not even imported for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from scow.scan.catalog.reading import Merged, Record
from scow.scan.catalog.records import Records

if TYPE_CHECKING:
    from scow.scan.catalog.survey import Layers


def gather(layers: Layers, diff_ids: Sequence[str], chain: str, records: Records) -> Merged:
    """What the image holds. ``diff_ids`` and ``chain`` (hex) name its layers and what they add up to."""
    known = records.find(f"image-{chain}", Merged)
    if known is not None:
        return known
    from scow.scan.catalog.merge import merge

    merged = merge([_record(layers, number, name, records) for number, name in enumerate(diff_ids)], layers.entries)
    records.keep(f"image-{chain}", merged)
    return merged


def gather_directory(layers: Layers) -> Merged:
    """What a plain directory holds, which is one layer that may change at any time: nothing of it is kept."""
    from scow.scan.catalog.merge import merge
    from scow.scan.catalog.survey import survey

    return merge([survey(layers, 0)], layers.entries)


def _record(layers: Layers, number: int, name: str, records: Records) -> Record:
    record = records.find(f"layer-{name}", Record)
    if record is None:
        from scow.scan.catalog.survey import survey

        record = survey(layers, number)
        records.keep(f"layer-{name}", record)
    return record
