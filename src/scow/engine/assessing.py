"""A catalog held against the advisory database."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from scow.errors import ScowError
from scow.scan import assess
from scow.scan.database import Database
from scow.scan.finding import Report
from scow.scan.holding import MARKS, Holding
from scow.scan.ignore import Ignoring
from scow.scan.match import queries
from scow.scan.package import Catalog

if TYPE_CHECKING:
    from scow.engine.advisories import Advisories
    from scow.scan.importing import Imported

#: Seconds after which advisories from a web server are looked for anew.
STALE: Final = 24 * 60 * 60


def assessed(database: Database, catalog: Catalog, ignoring: Ignoring | None, notes: tuple[str, ...]) -> Report:
    """The report on ``catalog`` by what the database has now."""
    asked = {(query.ecosystem, query.name) for package in catalog.packages for query in queries(package)}
    today = datetime.fromtimestamp(time.time(), UTC).date().isoformat()
    report = assess.assess(
        catalog, database.records(asked), database.holdings(), ignoring=ignoring or Ignoring(), today=today
    )
    cves = {cve for one in (*report.findings, *report.ignored) for cve in assess.cves_of(one)}
    marks = {kind: database.marks(kind, cves) for kind in MARKS}
    return msgspec.structs.replace(assess.marked(report, marks), notes=notes)


def refreshed(
    advisories: Advisories, catalog: Catalog, source: str, watch: Callable[[Imported], None]
) -> tuple[str, ...]:
    """Bring what the catalog needs up to date; says what could not be."""
    held = {one.ecosystem: one for one in advisories.status()}
    notes = []
    for ecosystem in assess.needed(catalog.packages):
        if not _is_due(held.get(ecosystem), source):
            continue
        try:
            advisories.update([ecosystem], source=source, watch=watch)
        except ScowError as error:
            notes.append(f"advisories of {ecosystem} could not be updated: {error}")
    return tuple(notes)


def _is_due(held: Holding | None, source: str) -> bool:
    """What was imported from elsewhere stays as it is until somebody imports it again."""
    if held is None:
        return True
    if held.source != source.rstrip("/"):
        return False
    try:
        then = datetime.fromisoformat(held.imported).timestamp()
    except ValueError:
        return True
    return time.time() - then > STALE
