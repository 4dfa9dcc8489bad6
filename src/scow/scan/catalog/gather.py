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


def gather(layers: Layers, diff_ids: Sequence[str], chain: str, records: Records, *, lockfiles: bool = False) -> Merged:
    """What the image holds. ``diff_ids`` and ``chain`` (hex) name its layers and what they add up to."""
    name = f"image-{chain}-lockfiles" if lockfiles else f"image-{chain}"
    known = records.find(name, Merged)
    if known is not None:
        return known
    from scow.scan.catalog.merge import merge

    found = [_record(layers, number, diff_id, records) for number, diff_id in enumerate(diff_ids)]
    merged = merge(found, layers.entries, lockfiles=lockfiles)
    records.keep(name, merged)
    records.trim()
    return merged


def gather_directory(layers: Layers, *, lockfiles: bool = False) -> Merged:
    """What a plain directory holds, which is one layer that may change at any time: nothing of it is kept."""
    from scow.scan.catalog.merge import merge
    from scow.scan.catalog.survey import survey

    return merge([survey(layers, 0)], layers.entries, lockfiles=lockfiles)


def _record(layers: Layers, number: int, name: str, records: Records) -> Record:
    record = records.find(f"layer-{name}", Record)
    if record is None:
        from scow.scan.catalog.survey import survey

        record = survey(layers, number)
        records.keep(f"layer-{name}", record)
    return record
