"""A catalog held against the advisory database. What that gave is kept until one of them changes."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from scow.errors import ScowError
from scow.scan.database import Database
from scow.scan.finding import Report
from scow.scan.holding import MARKS, Holding
from scow.scan.package import Catalog

if TYPE_CHECKING:
    from scow.engine.scans.advisories import Advisories
    from scow.layer.records import Records
    from scow.scan.importing import Imported

#: Seconds after which advisories from a web server are looked for anew.
STALE: Final = 24 * 60 * 60


def assessed(database: Database, catalog: Catalog, records: Records) -> Report:
    """The report on ``catalog`` by what the database has now."""
    name = f"report-{_fingerprint(database, catalog)}"
    known = records.find(name, Report)
    if known is None:
        known = msgspec.structs.replace(_assessed(database, catalog), catalog=Catalog())
        records.keep(name, known)
    return msgspec.structs.replace(known, catalog=catalog)


def today() -> str:
    """``YYYY-MM-DD``."""
    return datetime.fromtimestamp(time.time(), UTC).date().isoformat()


def _fingerprint(database: Database, catalog: Catalog) -> str:
    """Of everything that decides what the report says, but for the code: that has its number in the record's name."""
    decisive = (catalog.distribution, catalog.packages, database.state())
    return hashlib.blake2b(msgspec.msgpack.encode(decisive), digest_size=20).hexdigest()


def _assessed(database: Database, catalog: Catalog) -> Report:
    from scow.scan import assess
    from scow.scan.concern import covering, queries

    holdings = database.holdings()
    asked = {(query.ecosystem, query.name) for package in catalog.packages for query in queries(package)}
    releases = {one.ecosystem: covering(catalog.packages, one.releases) for one in holdings}
    report = assess.assess(catalog, database.records(asked, releases), holdings)
    kinds = [one.ecosystem for one in holdings if one.ecosystem in MARKS]
    cves = {cve for one in report.findings for cve in assess.cves_of(one)} if kinds else ()
    return assess.marked(report, {kind: database.marks(kind, cves) for kind in kinds})


def due(report: Report, source: str) -> tuple[str, ...]:
    """The ecosystems of a report whose advisories are to be looked for anew at ``source``."""
    held = {one.ecosystem: one for one in report.coverage}
    return tuple(one for one in report.catalog.ecosystems if _is_due(held.get(one), source))


def refreshed(
    advisories: Advisories, ecosystems: Iterable[str], source: str, watch: Callable[[Imported], None]
) -> tuple[str, ...]:
    """Bring ``ecosystems`` up to date; says what could not be."""
    notes = []
    for ecosystem in ecosystems:
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
