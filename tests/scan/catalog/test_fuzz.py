"""Every reader, on any bytes: it says something, or why not, and never fails."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.scan.catalog import programs
from tests.scan.catalog.test_java import LOG4J, jar
from tests.scan.catalog.test_rpm import ndb
from tests.scan.catalog.test_texts import APK, DPKG, PACMAN, PNPM

from scow.scan.catalog import rpm
from scow.scan.catalog.reading import sane
from scow.scan.catalog.rules import PROGRAMS, RULES, Rule
from scow.scan.catalog.window import Window

HEADER = struct.pack(">II", 2, 12) + struct.pack(">8I", 1000, 6, 0, 1, 1117, 8, 4, 2) + b"abc\0d\0e\0ffff"


def sqlite_file() -> bytes:
    """A small database with overflow pages and an inner page."""
    import sqlite3

    with sqlite3.connect(":memory:") as connection:
        connection.execute("PRAGMA page_size=512")
        connection.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)")
        connection.executemany("INSERT INTO Packages (blob) VALUES (?)", [(HEADER * n,) for n in range(1, 60)])
        connection.commit()
        return bytes(connection.serialize())


SEEDS = [
    DPKG, APK, PACMAN, LOG4J, jar({"a.jar": LOG4J, "META-INF/MANIFEST.MF": b"Bundle-Version: 1\n"}), ndb([HEADER] * 3),
    programs.go(), programs.old_go(), programs.go(wide=False), programs.rust([{"name": "a", "version": "1"}]),
    sqlite_file(), b'{"name": "x", "version": "1", "packages": [{"name": "a", "purl": "pkg:npm/x@1"}]}',
    b"\npackages:\n" + PNPM["9.0"],
    b"# stub: a 1 ruby lib\n s.name = 'x'\n", b"ID=debian\nVERSION_ID=12\n", b"Name: a\nVersion: 1\n\nbody",
    bytes(12) + b"\x61\x15\x06\x00" + bytes(4) + struct.pack("<I", 512) + bytes(8) + struct.pack("<I", 3) + bytes(2000),
]  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Something real with bytes changed, cut out or put in."""
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(0, 8))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        data[at : at + draw(st.integers(0, 8))] = draw(st.binary(max_size=8))
    return bytes(data)


def read(rule: Rule, data: bytes) -> None:
    if rule.read is not None:
        found = rule.read(b"a/b", data)
    else:
        assert rule.search is not None
        found = rule.search(b"a/b", Window(io.BytesIO(data)))
    for package in sane(found).packages:
        assert package.purl.startswith(f"pkg:{package.kind}/")


READERS = list({rule.read or rule.search: rule for rule in (*RULES, PROGRAMS)}.values())


@pytest.mark.parametrize("rule", READERS, ids=lambda rule: (rule.read or rule.search).__name__)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.one_of(st.binary(max_size=600), damaged()))
def test_any_bytes(rule: Rule, data: bytes) -> None:
    read(rule, data)


@settings(max_examples=300, deadline=None)
@given(blob=st.binary(max_size=400).map(lambda data: HEADER[:40] + data))
def test_any_rpm_header(blob: bytes) -> None:
    rpm._package(b"p", blob, [])


def test_the_seeds_are_read() -> None:
    """So that what is damaged above was something."""
    assert len(rpm.database(b"p", Window(io.BytesIO(ndb([HEADER] * 3)))).packages) == 3
    assert len(rpm.database(b"p", Window(io.BytesIO(sqlite_file()))).packages) == 59
