"""rpm's databases in the three ways in which it has kept them: written by rpm, by Berkeley DB, and (as Debian's rpm has
no ndb) by hand, with headers that rpm made."""

from __future__ import annotations

import struct
import subprocess
from io import BytesIO
from pathlib import Path

import pytest
from tests.support.peers import path_of

from scow.scan.catalog import rpm, sqlite
from scow.scan.catalog.reading import Reading, hashed, split_hashes
from scow.scan.catalog.window import Window
from scow.scan.package import Package

SPEC = """\
Name: {name}
Version: {version}
Release: 1
Epoch: {epoch}
Summary: test
License: MIT
BuildArch: noarch
Source: none
%description
test
%install
mkdir -p %{{buildroot}}/usr/lib/{name}
echo {name} > %{{buildroot}}/usr/lib/{name}/a.txt
for i in $(seq {files}); do echo > %{{buildroot}}/usr/lib/{name}/file-with-a-long-name-$i; done
%files
/usr/lib/{name}
"""

PACKAGES = {"small": ("1.0", 0, 0), "epochal": ("2.0~rc1", 3, 1), "large": ("10", 0, 400)}


def build(place: Path, name: str) -> Path:
    """A package, built by rpmbuild."""
    version, epoch, files = PACKAGES[name]
    spec = place / f"{name}.spec"
    text = SPEC.format(name=name, version=version, epoch=epoch, files=files).replace("Source: none\n", "")
    spec.write_text(text if epoch else text.replace("Epoch: 0\n", ""))
    subprocess.run(
        [path_of("rpmbuild"), "-bb", "--quiet", "--define", f"_topdir {place}", "--buildroot", str(place / "root"),
         "--nodeps", str(spec)],
        check=True, capture_output=True,
    )  # fmt: skip
    (built,) = (place / "RPMS" / "noarch").glob(f"{name}-*.rpm")
    return built


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    place = tmp_path_factory.mktemp("rpmbuild")
    return [build(place, name) for name in PACKAGES]


def database(place: Path, packages: list[Path]) -> Path:
    """rpm's database with ``packages`` in it."""
    subprocess.run(
        [path_of("rpm"), "--dbpath", str(place), "--define", "_db_backend sqlite", "--install", "--justdb", "--nodeps",
         "--nosignature", "--nodigest", "--ignorearch", *map(str, packages)],
        check=True, capture_output=True,
    )  # fmt: skip
    return place / "rpmdb.sqlite"


def ndb(headers: list[bytes]) -> bytes:
    """rpm's ``Packages.db``; the second slot is one that was given up."""
    pages = 1
    slots, blobs, block = [b"Slot" + bytes(12)], b"", pages * 4096 // 16
    for number, header in enumerate(headers, 1):
        tail = header + bytes(-(len(header) + 12) % 16) + struct.pack("<II4s", 0, len(header), b"BlbE")
        blob = struct.pack("<4sIII", b"BlbS", number, 1, len(header)) + tail
        slots.append(struct.pack("<4sIII", b"Slot", number, block, len(blob) // 16))
        blobs, block = blobs + blob, block + len(blob) // 16
    empty = [b"Slot" + bytes(12)] * (pages * 256 - 2 - len(slots))
    return struct.pack("<4sIIII12x", b"RpmP", 0, 1, pages, len(headers) + 1) + b"".join(slots + empty) + blobs


def berkeley(place: Path, headers: list[bytes], *, big_endian: bool = False) -> Path:
    """Berkeley DB's hash table of ``headers``, as rpm kept it: by numbers, and an empty first value."""
    lines = ["VERSION=3", "format=bytevalue", "type=hash", f"db_lorder={4321 if big_endian else 1234}", "HEADER=END"]
    for number, header in enumerate([b"\0\0\0\1", *headers]):
        lines += [f" {number.to_bytes(4, 'little').hex()}", f" {header.hex()}"]
    path = place / "Packages"
    subprocess.run([path_of("db5.3_load"), str(path)], input="\n".join([*lines, "DATA=END", ""]), text=True, check=True)
    return path


def read(data: bytes) -> Reading:
    return rpm.database(b"p", Window(BytesIO(data)))


def expected(name: str) -> Package:
    version, epoch, _ = PACKAGES[name]
    evr = f"{epoch}:{version}-1" if epoch else f"{version}-1"
    return Package(name, evr, "rpm", arch="noarch", licences=("MIT",), location=b"p")


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory, packages: list[Path]) -> dict[str, bytes]:
    """The same packages in each of the formats."""
    written = database(tmp_path_factory.mktemp("sqlite"), packages).read_bytes()
    headers = list(sqlite.blobs(Window(BytesIO(written))))
    return {
        "sqlite": written,
        "ndb": ndb(headers),
        "little": berkeley(tmp_path_factory.mktemp("little"), headers).read_bytes(),
        "big": berkeley(tmp_path_factory.mktemp("big"), headers, big_endian=True).read_bytes(),
    }


@pytest.mark.peers
@pytest.mark.parametrize("kind", ["sqlite", "ndb", "little", "big"])
def test_every_package_of_a_database(kind: str, databases: dict[str, bytes]) -> None:
    found = read(databases[kind])
    assert found.reasons == ()
    assert sorted(found.packages, key=lambda one: one.name) == [expected(name) for name in sorted(PACKAGES)]
    owned = set(split_hashes(found.owned))
    assert hashed(b"usr/lib/small/a.txt") in owned
    assert hashed(b"usr/lib/large/file-with-a-long-name-400") in owned
    assert hashed(b"usr/lib/large/file-with-a-long-name-401") not in owned


@pytest.mark.peers
def test_rpm_reads_the_berkeley_database_as_we_do(databases: dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / "Packages").write_bytes(databases["little"])
    form = "%{NAME} %|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\n"
    argv = [path_of("rpm"), "--dbpath", str(tmp_path), "--define", "_db_backend bdb_ro", "-qa", "--qf", form]
    told = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.splitlines()
    assert sorted(told) == sorted(f"{one.name} {one.version}" for one in read(databases["little"]).packages)


@pytest.mark.peers
def test_a_deleted_package_is_gone(tmp_path: Path, packages: list[Path]) -> None:
    path = database(tmp_path, packages)
    subprocess.run(
        [path_of("rpm"), "--dbpath", str(tmp_path), "--erase", "--justdb", "small"], check=True, capture_output=True
    )
    assert sorted(one.name for one in read(path.read_bytes()).packages) == ["epochal", "large"]


@pytest.mark.peers
@pytest.mark.parametrize("kind", ["sqlite", "ndb", "little"])
def test_damage_is_told_and_ends(kind: str, databases: dict[str, bytes]) -> None:
    data = databases[kind]
    cut = read(data[: len(data) // 2])
    assert cut.reasons
    assert len(cut.packages) < 3


def header(count: int, size: int, entries: bytes = b"", data: bytes = b"") -> bytes:
    return count.to_bytes(4, "big") + size.to_bytes(4, "big") + entries + data


def entry(tag: int, kind: int, offset: int, count: int) -> bytes:
    return b"".join(number.to_bytes(4, "big") for number in (tag, kind, offset, count))


@pytest.mark.parametrize(
    ("blob", "reason"),
    [
        (b"", "a header is cut short"),
        (header(1 << 31, 10), "a header says that it has 2147483648 entries"),
        (header(1, 1 << 31, entry(1000, 6, 0, 1)), "a header says that it has 1 entries and 2147483648 bytes"),
        (header(1, 4, entry(1000, 6, 100, 1), b"abc\0"), "a header's field 1000 is outside of it"),
        (header(1, 4, entry(1116, 4, 0, 1000), b"abcd"), "a header's field 1116 is outside of it"),
        (header(1, 4, entry(1117, 8, 0, 1 << 30), b"abcd"), "a header's field 1117 is outside of it"),
        (header(1, 4, entry(1000, 7, 0, 1), b"abcd"), "a header's field 1000 has the type 7"),
    ],
)
def test_a_lying_header(blob: bytes, reason: str) -> None:
    reasons: list[str] = []
    assert rpm._package(b"p", blob, reasons) == ([], b"")
    assert reasons[0].startswith(reason)


def test_the_manifest_of_an_image_without_rpm() -> None:
    line = "bash\t5.1.8-1.cm2\t1653816591\t1653753130\tMicrosoft\t(none)\t2380\tx86_64\t2\tbash-5.1.8-1.cm2.src.rpm"
    found = rpm.manifest(b"p", f"{line}\nnonsense\n".encode())
    assert found.packages == (Package("bash", "2:5.1.8-1.cm2", "rpm", arch="x86_64", location=b"p"),)
    assert found.reasons == ("a line that is no package: 'nonsense'",)


def test_what_is_no_database() -> None:
    assert read(b"hello").reasons == ("is no rpm database of a known kind",)
    assert not read(b"")
