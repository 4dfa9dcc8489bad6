"""Real advisories and version vectors that others made, kept beside the repository and never copied into it.

They are at ``../shared``, seen from the repository's root, or where ``$SCOW_SHARED`` says. Without them a test is
skipped aloud; where peers are required it fails.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.peers import refuse

_ROOT = Path(__file__).resolve().parents[2]


def shared(*parts: str) -> Path:
    """The path of ``shared/PARTS``, which the test needs."""
    place = Path(os.environ.get("SCOW_SHARED") or _ROOT.parent / "shared").joinpath(*parts)
    if not place.exists():
        refuse(f"shared test data missing: {place} (set SCOW_SHARED to its directory)")
    return place


def lines(*parts: str) -> Iterator[str]:
    """The lines of a gzipped text, without comments and empty ones."""
    with gzip.open(shared(*parts), "rt", encoding="utf-8") as file:
        for line in file:
            if line.strip() and not line.startswith("//"):
                yield line.rstrip("\n")


def documents(*parts: str) -> Iterator[dict[str, Any]]:
    """The JSON documents of a gzipped text that has one a line."""
    yield from map(json.loads, lines(*parts))
