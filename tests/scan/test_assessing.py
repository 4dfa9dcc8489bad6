"""A report is made once for a state of the packages and of the database, and never told of another."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.image.images import stored
from tests.layer.tars import item
from tests.scan.test_database import archive, document

from scow import Engine
from scow.image.store import Store
from scow.scan.finding import Report
from scow.scan.ignore import parse_ignore

RELEASE = item("etc/os-release", data=b"ID=debian\nVERSION_ID=12\n")
STATUS = b"Package: bash\nStatus: install ok installed\nVersion: 5.2\nArchitecture: amd64\n"


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """A store with an image that holds one Debian package, and an advisory on it."""
    stored(Store(tmp_path / "store"), [[RELEASE, item("var/lib/dpkg/status", data=STATUS)]], "app:1")
    engine = Engine(tmp_path / "store")
    bring(engine, tmp_path, D_1=document("D-1", "bash", fixed="5.3", ecosystem="Debian:12"))
    return engine


def bring(engine: Engine, place: Path, **documents: bytes) -> None:
    (place / "Debian").mkdir(exist_ok=True)
    (place / "Debian/all.zip").write_bytes(archive(documents).getvalue())
    engine.advisories.import_(place / "Debian")


def scan(engine: Engine, target: str = "app:1") -> Report:
    return engine.scanner.scan(target, source=None)


def kept(engine: Engine) -> int:
    return len(list((engine.root / "cache/scan").glob("report-*")))


def test_what_is_known_is_not_judged_again(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    first = scan(engine)
    assert [one.name for one in first.findings] == ["D-1"]
    monkeypatch.setattr("scow.scan.database.Database.records", None)
    assert scan(engine) == first
    assert scan(engine).catalog.packages  # which are kept elsewhere
    assert kept(engine) == 1


def test_another_state_of_the_database_is_judged_anew(engine: Engine, tmp_path: Path) -> None:
    scan(engine)
    bring(engine, tmp_path, D_2=document("D-2", "bash", fixed="5.4", ecosystem="Debian:12"))
    assert [one.name for one in scan(engine).findings] == ["D-2"]
    engine.advisories.database.path("Debian").unlink()
    assert [one.what for one in scan(engine).uncovered] == ["Debian:12"]


def test_marks_count_as_the_database(engine: Engine, tmp_path: Path) -> None:
    bring(engine, tmp_path, D_1=document("D-1", "bash", fixed="5.3", ecosystem="Debian:12", upstream=["CVE-2024-0001"]))
    assert not scan(engine).findings[0].exploited
    (tmp_path / "kev.json").write_text('{"vulnerabilities":[{"cveID":"CVE-2024-0001","dateAdded":"2024-03-01"}]}')
    engine.advisories.import_mark("kev", str(tmp_path / "kev.json"))
    assert scan(engine).findings[0].exploited == "2024-03-01"


def test_the_same_packages_elsewhere_have_the_same_findings(engine: Engine, tmp_path: Path) -> None:
    here = scan(engine)
    (tmp_path / "bill.json").write_bytes(engine.scanner.sbom("app:1"))
    there = scan(engine, f"sbom:{tmp_path / 'bill.json'}")
    assert there.catalog.subject != here.catalog.subject
    assert [one.name for one in there.findings] == [one.name for one in here.findings]


def test_what_is_left_out_is_not_kept(engine: Engine) -> None:
    without = engine.scanner.scan("app:1", source=None, ignoring=parse_ignore("D-1", "x"))
    assert (without.findings, len(without.ignored)) == ((), 1)
    assert len(scan(engine).findings) == 1


def test_a_damaged_record_is_made_again(engine: Engine) -> None:
    first = scan(engine)
    for record in (engine.root / "cache/scan").iterdir():
        record.write_bytes(b"\x93damaged")
    assert scan(engine) == first


def test_a_known_answer_loads_nothing_that_finds_it(engine: Engine) -> None:
    """Start-up is a feature: neither SQLite, nor the orders of versions, nor what reads layers."""
    scan(engine)
    program = (
        "import sys; from scow import Engine; from pathlib import Path\n"
        "assert Engine(Path(sys.argv[1])).scanner.scan('app:1', source=None).findings; print(*sys.modules)"
    )
    argv = [sys.executable, "-c", program, str(engine.root)]
    loaded = set(subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split())
    costly = {"sqlite3", "scow.scan.match", "scow.scan.advisory", "scow.scan.versions.order", "scow.scan.ignore",
              "scow.layer.tar", "scow.layer.tree", "scow.layer.compression", "scow.scan.catalog.rules"}  # fmt: skip
    assert not costly & loaded
