"""The advisory database: imports, increments, hostile documents, and readers that never wait."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import sqlite3
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest
from tests.support.shared import shared

from scow.errors import Integrity, Invalid, Limit, Unavailable
from scow.scan import importing
from scow.scan.advisory import Record
from scow.scan.bulk import Document, plain, zipped
from scow.scan.database import Database, reading
from scow.scan.importing import Imported, adopt, import_documents, import_marks, writing

NOW = "2024-05-01T00:00:00Z"


def document(name: str, package: str = "x", *, fixed: str = "2.0", ecosystem: str = "PyPI", **fields: Any) -> bytes:
    events = [{"introduced": "0"}, {"fixed": fixed}]
    affected = {
        "package": {"ecosystem": ecosystem, "name": package},
        "ranges": [{"type": "ECOSYSTEM", "events": events}],
    }
    return json.dumps({"id": name, "modified": "2024-01-01T00:00:00Z", "affected": [affected], **fields}).encode()


def archive(members: dict[str, bytes]) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as writer:
        for name, raw in members.items():
            writer.writestr(f"{name}.json", raw)
    file.seek(0)
    return file


def take(database: Database, members: dict[str, bytes], ecosystem: str = "PyPI", *, whole: bool = True) -> Imported:
    with zipped(archive(members), "all.zip") as documents:
        return import_documents(database, ecosystem, documents, now=NOW, source="here", whole=whole)


def ids(database: Database, name: str = "x", ecosystem: str = "PyPI") -> list[str]:
    return sorted(record.advisory.id for record in records(database, ecosystem, name))


def records(database: Database, ecosystem: str = "PyPI", name: str = "x") -> list[Record]:
    """What all files have, whatever the release."""
    everything = {one.ecosystem: one.releases for one in database.holdings()}
    return database.records([(ecosystem, name)], everything).get((ecosystem, name), [])


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "advisories")


def test_nothing_is_there_at_first(database: Database) -> None:
    assert database.holdings() == ()
    assert database.records([("PyPI", "x")], {"PyPI": ("PyPI",)}) == {}
    assert database.marks("kev", ["CVE-1"]) == {}


def test_an_import_says_what_it_holds(database: Database) -> None:
    done = take(database, {"P-1": document("P-1"), "P-2": document("P-2", "y", modified="2024-03-01T00:00:00Z")})
    assert (done.changed, done.removed, done.unread) == (2, 0, 0)
    (holding,) = database.holdings()
    assert (holding.ecosystem, holding.advisories, holding.modified, holding.imported, holding.source) == (
        "PyPI", 2, "2024-03-01T00:00:00Z", NOW, "here",
    )  # fmt: skip
    assert holding.releases == ("PyPI",)
    assert holding.size == database.path("PyPI").stat().st_size
    assert ids(database) == ["P-1"]
    assert ids(database, "y") == ["P-2"]
    assert ids(database, "X") == []


def test_a_file_is_asked_about_the_releases_that_matter(database: Database) -> None:
    releases = ("Debian:11", "Debian:12")
    parts = [{"package": {"ecosystem": one, "name": "x"}, "versions": ["1"]} for one in releases]
    take(database, {"D-1": json.dumps({"id": "D-1", "affected": parts}).encode()}, "Debian")
    assert [one.affected.ecosystem for one in records(database, "Debian")] == list(releases)
    ((record,),) = database.records([("Debian", "x")], {"Debian": ("Debian:12",)}).values()
    assert record.affected.ecosystem == "Debian:12"
    assert database.records([("Debian", "x")], {"Debian": (), "npm": ("npm",)}) == {}


def test_a_record_comes_back_as_it_was(database: Database) -> None:
    take(
        database,
        {"P-1": document("P-1", aliases=["CVE-1"], summary="s" * 500, severity=[{"type": "U", "score": "low"}])},
    )
    (record,) = records(database)
    assert record.advisory.aliases == ("CVE-1",)
    assert record.advisory.summary == "s" * 239 + "…"
    assert [(event.kind, event.version) for event in record.affected.ranges[0].events] == [
        ("introduced", "0"), ("fixed", "2.0"),
    ]  # fmt: skip


def test_only_what_changed_is_read_again(database: Database) -> None:
    members = {"P-1": document("P-1"), "P-2": document("P-2"), "P-3": document("P-3")}
    take(database, members)
    del members["P-3"]
    members |= {"P-2": document("P-2", "y"), "P-4": document("P-4")}
    done = take(database, members)
    assert (done.changed, done.removed, done.holding.advisories) == (2, 1, 3)
    assert ids(database) == ["P-1", "P-4"]
    assert ids(database, "y") == ["P-2"]
    assert take(database, members).changed == 0


def test_a_part_leaves_the_others(database: Database) -> None:
    take(database, {"P-1": document("P-1"), "P-2": document("P-2")})
    done = take(database, {"P-2": document("P-2", withdrawn="2024-02-01T00:00:00Z")}, whole=False)
    assert (done.changed, done.removed) == (1, 0)
    assert ids(database) == ["P-1", "P-2"]


def test_an_advisory_on_several_ecosystems_is_found_in_whichever_file_has_it(database: Database) -> None:
    take(database, {"G-1": document("G-1", "x", ecosystem="Go")}, "Maven")
    assert ids(database, "x", "Go") == ["G-1"]
    assert ids(database, "x", "Maven") == []


def test_a_directory_of_documents(database: Database, tmp_path: Path) -> None:
    (tmp_path / "osv" / "deeper").mkdir(parents=True)
    (tmp_path / "osv" / "P-1.json").write_bytes(document("P-1"))
    (tmp_path / "osv" / "deeper" / "P-2.json").write_bytes(document("P-2"))
    (tmp_path / "osv" / "notes.txt").write_text("no")
    for changed in (2, 0):
        done = import_documents(database, "PyPI", plain(tmp_path / "osv"), now=NOW, source="d")
        assert (done.changed, done.holding.advisories) == (changed, 2)


HOSTILE = {
    "deep": b'{"id":"H","affected":' + b"[" * 5000 + b"]" * 5000 + b"}",
    "not json": b"{",
    "not utf-8": b'{"id":"\xff"}',
    "no id": b"{}",
    "an empty id": b'{"id":" "}',
    "a number for a list": b'{"id":"H","affected":7}',
    "a number for a version": b'{"id":"H","affected":[{"package":{"ecosystem":"PyPI","name":"x"},"versions":[1]}]}',
    "a list": b"[]",
    "empty": b"",
}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_document_is_skipped_and_said(database: Database, raw: bytes) -> None:
    done = take(database, {"H": raw, "P-1": document("P-1")})
    assert (done.changed, done.unread) == (1, 1)
    assert done.skipped[0][0] == "H"
    assert done.skipped[0][1]
    assert ids(database) == ["P-1"]


def test_a_document_that_can_no_longer_be_read_stays_as_it_was(database: Database) -> None:
    take(database, {"P-1": document("P-1"), "P-2": document("P-2")})
    done = take(database, {"P-1": b"{", "P-2": document("P-2")})
    assert (done.changed, done.removed, done.unread, done.holding.advisories) == (0, 0, 1, 2)
    assert ids(database) == ["P-1", "P-2"]


def test_a_document_with_a_huge_list_is_taken_in_bounded_time(database: Database) -> None:
    versions = [f"1.{number}" for number in range(200_000)]
    part = {"package": {"ecosystem": "PyPI", "name": "x"}, "versions": versions}
    raw = json.dumps({"id": "H", "affected": [part], "withdrawn": None, "aliases": None}).encode()
    assert take(database, {"H": raw}).changed == 1
    (record,) = records(database)
    assert len(record.affected.versions) == 200_000


def test_no_zip_changes_nothing(database: Database) -> None:
    take(database, {"P-1": document("P-1")})
    for raw in (b"", b"PK\x03\x04 nonsense", archive({"P-2": document("P-2")}).getvalue()[:-40]):
        with pytest.raises(Invalid, match="not a readable zip"), zipped(io.BytesIO(raw), "bad.zip") as documents:
            import_documents(database, "PyPI", documents, now=NOW, source="here")
    assert ids(database) == ["P-1"]
    assert sorted(os.listdir(database.directory)) == ["PyPI.sqlite", "lock"]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_whatever_a_zip_is_made_of_it_is_read_or_refused(method: int) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as writer:
        writer.writestr("d/P\u00e9.json", document("P-1", summary="abc" * 50))
    whole, made = file.getvalue(), random.Random(method)
    for _ in range(400):
        raw = bytearray(whole)
        for _ in range(3):
            raw[made.choice((made.randrange(len(raw)), made.randrange(50), -made.randint(1, 90)))] = made.randrange(256)
        with contextlib.suppress(Invalid, Limit), zipped(io.BytesIO(bytes(raw)), "all.zip") as documents:
            for one in documents:
                with contextlib.suppress(Invalid, Limit):
                    one.read()


def test_names_that_are_no_text(tmp_path: Path) -> None:
    directory = os.fsdecode(os.fsencode(tmp_path) + b"/\xff")
    os.mkdir(directory)
    Path(directory, os.fsdecode(b"\xfe.json")).write_bytes(document("P-1"))
    database = Database(Path(directory, "advisories"))
    done = import_documents(database, "PyPI", plain(Path(directory)), now=NOW, source="d")
    assert (done.changed, done.unread) == (1, 0)
    assert ids(database) == ["P-1"]


LIES = {
    "a count that is none": "UPDATE facts SET value = 'many' WHERE key = 'advisories'",
    "a count of more digits than a number has": f"UPDATE facts SET value = '{'9' * 5000}' WHERE key = 'advisories'",
    "facts that are no text": "UPDATE facts SET value = x'ff00' WHERE key = 'releases'",
    "an advisory that is a number": "UPDATE advisory SET body = 5",
    "an advisory that is text": "UPDATE advisory SET body = 'abc'",
    "a part that is text": "UPDATE affected SET body = 'abc'",
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_a_file_of_our_tables_with_other_things_in_them_is_damaged(database: Database, lie: str) -> None:
    take(database, {"P-1": document("P-1")})
    with contextlib.closing(sqlite3.connect(database.path("PyPI"))) as connection:
        connection.execute(lie)
        connection.commit()
    with pytest.raises(Integrity, match="damaged"):
        ids(database)


@pytest.mark.parametrize("names", [["bad"], ["P-1", "other"]])
def test_what_has_no_advisory_at_all_replaces_none(database: Database, names: list[str]) -> None:
    take(database, {"P-1": document("P-1"), "P-2": document("P-2")})
    with pytest.raises(Invalid, match="holds no OSV documents that can be read") as caught:
        take(database, dict.fromkeys(names, b'{"name": "left-pad"}'))
    assert names[0] in str(caught.value)
    assert ids(database) == ["P-1", "P-2"]


def test_members_that_share_their_bytes_are_not_inflated_without_end(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(database, {"P-1": document("P-1")})
    monkeypatch.setattr(importing, "_BYTES_LIMIT", 10_000)
    raw = b"{" + b" " * 5000
    documents = (Document(f"H-{at}", at, lambda: raw) for at in range(1_000_000))
    with pytest.raises(Limit, match="GiB of advisories"):
        import_documents(database, "PyPI", documents, now=NOW, source="here")
    assert ids(database) == ["P-1"]


def test_a_damaged_member_is_skipped(database: Database) -> None:
    raw = bytearray(archive({"P-1": document("P-1", summary="abc" * 50), "P-2": document("P-2")}).getvalue())
    raw[60] ^= 0xFF
    with zipped(io.BytesIO(bytes(raw)), "all.zip") as documents:
        done = import_documents(database, "PyPI", documents, now=NOW, source="here")
    assert (done.changed, done.unread) == (1, 1)


def test_a_damaged_file_is_told_and_imported_anew(database: Database) -> None:
    take(database, {"P-1": document("P-1")})
    path = database.path("PyPI")
    path.write_bytes(path.read_bytes()[:4096] + os.urandom(8192))
    with pytest.raises(Integrity, match="the advisory database is damaged"):
        ids(database)
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(Integrity):
        database.holdings()
    assert take(database, {"P-1": document("P-1")}).changed == 1
    assert ids(database) == ["P-1"]


def test_the_file_that_is_damaged_is_told_and_not_its_copy(database: Database) -> None:
    take(database, {f"P-{at}": document(f"P-{at}", f"x{at}") for at in range(500)})
    path = database.path("PyPI")
    path.write_bytes(path.read_bytes()[: 8 * 4096] + os.urandom(path.stat().st_size - 8 * 4096))
    with pytest.raises(Integrity, match="the advisory database is damaged") as caught:
        take(database, {f"P-{at}": document(f"P-{at}", f"y{at}") for at in range(500)})
    assert caught.value.subject == str(path)


def test_what_is_adopted_is_looked_at_first(database: Database, tmp_path: Path) -> None:
    take(database, {"P-1": document("P-1")})
    other = Database(tmp_path / "other")
    assert adopt(other, "PyPI", database.path("PyPI")).advisories == 1
    assert ids(other) == ["P-1"]
    strange = tmp_path / "strange"
    strange.write_bytes(database.path("PyPI").read_bytes())
    with sqlite3.connect(strange) as connection:
        connection.execute("CREATE TRIGGER t AFTER INSERT ON mark BEGIN DELETE FROM advisory; END")
    with pytest.raises(Integrity, match="not an advisory database of this version"):
        adopt(other, "PyPI", strange)
    strange.write_bytes(b"no database at all" * 100)
    with pytest.raises(Integrity, match="not a readable advisory database") as caught:
        adopt(other, "PyPI", strange)
    assert caught.value.subject == "PyPI"
    assert ids(other) == ["P-1"]


def test_marks(database: Database) -> None:
    import_marks(database, "kev", [("CVE-1", "2024-01-01"), ("CVE-2", "2024-02-01")], now=NOW, source="k")
    done = import_marks(database, "kev", [("CVE-2", "2024-02-02")], now=NOW, source="k")
    assert done.holding.advisories == 1
    assert database.marks("kev", ["CVE-1", "CVE-2", "CVE-3"]) == {"CVE-2": "2024-02-02"}
    assert database.marks("epss", ["CVE-2"]) == {}


def test_an_open_reader_keeps_what_it_opened(database: Database) -> None:
    take(database, {"P-1": document("P-1")})
    with reading(database.path("PyPI")) as connection:
        assert connection is not None
        take(database, {"P-2": document("P-2"), "P-3": document("P-3")})
        assert connection.execute("SELECT document FROM advisory").fetchall() == [("P-1",)]
    assert ids(database) == ["P-2", "P-3"]


def test_readers_and_writers_side_by_side(database: Database) -> None:
    """Eight readers that never stop, while two writers replace the file again and again."""
    take(database, {"P-0": document("P-0")})
    failures: list[BaseException] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            try:
                assert len(ids(database)) == 1
            except BaseException as error:
                failures.append(error)

    def write(number: int) -> None:
        for turn in range(15):
            name = f"P-{number}-{turn}"
            take(database, {name: document(name)})

    readers = [threading.Thread(target=read) for _ in range(8)]
    writers = [threading.Thread(target=write, args=(number,)) for number in range(2)]
    for thread in (*readers, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    for thread in readers:
        thread.join()
    assert failures == []


def test_a_killed_import_leaves_the_old_file_and_no_litter(database: Database, tmp_path: Path) -> None:
    take(database, {"P-1": document("P-1")})
    (database.directory / ".new-1-PyPI.sqlite").write_bytes(b"half")
    (database.directory / ".new-1-PyPI.sqlite-journal").write_bytes(b"half")
    assert ids(database) == ["P-1"]
    take(database, {"P-2": document("P-2")})
    assert sorted(os.listdir(database.directory)) == ["PyPI.sqlite", "lock"]


def test_every_shared_advisory_is_read(database: Database) -> None:
    for place in sorted(shared("advisories", "osv").glob("*/all.zip")):
        with place.open("rb") as file, zipped(file, str(place)) as documents:
            done = import_documents(database, place.parent.name, documents, now=NOW, source=str(place))
        assert done.unread == 0
        assert done.changed > 3
    assert sum(holding.advisories for holding in database.holdings()) == 8307


def test_a_full_disk_is_told_with_what_helps(database: Database) -> None:
    take(database, {"P-1": document("P-1")})
    with pytest.raises(Unavailable, match="no space left") as caught, writing(database, "PyPI") as writer:
        writer.connection.execute("PRAGMA max_page_count = 1")  # as SQLite says it of a disk
        writer.mark((f"CVE-2024-{at:05}", "0.5") for at in range(10_000))
    assert "free some space" in caught.value.hint
    assert ids(database) == ["P-1"]


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Unavailable, match="not a directory"):
        take(Database(tmp_path / "file" / "advisories"), {"P-1": document("P-1")})
