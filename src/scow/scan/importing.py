"""OSV's bulk data → the database. An import writes a new file beside the old one, and renames it when it is whole.

A document is told by the CRC that its archive has for it: one that did not change is not even inflated.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from scow.content.disk import disk_error
from scow.errors import Integrity, Invalid, Limit, NotFound, Unavailable
from scow.scan.advisory import Advisory, Affected, parse
from scow.scan.bulk import Document
from scow.scan.database import SCHEMA, SUFFIX, VERSION, Database, damaged, facts_of, is_ours, packed
from scow.scan.holding import Holding

if TYPE_CHECKING:
    import sqlite3

_DOCUMENTS_LIMIT: Final = 4_000_000
#: members of a zip may share their bytes
_BYTES_LIMIT: Final = 64 << 30
_SHOWN: Final = 20
_TEMPORARY: Final = ".new-"


class Imported(msgspec.Struct, frozen=True):
    """What an import did. ``skipped`` are documents that could not be read, with the reason: the first of them."""

    holding: Holding
    changed: int = 0
    removed: int = 0
    unread: int = 0
    skipped: tuple[tuple[str, str], ...] = ()


class Writer:
    """One ecosystem's file, while it is written."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.changed = self.removed = self.unread = 0
        self.skipped: list[tuple[str, str]] = []
        self._seen: set[int] = set()
        self._read = 0

    def take(self, documents: Iterable[Document]) -> int:
        """Keep every document that is new or changed; returns how many there were."""
        count = 0
        for count, document in enumerate(documents, 1):
            if count > _DOCUMENTS_LIMIT:
                raise Limit(f"more than {_DOCUMENTS_LIMIT} advisories", subject=document.name)
            if self._read > _BYTES_LIMIT:
                raise Limit(f"more than {_BYTES_LIMIT >> 30} GiB of advisories", subject=document.name)
            try:
                self._take(document)
            except (Invalid, Limit) as error:
                self.unread += 1
                self.skipped += [(document.name, error.problem)] * (len(self.skipped) < _SHOWN)
                self._seen |= {number for number, _ in self._kept(document.name)}  # better old than gone
        return count

    def forget_others(self) -> None:
        """Delete what no document spoke of since the beginning."""
        gone = [
            number for (number,) in self.connection.execute("SELECT number FROM advisory") if number not in self._seen
        ]
        for number in gone:
            self._delete(number)
        self.removed += len(gone)

    def holding(self, ecosystem: str, imported: str, source: str) -> Holding:
        """What the file holds now; written down in it."""
        counted = "SELECT count(*) + (SELECT count(*) FROM mark), max(modified) FROM advisory"
        count, modified = self.connection.execute(counted).fetchone()
        releases = [row[0] for row in self.connection.execute("SELECT DISTINCT ecosystem FROM affected ORDER BY 1")]
        holding = Holding(ecosystem, count, modified or "", imported, source, tuple(releases))
        self.connection.execute("DELETE FROM facts")
        self.connection.executemany("INSERT INTO facts VALUES (?, ?)", facts_of(holding).items())
        return holding

    def mark(self, marks: Iterable[tuple[str, str]]) -> None:
        """Replace all marks."""
        self.connection.execute("DELETE FROM mark")
        self.connection.executemany("INSERT OR REPLACE INTO mark VALUES (?, ?)", marks)

    def _take(self, document: Document) -> None:
        if document.crc is not None and self._known(document.name, document.crc):
            return
        raw = document.read()
        self._read += len(raw)
        crc = zlib.crc32(raw)
        if document.crc is None and self._known(document.name, crc):
            return
        advisory, affected = parse(raw, document.name)
        self._put(document.name, advisory, affected, crc)

    def _known(self, name: str, crc: int) -> bool:
        same = {number for number, old in self._kept(name) if old == crc}
        self._seen |= same
        return bool(same)

    def _kept(self, name: str) -> list[tuple[int, int]]:
        """Number and CRC of what there is under a name: one, or none."""
        return self.connection.execute("SELECT number, crc FROM advisory WHERE document = ?", (name,)).fetchall()

    def _put(self, name: str, advisory: Advisory, affected: tuple[Affected, ...], crc: int) -> None:
        old = next((number for number, _ in self._kept(name)), None)
        if old is not None:
            self._delete(old)
        row = (old, name, crc, advisory.modified, packed(advisory))
        number = self.connection.execute("INSERT INTO advisory VALUES (?, ?, ?, ?, ?)", row).lastrowid or 0
        rows = [(one.name, number, part, one.ecosystem, packed(one)) for part, one in enumerate(affected)]
        self.connection.executemany("INSERT INTO affected VALUES (?, ?, ?, ?, ?)", rows)
        self._seen.add(number)
        self.changed += 1

    def _delete(self, number: int) -> None:
        self.connection.execute("DELETE FROM affected WHERE number = ?", (number,))
        self.connection.execute("DELETE FROM advisory WHERE number = ?", (number,))


def import_documents(
    database: Database, ecosystem: str, documents: Iterable[Document], *, now: str, source: str, whole: bool = True
) -> Imported:
    """Bring ``documents`` into the file of ``ecosystem``. ``whole``: they are all there is, others are deleted."""
    with writing(database, ecosystem) as writer:
        taken = writer.take(documents)
        if whole and taken == writer.unread:  # whatever it is, it is not what is there now
            first = "".join(f" that can be read: {name}: {reason}" for name, reason in writer.skipped[:1])
            raise Invalid(f"holds no OSV documents{first}", subject=source)
        if whole:
            writer.forget_others()
        holding = writer.holding(ecosystem, now, source)
    return Imported(holding, writer.changed, writer.removed, writer.unread, tuple(writer.skipped))


def import_marks(database: Database, kind: str, marks: Iterable[tuple[str, str]], *, now: str, source: str) -> Imported:
    """Replace the file of marks ``kind`` (:data:`~scow.scan.holding.MARKS`)."""
    with writing(database, kind) as writer:
        writer.mark(marks)
        holding = writer.holding(kind, now, source)
    return Imported(holding, holding.advisories)


def adopt(database: Database, name: str, taken: Path) -> Holding:
    """Put a whole file in place that came from elsewhere. Raises :class:`Integrity` when it is not one of ours."""
    import sqlite3

    with turn(database):
        unfinished = _fresh(database, name)
        try:
            shutil.copyfile(taken, unfinished)
            with contextlib.closing(sqlite3.connect(unfinished)) as connection:
                connection.execute("PRAGMA trusted_schema = OFF")
                if not is_ours(connection) or connection.execute("PRAGMA quick_check").fetchone()[0] != "ok":
                    hint = "another version of scow may have made it; OSV's own data is for all: scow db update"
                    raise Integrity("not an advisory database of this version", subject=name, hint=hint)
            _settle(unfinished, database.path(name))
        except sqlite3.Error as error:
            raise Integrity(f"not a readable advisory database: {error}", subject=name) from None
        finally:
            unfinished.unlink(missing_ok=True)
    holding = database.holding(name)
    if holding is None:
        raise NotFound("went away while it was imported", subject=name)
    return holding


# -- writing ----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def writing(database: Database, name: str) -> Iterator[Writer]:
    """A copy of the file of ``name``, or a new one, in place at the end of the block unless that raises."""
    import sqlite3

    with turn(database):
        unfinished = _fresh(database, name)
        try:
            with contextlib.closing(_begun(database.path(name), unfinished)) as connection:
                writer = Writer(connection)
                yield writer
                connection.commit()
            _settle(unfinished, database.path(name))
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
                raise disk_error(OSError(errno.ENOSPC, str(error)), database.directory) from None
            raise Unavailable(str(error), subject=str(database.directory)) from None
        except sqlite3.Error as error:
            raise damaged(database.path(name), error) from None
        finally:
            unfinished.unlink(missing_ok=True)


def _begun(old: Path, new: Path) -> sqlite3.Connection:
    """Nobody else sees the new file: no journal is needed, and what a crash leaves is thrown away."""
    import sqlite3

    def opened() -> sqlite3.Connection:
        connection = sqlite3.connect(new)
        for setting in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -16000", "trusted_schema = OFF"):
            connection.execute(f"PRAGMA {setting}")
        return connection

    if old.exists():
        shutil.copyfile(old, new)
        with contextlib.suppress(sqlite3.Error):  # a damaged one is made anew
            connection = opened()
            if is_ours(connection):
                return connection
            connection.close()
        new.unlink()
    connection = opened()
    for statement in (*SCHEMA, f"PRAGMA user_version = {VERSION}"):
        connection.execute(statement)
    return connection


@contextlib.contextmanager
def turn(database: Database) -> Iterator[None]:
    """Writers take turns; what a killed one left is swept away. Raises :class:`~scow.errors.Unavailable`."""
    try:
        database.directory.mkdir(parents=True, exist_ok=True)
        with open(database.directory / "lock", "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for left in database.directory.glob(f"{_TEMPORARY}*"):
                left.unlink(missing_ok=True)
            yield
    except OSError as error:
        raise disk_error(error, database.directory) from None


def _fresh(database: Database, name: str) -> Path:
    return database.directory / f"{_TEMPORARY}{os.getpid()}-{name}{SUFFIX}"


def _settle(unfinished: Path, place: Path) -> None:
    with unfinished.open("rb") as file:
        os.fsync(file.fileno())
    unfinished.replace(place)
