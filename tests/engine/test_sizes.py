"""``engine.analysis``: sizes by package, and what is kept of an image that was looked at."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest
from tests.scan.catalog.test_rpm import PACKAGES, build, database

from scow import Engine
from scow.size import names, places
from scow.size.analysis import VERSION
from scow.size.waste import KINDS


def image(engine: Engine, name: str, files: dict[str, bytes]) -> str:
    """An image of one layer with these files."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    tar.seek(0)
    return str(engine.images.import_(tar, name))


@pytest.fixture(scope="module")
def rpm_database(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    built = [build(tmp_path_factory.mktemp("build"), name) for name in PACKAGES]
    return database(tmp_path_factory.mktemp("rpmdb"), built).read_bytes()


@pytest.mark.peers
@pytest.mark.parametrize("place", ["var/lib/rpm", "usr/lib/sysimage/rpm"])
def test_sizes_by_rpm_package(tmp_path: Path, rpm_database: bytes, place: str) -> None:
    engine = Engine(tmp_path)
    files = {
        f"{place}/rpmdb.sqlite": rpm_database,
        "usr/lib/small/a.txt": bytes(700),
        "usr/lib/large/a.txt": bytes(50),
        "usr/lib/large/file-with-a-long-name-7": bytes(5000),
        "usr/lib/nobody": bytes(10),
    }
    image(engine, "rpm:1", files)
    found = engine.analysis.analyze("rpm:1").packages
    assert [(one.name, one.size, one.files) for one in found] == [("large", 5050, 2), ("small", 700, 1)]


@pytest.mark.peers
def test_a_damaged_database_tells_what_it_can(tmp_path: Path, rpm_database: bytes) -> None:
    engine = Engine(tmp_path)
    files = {f"usr/lib/{name}/a.txt": bytes(10) for name in PACKAGES}
    image(engine, "rpm:1", {"var/lib/rpm/rpmdb.sqlite": rpm_database[: len(rpm_database) // 2], **files})
    assert len(engine.analysis.analyze("rpm:1").packages) < len(PACKAGES)


def test_an_image_is_looked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(tmp_path)
    image(engine, "one:1", {"tmp/x": bytes(5000)})
    engine.images.tag("one:1", "two:1")
    first = engine.analysis.analyze("one:1")
    monkeypatch.setattr("scow.size.analyzing.analyze", lambda *_, **__: pytest.fail("looked at again"))
    second = Engine(tmp_path).analysis.analyze("two:1")
    assert (first.name, second.name) == ("one:1", "two:1")
    assert (first.waste, first.tree, first.layers) == (second.waste, second.tree, second.layers)
    image(engine, "three:1", {"tmp/x": bytes(5001)})
    with pytest.raises(pytest.fail.Exception):
        engine.analysis.analyze("three:1")


def test_a_damaged_record_is_made_anew(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    image(engine, "one:1", {"tmp/x": bytes(5000)})
    first = engine.analysis.analyze("one:1")
    (record,) = (tmp_path / "cache/size").iterdir()
    record.write_bytes(record.read_bytes()[:-3])
    assert engine.analysis.analyze("one:1") == first


def test_a_directory_may_change(tmp_path: Path) -> None:
    engine = Engine(tmp_path / "store")
    (tmp_path / "root").mkdir()
    for size in (10, 20):
        (tmp_path / "root/file").write_bytes(bytes(size))
        assert engine.analysis.analyze(f"dir:{tmp_path}/root").size == size


def test_a_change_of_the_tables_counts_up() -> None:
    """When this fails, count ``scow.size.analysis.VERSION`` up, and put both numbers here."""
    kinds = (*names.PLACED, *names.NAMED, *names.SECRETS, *places.BELOW, *KINDS.values())
    rules = [(one.id, one.sort, one.below, one.named) for one in kinds]
    assert (VERSION, hashlib.sha256(repr(rules).encode()).hexdigest()[:8]) == (3, "bf2b2960")
