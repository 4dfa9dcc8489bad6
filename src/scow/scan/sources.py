"""PURE. Where advisories and marks come from when nobody says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: OSV's own bulk data.
SOURCE: Final = "https://osv-vulnerabilities.storage.googleapis.com"
#: kind of mark -> its publisher's file
MARK_SOURCES: Final[Mapping[str, str]] = {
    "kev": "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json",
    "epss": "https://epss.empiricalsecurity.com/epss_scores-current.csv.gz",
}
