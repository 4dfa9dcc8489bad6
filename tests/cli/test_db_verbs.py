"""``db``: import, status, update, export, push, pull, as a user sees them."""

from __future__ import annotations

import functools
import json
import os
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.cli.conftest import Console
from tests.scan.test_database import archive, document, take

from scow.content.verify import read_all, read_document
from scow.engine.scans.artifact import packed
from scow.oci.manifest import parse_manifest
from scow.scan.database import Database
from scow.testing.registry import Registry


@pytest.fixture
def osv(tmp_path: Path) -> Path:
    """OSV's own layout, with an advisory for each of two ecosystems."""
    for ecosystem, name in (("PyPI", "P-1"), ("Debian", "D-1")):
        place = tmp_path / "osv" / ecosystem
        place.mkdir(parents=True)
        (place / "all.zip").write_bytes(archive({name: document(name, ecosystem=ecosystem)}).getvalue())
    return tmp_path / "osv"


@pytest.fixture
def site(osv: Path) -> Iterator[str]:
    """The same on a web server."""
    handler = functools.partial(_Quiet, directory=str(osv))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing to say."""


def held(console: Console) -> list[str]:
    return console("db", "status", "-q").ok().lines


def test_import_says_what_it_did(console: Console, osv: Path) -> None:
    assert console("db", "import", str(osv)).ok().lines == [
        "Debian: 1 (1 new or changed)", "PyPI: 1 (1 new or changed)",
    ]  # fmt: skip
    assert console("db", "import", str(osv), "--only", "PyPI").ok().lines == ["PyPI: 1 (up to date)"]
    header, debian, pypi = console("db", "status").ok().lines
    assert header.split() == ["ECOSYSTEM", "ADVISORIES", "NEWEST", "IMPORTED", "SIZE"]
    assert debian.startswith("Debian      1            ")
    assert "ago" in pypi
    (row, _) = console("db", "status", "--format", "json").ok().lines
    assert json.loads(row)["Releases"] == "Debian"


def test_a_single_zip(console: Console, osv: Path, tmp_path: Path) -> None:
    assert console("db", "import", str(osv / "PyPI" / "all.zip")).ok().lines == ["PyPI: 1 (1 new or changed)"]
    place = tmp_path / "2024.zip"
    place.write_bytes((osv / "Debian" / "all.zip").read_bytes())
    refused = console("db", "import", str(place))
    assert refused.code == 1
    assert "not the name of an ecosystem" in refused.stderr
    assert console("db", "import", "--ecosystem", "Debian:12", str(place)).ok().lines == [
        "Debian: 1 (1 new or changed)"
    ]


def test_what_was_skipped_is_told_on_standard_error(console: Console, tmp_path: Path) -> None:
    place = tmp_path / "PyPI.zip"
    place.write_bytes(archive({"P-1": document("P-1"), "bad": b"{"}).getvalue())
    done = console("db", "import", str(place)).ok()
    assert done.lines == ["PyPI: 1 (1 new or changed, 1 unreadable)"]
    assert "PyPI: bad was skipped: not valid JSON" in done.stderr


def test_nothing_to_import(console: Console, tmp_path: Path) -> None:
    for argv in ([], [str(tmp_path)], [str(tmp_path / "missing")]):
        assert console("db", "import", *argv).code == 1
    assert console("db", "status").ok().lines == ["ECOSYSTEM   ADVISORIES   NEWEST    IMPORTED   SIZE"]


def test_update_from_a_web_server(console: Console, site: str) -> None:
    asked = console("db", "update")
    assert (asked.code, asked.stderr.splitlines()[0]) == (1, "scow: the advisory database is empty")
    assert console("db", "update", "--from", site, "PyPI").ok().lines == ["PyPI: 1 (1 new or changed)"]
    assert console("db", "update", "--from", site).ok().lines == ["PyPI: 1 (up to date)"]
    missing = console("db", "update", "--from", site, "npm")
    assert missing.code == 1
    assert "/npm/all.zip: no advisories there" in missing.stderr
    assert held(console) == ["PyPI"]


def test_update_from_the_environments_mirror(console: Console, osv: Path, site: str) -> None:
    assert console("db", "update", "Debian", env={"SCOW_ADVISORIES": site}).ok().lines == [
        "Debian: 1 (1 new or changed)"
    ]
    assert console("db", "update", "PyPI", env={"SCOW_ADVISORIES": str(osv)}).ok().lines == [
        "PyPI: 1 (1 new or changed)"
    ]


def test_marks(console: Console, tmp_path: Path) -> None:
    kev, epss = tmp_path / "kev.json", tmp_path / "epss.csv"
    kev.write_text('{"vulnerabilities": [{"cveID": "CVE-2024-0001", "dateAdded": "2024-01-01"}]}')
    epss.write_text("cve,epss,percentile\nCVE-2024-0001,0.5,0.9\n")
    assert console("db", "import", "--kev", str(kev), "--epss", str(epss)).ok().lines == [
        "kev: 1 (1 new or changed)", "epss: 1 (1 new or changed)",
    ]  # fmt: skip
    assert held(console) == ["epss", "kev"]


def test_export_and_import_elsewhere(console: Console, osv: Path, tmp_path: Path) -> None:
    console("db", "import", "-q", str(osv)).ok()
    file = tmp_path / "advisories"
    assert console("db", "export", "-o", str(file)).ok().lines == ["Debian: 1", "PyPI: 1"]
    elsewhere = ("--root", str(tmp_path / "elsewhere"))
    assert console(*elsewhere, "db", "import", "--only", "PyPI", str(file)).ok().lines == ["PyPI: 1"]
    assert console(*elsewhere, "db", "status", "-q").ok().lines == ["PyPI"]
    missing = console("db", "export", "-o", str(file), "npm")
    assert (missing.code, missing.stderr.splitlines()[0]) == (
        1, "scow: npm: no such ecosystem in the advisory database",
    )  # fmt: skip


def test_what_is_sent_stays_as_it_was_when_an_import_replaces_it(tmp_path: Path) -> None:
    database = Database(tmp_path / "advisories")
    held = take(database, {"P-1": document("P-1")}).holding
    before = database.path("PyPI").read_bytes()
    with packed({held: database.path("PyPI")}) as (source, root):
        take(database, {"P-2": document("P-2"), "P-3": document("P-3")})
        (layer,) = parse_manifest(read_document(source, root), root.media_type, "x").layers
        for offset in (0, 5000):
            with source.open(layer, offset) as reader:
                assert read_all(reader, 1 << 20) == before[offset:]
    assert database.path("PyPI").read_bytes() != before


def test_a_directory_whose_name_is_no_text(console: Console, osv: Path) -> None:
    place = os.fsdecode(os.fsencode(osv) + b"\xff")
    osv.rename(place)
    console("db", "import", place).ok()
    (row, _) = console("db", "status", "--format", "{{.Source}}").ok().lines
    assert row.endswith("\\xff/Debian/all.zip")


def test_push_and_pull(console: Console, registry: Registry, osv: Path, tmp_path: Path) -> None:
    console("db", "import", "-q", str(osv)).ok()
    name = f"{registry.host}/advisories:1"
    assert console("db", "push", name).ok().lines == ["Debian: 1", "PyPI: 1"]
    elsewhere = ("--root", str(tmp_path / "elsewhere"))
    assert console(*elsewhere, "db", "pull", name, "PyPI").ok().lines == ["PyPI: 1"]
    assert console(*elsewhere, "db", "pull", name).ok().lines == ["Debian: 1", "PyPI: 1"]
    missing = console(*elsewhere, "db", "pull", name, "npm")
    assert "npm: holds no advisories of this ecosystem" in missing.stderr
    assert console("system", "check").code == 0


def test_an_image_is_no_database(console: Console, registry: Registry, tiny: bytes) -> None:
    name = f"{registry.host}/app:1"
    console.image(tiny, name)
    console("push", name).ok()
    refused = console("db", "pull", name)
    assert refused.code == 1
    assert "is not an advisory database" in refused.stderr
