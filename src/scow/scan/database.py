"""The advisory database: one SQLite file for each ecosystem, read-only, replaced as a whole by rename.

A reader opens a file as immutable: it takes no lock and never waits, however many scans and updates there are; a file
that is replaced meanwhile stays as it was for whoever has it open. Everything in it can be imported again.
"""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import msgspec

from scow.errors import Integrity, NotFound
from scow.oci.known import known
from scow.scan.ecosystem import root
from scow.scan.holding import MARKS, Holding

if TYPE_CHECKING:
    import sqlite3

    from scow.scan.advisory import Advisory, Record

#: Of the tables below: a file of another version is not read, and is imported anew.
VERSION: Final = 1
SUFFIX: Final = ".sqlite"
#: ``facts`` are a holding's fields; ``body`` is msgpack, deflated where that pays; ``document`` is the name of the OSV
#: document without ``.json``, and ``crc`` that of its bytes. A file from elsewhere may hold any type in any column:
#: hence CAST where they are read.
SCHEMA: Final = (
    "CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE advisory (number INTEGER PRIMARY KEY, document TEXT NOT NULL UNIQUE, crc INTEGER NOT NULL,"
    " modified TEXT NOT NULL, body BLOB NOT NULL)",
    "CREATE TABLE affected (name TEXT NOT NULL, number INTEGER NOT NULL, part INTEGER NOT NULL,"
    " ecosystem TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (name, number, part)) WITHOUT ROWID",
    "CREATE INDEX affected_number ON affected (number)",
    "CREATE TABLE mark (cve TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
)
_DEFLATED: Final = b"x"  # the first byte of zlib's; msgpack's arrays begin otherwise
_BODY_LIMIT: Final = 64 << 20
#: Bytes up to which a body is kept as it is: inflating takes longer than reading what it saves.
_PLAIN: Final = 1024
_BATCH: Final = 500


class Database:
    """The files in ``directory``, which need not be there."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def path(self, name: str) -> Path:
        """Where the file of an ecosystem is, if it is there."""
        return self.directory / f"{name}{SUFFIX}"

    def holdings(self) -> tuple[Holding, ...]:
        """What there is, by name; the marks last."""
        found = [holding for name in self._names() if (holding := self.holding(name))]
        return tuple(sorted(found, key=lambda one: (one.ecosystem in MARKS, one.ecosystem.lower())))

    def holding(self, name: str) -> Holding | None:
        """What the file of one ecosystem holds."""
        with self._opened(name) as connection:
            if connection is None:
                return None
            facts = dict(connection.execute("SELECT key, CAST(value AS TEXT) FROM facts"))
            count = msgspec.convert(facts.get("advisories", "0"), known(int), strict=False)
            size = os.stat(self.path(name)).st_size
        return Holding(
            name,
            count,
            facts.get("modified", ""),
            facts.get("imported", ""),
            facts.get("source", ""),
            tuple(facts.get("releases", "").split("\n")),
            size,
        )

    def state(self) -> tuple[tuple[str, int, int, int], ...]:
        """What differs whenever a file of the database is another one."""
        found = []
        for name in self._names():
            with contextlib.suppress(FileNotFoundError):
                one = os.stat(self.path(name))
                found.append((name, one.st_ino, one.st_size, one.st_mtime_ns))
        return tuple(found)

    def moments(self, name: str) -> dict[str, str]:
        """When each document of one ecosystem was last modified, in its own words."""
        with self._opened(name) as connection:
            told = connection.execute("SELECT document, CAST(modified AS TEXT) FROM advisory") if connection else ()
            return dict(told)

    def records(
        self, wanted: Iterable[tuple[str, str]], releases: Mapping[str, Sequence[str]]
    ) -> dict[tuple[str, str], list[Record]]:
        """The records on each (ecosystem without release, normalised name).

        ``releases``: of which ecosystems (``Debian:12``) each file is asked. That is more than one file for some: an
        advisory on packages of several ecosystems may be in the file of one alone.
        """
        keys = {(ecosystem, name) for ecosystem, name in wanted}
        names = sorted({name for _, name in keys})
        found: dict[tuple[str, str], list[Record]] = {}
        for file, told in releases.items():
            with self._opened(file) as connection:
                for record in _records(connection, names, told) if connection and told else ():
                    key = root(record.affected.ecosystem), record.affected.name
                    if key in keys:
                        found.setdefault(key, []).append(record)
        return found

    def marks(self, kind: str, cves: Iterable[str]) -> dict[str, str]:
        """CVE → its mark of a kind, of those that have one."""
        with self._opened(kind) as connection:
            if connection is None:
                return {}
            statement = "SELECT cve, CAST(value AS TEXT) FROM mark WHERE cve IN (SELECT value FROM json_each(?))"
            return dict(connection.execute(statement, (_json(sorted(set(cves))),)))

    def _names(self) -> list[str]:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            listed = os.listdir(self.directory)
            return sorted(name.removesuffix(SUFFIX) for name in listed if name.endswith(SUFFIX) and name[0] != ".")
        return []

    def _opened(self, name: str) -> AbstractContextManager[sqlite3.Connection | None]:
        return reading(self.path(name))


@contextlib.contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection | None]:
    """A file of the database, immutable; None when it is not there or of another version.

    Raises :class:`~scow.errors.Integrity` when it is damaged.
    """
    import sqlite3

    connection = None
    try:
        if path.exists():
            connection = sqlite3.connect(f"file:{quote(os.fsencode(path))}?mode=ro&immutable=1", uri=True)
            connection.execute("PRAGMA trusted_schema = OFF")
            yield connection if is_ours(connection) else None
        else:
            yield None
    except (sqlite3.Error, msgspec.MsgspecError, zlib.error, UnicodeDecodeError) as error:
        raise damaged(path, error) from None
    finally:
        if connection is not None:
            connection.close()


def damaged(path: Path, error: Exception) -> Integrity:
    """What is said of a file that cannot be read."""
    hint = "delete the file, then: scow db update"
    return Integrity(f"the advisory database is damaged: {error}", subject=str(path), hint=hint)


def is_ours(connection: sqlite3.Connection) -> bool:
    """Whether the file is of this version, with our tables and nothing else: it may come from somebody else."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    listed = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
    return version == VERSION and {row[0] for row in listed} == set(SCHEMA)


def require(database: Database, name: str) -> Holding:
    """What the file holds. Raises :class:`~scow.errors.NotFound`."""
    holding = database.holding(name)
    if holding is None:
        from shlex import quote as quoted

        raise NotFound(
            "no such ecosystem in the advisory database", subject=name, hint=f"scow db update {quoted(name)}"
        )
    return holding


def _records(connection: sqlite3.Connection, names: list[str], releases: Sequence[str]) -> Iterator[Record]:
    from scow.scan.advisory import Advisory, Affected, Record

    statement = (
        "SELECT advisory.number, CAST(advisory.body AS BLOB), CAST(affected.body AS BLOB) FROM json_each(?) AS wanted"
        " JOIN affected ON affected.name = wanted.value AND affected.ecosystem IN (SELECT value FROM json_each(?))"
        " JOIN advisory ON advisory.number = affected.number"
    )
    told = _json(list(releases))
    advisories = msgspec.msgpack.Decoder(known(Advisory)).decode
    parts = msgspec.msgpack.Decoder(known(Affected)).decode
    read: dict[int, Advisory] = {}
    for start in range(0, len(names), _BATCH):
        for number, body, part in connection.execute(statement, (_json(names[start : start + _BATCH]), told)):
            if number not in read:
                read[number] = advisories(plain(body))
            yield Record(read[number], parts(plain(part)))


def _json(values: list[str]) -> str:
    return msgspec.json.encode(values).decode()


def packed(value: Any) -> bytes:
    """A value as it is kept."""
    plain = msgspec.msgpack.encode(value)
    deflated = zlib.compress(plain, 6) if len(plain) > _PLAIN else plain
    return deflated if len(deflated) < len(plain) else plain


def plain(body: bytes) -> bytes:
    """What :func:`packed` encoded, no longer deflated."""
    if body[:1] != _DEFLATED:
        return body
    inflating = zlib.decompressobj()
    inflated = inflating.decompress(body, _BODY_LIMIT)
    if inflating.unconsumed_tail:
        raise zlib.error("a record is too long")
    return inflated


def facts_of(holding: Holding) -> Mapping[str, str]:
    """A holding as the file says it."""
    return {
        "advisories": str(holding.advisories),
        "modified": holding.modified,
        "imported": holding.imported,
        "source": holding.source,
        "releases": "\n".join(holding.releases),
    }
