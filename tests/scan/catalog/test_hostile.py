"""Files made to cost much: each ends soon, with a reason. The figure is what it would take without a bound."""

from __future__ import annotations

import io
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from packageurl import PackageURL
from tests.scan.catalog import programs
from tests.scan.catalog.test_fuzz import HEADER, sqlite_file
from tests.scan.catalog.test_rpm import ndb

from scow.scan.catalog import apk, dpkg, python, rpm, sbom
from scow.scan.catalog.programs import program
from scow.scan.catalog.reading import PACKAGES_LIMIT, Reading, sane
from scow.scan.catalog.window import Window
from scow.scan.package import Package


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Of processor time: the machine may be busy."""
    start = time.process_time()
    yield
    assert time.process_time() - start < seconds


def database(data: bytes) -> Reading:
    with within(5):
        return rpm.database(b"p", Window(io.BytesIO(data)))


def test_more_packages_than_anybody_has() -> None:
    """A gigabyte of objects."""
    with within(20):
        debian = sane(dpkg.status(b"p", b"Package: a\nVersion: 1\n\n" * 300_000))
        alpine = sane(apk.installed(b"p", b"P:a\nV:1\n\n" * 300_000))
    for found in (debian, alpine):
        assert len(found.packages) == PACKAGES_LIMIT
        assert found.reasons == (f"names {PACKAGES_LIMIT + 1} packages, over the limit of {PACKAGES_LIMIT}",)


def test_headers_without_end() -> None:
    with within(2):
        (package,) = python.metadata(b"p", b"Name: a\nVersion: 1\n" * 200_000).packages
    assert package.name == "a"


def test_json_of_nothing_but_objects() -> None:
    with within(2):
        found = sbom.bill(b"p", b'{"components": [' + b"{}," * 3_000_000 + b"{}]}")
    assert found.reasons == ("holds more than 500000 objects",)


def test_one_blob_in_many_slots() -> None:
    """rpm's ndb: every slot is package 1, a blob of 8 MiB: 2 GiB."""
    data = bytearray(ndb([HEADER + bytes(8 << 20)]))
    for slot in range(4, 256):
        data[16 * slot : 16 * slot + 16] = data[48:64]
    found = database(bytes(data))
    assert "parts of it are used several times" in found.reasons[0]


def test_one_row_in_many_cells() -> None:
    """SQLite: every cell of a page is the same row of most of a page: a gigabyte of a page."""
    size = 65536
    row = HEADER + bytes(20_000)
    types = b"\x00" + _varint(12 + 2 * len(row))
    payload = bytes([len(types) + 1]) + types + row
    cell = _varint(len(payload)) + b"\x01" + payload
    schema = _cell(b"table", b"Packages", b"Packages", b"\x02")
    pages = bytearray(sqlite_file()[:100].ljust(size, b"\0") + bytes(size))
    pages[16:18] = b"\x00\x01"
    pages[100:108] = struct.pack(">BHHHB", 13, 0, 1, 0, 0)
    pages[108:110] = struct.pack(">H", size - len(schema))
    pages[size - len(schema) : size] = schema
    cells = (size - len(cell) - 8) // 2
    start = size - len(cell)
    pages[size : size + 8] = struct.pack(">BHHHB", 13, 0, cells, 0, 0)
    pages[size + 8 : size + 8 + 2 * cells] = struct.pack(">H", start) * cells
    pages[2 * size - len(cell) :] = cell
    found = database(bytes(pages))
    assert len(found.packages) > 1
    assert "parts of it are used several times" in found.reasons[-1]


def _varint(number: int) -> bytes:
    out = bytes([number & 0x7F])
    while number := number >> 7:
        out = bytes([number & 0x7F | 0x80]) + out
    return out


def _cell(*columns: bytes) -> bytes:
    """A row of texts, but for the last, which is a number."""
    types = b"".join(_varint(13 + 2 * len(one)) for one in columns[:-1]) + b"\x01"
    payload = bytes([len(types) + 1]) + types + b"".join(columns)
    return _varint(len(payload)) + b"\x01" + payload


def test_gos_mark_again_and_again() -> None:
    """A mebibyte of marks, none of them in its place: 70 000 copies of it."""
    with within(2):
        found = program(
            b"p", Window(io.BytesIO(programs.elf({b".go.buildinfo": b"x" + b"\xff Go buildinf:xx" * 70_000})))
        )
    assert found == Reading()


def test_section_names_without_an_end() -> None:
    """A table of names with no end in it, looked through for each of 60 000 sections: 200 GB."""
    names = b"a" * (4 << 20)
    at = 64 + len(names)
    row = struct.pack("<IIQQQQIIQQ", 5, 3, 0, 0, 64, len(names), 0, 0, 0, 0)
    header = (
        b"\x7fELF\x02\x01\x01"
        + bytes(9)
        + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0, 0, at, 0, 64, 56, 0, 64, 60_000, 0)
    )
    with within(5):
        assert program(b"p", Window(io.BytesIO(header + names + row * 60_000))) == Reading()


@pytest.mark.parametrize("kind", ["npm", "golang", "maven", "composer", "pypi", "gem", "deb", "nuget"])
@pytest.mark.parametrize("name", ["/", "//", " ", "a/", "a:", "@a/", ":", "/ /", "%", "a b", "?", "#"])
def test_what_is_kept_has_a_package_url(kind: str, name: str) -> None:
    told = sane(Reading((Package(name, "1", kind),)))
    assert len(told.packages) + len(told.reasons) == 1
    assert all(PackageURL.from_string(one.purl).name for one in told.packages)
