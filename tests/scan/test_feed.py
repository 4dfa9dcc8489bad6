"""Bulk data from a web server: what is fetched, and what is not; marks."""

from __future__ import annotations

import contextlib
import gzip
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.scan.test_database import NOW, archive, document, ids
from tests.support.shared import shared

from scow.content.target import Reader
from scow.errors import Invalid, Limit, NotFound
from scow.scan.database import Database
from scow.scan.feed import FEW, Feed
from scow.scan.lines import lines
from scow.scan.marks import exploited, likelihoods


class Web:
    """Pages by URL; remembers what was asked for."""

    def __init__(self, **pages: bytes) -> None:
        self.pages = dict(pages)
        self.asked: list[str] = []

    @contextlib.contextmanager
    def open(self, url: str) -> Iterator[Reader]:
        self.asked.append(url.removeprefix("https://osv/"))
        if self.asked[-1] not in self.pages:
            raise NotFound("no advisories there", subject=url)
        yield io.BytesIO(self.pages[self.asked[-1]])

    def publish(self, ecosystem: str, changed: list[tuple[str, str]], documents: dict[str, bytes]) -> None:
        """The zip, the single documents, and the list of what changed, the last first."""
        self.pages[f"{ecosystem}/all.zip"] = archive(documents).getvalue()
        self.pages[f"{ecosystem}/modified_id.csv"] = "".join(f"{when},{name}\n" for when, name in changed).encode()
        self.pages |= {f"{ecosystem}/{name}.json": raw for name, raw in documents.items()}
        self.asked.clear()


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "advisories")


def test_first_all_of_it_then_what_changed(database: Database) -> None:
    web = Web()
    feed = Feed("https://osv/", web.open)
    one, two = document("P-1"), document("P-2")
    web.publish("PyPI", [("2024-01-01T00:00:00Z", "P-1")], {"P-1": one})
    assert feed.update(database, "PyPI", NOW).changed == 1
    assert web.asked == ["PyPI/all.zip"]
    web.asked.clear()
    assert feed.update(database, "PyPI", NOW).changed == 0
    assert web.asked == ["PyPI/modified_id.csv"]
    later = document("P-2", modified="2024-02-01T00:00:00.5Z")
    web.publish(
        "PyPI", [("2024-02-01T00:00:00.5Z", "P-2"), ("2024-01-01T00:00:00Z", "P-1")], {"P-1": one, "P-2": later}
    )
    done = feed.update(database, "PyPI", NOW)
    assert (done.changed, done.holding.advisories, done.holding.modified) == (1, 2, "2024-02-01T00:00:00.5Z")
    assert web.asked == ["PyPI/modified_id.csv", "PyPI/P-2.json"]
    assert ids(database) == ["P-1", "P-2"]
    assert two != later


def test_an_advisory_that_is_exported_late_is_not_missed(database: Database) -> None:
    """Its moment is older than that of one that came before it."""
    web = Web()
    feed = Feed("https://osv", web.open)
    new = document("P-1", modified="2024-02-01T00:00:00.500Z")
    old = document("P-2", modified="2023-06-01T00:00:00Z", fixed="1.0")
    first = [("2024-02-01T00:00:00.5Z", "P-1"), ("2023-06-01T00:00:00Z", "P-2")]
    web.publish("PyPI", first, {"P-1": new, "P-2": old})
    feed.update(database, "PyPI", NOW)
    late = document("P-3", modified="2024-01-15T00:00:00Z")
    corrected = document("P-2", modified="2024-01-10T00:00:00Z", fixed="1.5")
    second = [first[0], ("2024-01-15T00:00:00Z", "P-3"), ("2024-01-10T00:00:00Z", "P-2")]
    web.publish("PyPI", second, {"P-1": new, "P-2": corrected, "P-3": late})
    assert feed.update(database, "PyPI", NOW).changed == 2
    assert web.asked == ["PyPI/modified_id.csv", "PyPI/P-3.json", "PyPI/P-2.json"]
    assert ids(database) == ["P-1", "P-2", "P-3"]
    web.asked.clear()
    assert feed.update(database, "PyPI", NOW).changed == 0
    assert web.asked == ["PyPI/modified_id.csv"]


def test_an_advisory_that_is_no_longer_listed_goes(database: Database) -> None:
    web = Web()
    feed = Feed("https://osv", web.open)
    one, two = document("P-1"), document("P-2")
    web.publish("PyPI", [], {"P-1": one, "P-2": two})
    feed.update(database, "PyPI", NOW)
    web.publish("PyPI", [("2024-01-01T00:00:00Z", "P-1")], {"P-1": one})
    assert feed.update(database, "PyPI", NOW).removed == 1
    assert ids(database) == ["P-1"]


def test_a_list_that_never_ends_is_left(database: Database) -> None:
    """Of a document that is listed again and again, the second time counts as one that changed."""
    web = Web()
    feed = Feed("https://osv", web.open)
    web.publish("PyPI", [("2024-01-01T00:00:00Z", "P-1")] * (FEW + 2), {"P-1": document("P-1")})
    feed.update(database, "PyPI", NOW)
    web.asked.clear()
    assert feed.update(database, "PyPI", NOW).changed == 0
    assert web.asked == ["PyPI/modified_id.csv", "PyPI/all.zip"]


def test_much_that_changed_is_fetched_as_one_zip(database: Database) -> None:
    web = Web()
    feed = Feed("https://osv", web.open)
    web.publish("PyPI", [], {"P-1": document("P-1")})
    feed.update(database, "PyPI", NOW)
    names = [f"N-{number}" for number in range(FEW + 1)]
    web.publish("PyPI", [("2024-03-01T00:00:00Z", name) for name in names], {name: document(name) for name in names})
    done = feed.update(database, "PyPI", NOW)
    assert (done.changed, done.removed) == (FEW + 1, 1)
    assert web.asked == ["PyPI/modified_id.csv", "PyPI/all.zip"]


def test_a_changed_document_that_is_gone_means_fetching_all(database: Database) -> None:
    web = Web()
    feed = Feed("https://osv", web.open)
    web.publish("PyPI", [], {"P-1": document("P-1")})
    feed.update(database, "PyPI", NOW)
    listed = [("2024-03-01T00:00:00Z", "PyPI/P-3"), ("2024-01-01T00:00:00Z", "PyPI/P-1")]
    web.publish("PyPI", listed, {"P-2": document("P-2")})
    assert feed.update(database, "PyPI", NOW).removed == 1
    assert web.asked == ["PyPI/modified_id.csv", "PyPI/P-3.json", "PyPI/all.zip"]
    assert ids(database) == ["P-2"]


def test_a_mirror_of_zips_alone_will_do(database: Database) -> None:
    web = Web()
    feed = Feed("https://osv", web.open)
    web.pages["Red%20Hat/all.zip"] = archive({"R-1": document("R-1", ecosystem="Red Hat")}).getvalue()
    for changed in (1, 0):
        assert feed.update(database, "Red Hat", NOW).changed == changed
    assert web.asked == ["Red%20Hat/all.zip", "Red%20Hat/modified_id.csv", "Red%20Hat/all.zip"]


def test_another_source_is_fetched_whole(database: Database) -> None:
    web = Web()
    web.publish("PyPI", [], {"P-1": document("P-1")})
    Feed("https://osv", web.open).update(database, "PyPI", NOW)
    other = Web(**{"https://other/PyPI/all.zip": archive({"P-2": document("P-2")}).getvalue()})
    assert Feed("https://other", other.open).update(database, "PyPI", NOW).removed == 1
    assert ids(database) == ["P-2"]


def test_an_ecosystem_that_is_not_there(database: Database) -> None:
    with pytest.raises(NotFound):
        Feed("https://osv", Web().open).update(database, "PyPI", NOW)
    assert database.holdings() == ()


def test_an_empty_zip_deletes_nothing(database: Database) -> None:
    web = Web()
    feed = Feed("https://osv", web.open)
    web.publish("PyPI", [], {"P-1": document("P-1")})
    feed.update(database, "PyPI", NOW)
    del web.pages["PyPI/modified_id.csv"]
    web.pages["PyPI/all.zip"] = archive({}).getvalue()
    with pytest.raises(Invalid, match="holds no OSV documents"):
        feed.update(database, "PyPI", NOW)
    assert ids(database) == ["P-1"]


def test_the_real_catalogue_of_exploited_vulnerabilities() -> None:
    with shared("advisories", "kev-2025-08-25.json.gz").open("rb") as file:
        marks = dict(exploited(file, "kev"))
    assert len(marks) > 1000
    assert marks["CVE-2021-44228"] == "2021-12-10"


EPSS = b"#model_version:v2025.03.14,score_date:2025-08-25\ncve,epss,percentile\nCVE-2021-44228,0.94475,0.99999\n"


@pytest.mark.parametrize("raw", [EPSS, gzip.compress(EPSS, mtime=0)])
def test_likelihoods(raw: bytes) -> None:
    assert dict(likelihoods(io.BytesIO(raw), "epss")) == {"CVE-2021-44228": "0.94475"}


def test_rows_that_say_nothing_are_left_out() -> None:
    rows = (
        "cve,epss,percentile",
        "CVE-1,0.1",
        "CVE-2024-0001,nan",
        "CVE-2024-0002,7",
        "CVE-2024-3",
        "CVE-2024-0004,1e-3",
    )
    assert dict(likelihoods(io.BytesIO("\n".join(rows).encode()), "epss")) == {"CVE-2024-0004": "1e-3"}


@pytest.mark.parametrize("raw", [b"", b"{}", b"cve;epss\n", gzip.compress(EPSS, mtime=0)[:-9], b"a,b\n"])
def test_what_is_no_file_of_likelihoods(raw: bytes) -> None:
    with pytest.raises(Invalid):
        dict(likelihoods(io.BytesIO(raw), "epss"))


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", gzip.compress(b"{}", mtime=0)[:-9], b'{"vulnerabilities": 1}'])
def test_what_is_no_catalogue(raw: bytes) -> None:
    with pytest.raises(Invalid):
        dict(exploited(io.BytesIO(raw), "kev"))


def test_lines_are_bounded() -> None:
    assert list(lines(io.BytesIO(b"a\r\n\nb"), "x")) == ["a", "b"]
    with pytest.raises(Limit, match="x: a line is longer"):
        list(lines(io.BytesIO(b"a" * 200_000), "x"))
