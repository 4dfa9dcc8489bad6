"""The rpm database, in each of the ways in which rpm has kept it: a header per package. Pure.

Header: two numbers (entries, bytes of data), 16 bytes an entry (tag, type, offset, count), data; all big-endian
(https://rpm-software-management.github.io/rpm/manual/format_header.html).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import Final

from scow.errors import Invalid, ScowError
from scow.scan.catalog import berkeley, ndb, sqlite
from scow.scan.catalog.reading import PACKAGES_LIMIT, Reading, hashes, text
from scow.scan.catalog.window import Window
from scow.scan.package import Package
from scow.scan.purls import source_rpm

_NAME, _VERSION, _RELEASE, _EPOCH, _LICENCE, _ARCH, _SOURCE = 1000, 1001, 1002, 1003, 1014, 1022, 1044
_DIRECTORY_OF, _BASE_NAMES, _DIRECTORIES, _MODULARITY = 1116, 1117, 1118, 5096
_USED: Final = frozenset(
    {_NAME, _VERSION, _RELEASE, _EPOCH, _LICENCE, _ARCH, _SOURCE, _DIRECTORY_OF, _BASE_NAMES, _DIRECTORIES, _MODULARITY}
)
_NUMBERS, _TEXTS = 4, frozenset({6, 8, 9})  # types: INT32; STRING, STRING_ARRAY, I18NSTRING
_ENTRIES_LIMIT: Final = 10_000
_FILES_LIMIT: Final = 500_000
_REASONS_LIMIT: Final = 100
#: how a database begins, and where -> who reads its headers
_FORMATS: Final = (
    (sqlite.MAGIC, 0, sqlite.blobs),
    (ndb.MAGIC, 0, ndb.blobs),
    (berkeley.MAGICS[0], 12, berkeley.blobs),
    (berkeley.MAGICS[1], 12, berkeley.blobs),
)

#: Where rpm keeps it, as paths from the root.
DATABASES: Final = tuple(
    f"{place}/{name}"
    for place in ("var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm")
    for name in ("rpmdb.sqlite", "Packages.db", "Packages")
)

Fields = Mapping[int, tuple[bytes | int, ...]]


def database(path: bytes, file: Window) -> Reading:
    """The packages, and the files that they brought; what is damaged is told and the rest still read."""
    packages: list[Package] = []
    brought: list[bytes] = []
    reasons: list[str] = []
    try:
        for blob in _headers(file):
            package, files = _package(path, blob, reasons)
            packages += package
            brought.append(files)
            if len(reasons) > _REASONS_LIMIT:
                break
    except ScowError as error:
        reasons.append(error.problem)
    return Reading(tuple(packages), tuple(reasons), b"".join(brought), "rpm")


def owned(file: Window) -> Iterator[tuple[bytes, str]]:
    """Every file's path, and the package that brought it; what is damaged is passed over."""
    with suppress(ScowError):
        for blob in _headers(file):
            with suppress(Invalid):
                fields = parse(blob)
                name = _text(fields, _NAME)
                yield from ((path.strip(b"/"), name) for path in _files(fields))


def _headers(file: Window) -> Iterator[bytes]:
    """The headers of a database, which together are no larger than it. Raises :class:`Invalid` for damage."""
    read = next((read for magic, at, read in _FORMATS if file.at(at, len(magic)) == magic), None)
    if read is None:
        if file.size:
            raise Invalid("is no rpm database of a known kind")
        return
    left = file.size
    for blob in islice(read(file), PACKAGES_LIMIT + 1):
        left -= len(blob)
        if left < 0:
            raise Invalid("holds more than its size: parts of it are used several times")
        yield blob


def manifest(path: bytes, data: bytes) -> Reading:
    """Azure Linux's list of what its images without rpm hold: ``container-manifest-2``, ten fields with tabs between.

    Name, version-release, two times, vendor, epoch, size, architecture, epoch as a number, source package.
    """
    packages: list[Package] = []
    reasons: list[str] = []
    for line in islice(text(data).splitlines(), PACKAGES_LIMIT + 1):
        fields = line.split("\t")
        if len(fields) < 10:
            reasons.append(f"a line that is no package: {line[:40]!r}")
            continue
        epoch = "" if fields[8] in ("0", "") else f"{fields[8]}:"
        source, source_version = source_rpm(fields[9])
        packages.append(
            Package(
                fields[0],
                epoch + fields[1],
                "rpm",
                source=source if source != fields[0] else "",
                source_version=source_version if source_version != fields[1] else "",
                arch=fields[7],
                location=path,
            )
        )
    return Reading(tuple(packages), tuple(reasons), owner="rpm")


def journal(path: bytes, data: bytes) -> Reading:
    """SQLite's write-ahead log. rpm empties it whenever it is done."""
    return Reading(reasons=("holds changes that were never put into rpm's database: they are not read",), owner="rpm")


def _package(path: bytes, blob: bytes, reasons: list[str]) -> tuple[list[Package], bytes]:
    """The package of a header, and its files' hashes. Keys of trusted signers are kept as packages: they are none."""
    try:
        fields = parse(blob)
        name = _text(fields, _NAME)
        if name == "gpg-pubkey":
            return [], b""
        source, source_version = source_rpm(_text(fields, _SOURCE))
        licence = _text(fields, _LICENCE)
        package = Package(
            name,
            _evr(fields),
            "rpm",
            source=source if source != name else "",
            source_version=source_version if source_version != _evr(fields).rpartition(":")[2] else "",
            arch=_text(fields, _ARCH),
            licences=(licence[:500],) if licence else (),
            location=path,
            modularity=_text(fields, _MODULARITY),
        )
        return [package], hashes(_files(fields))
    except Invalid as error:
        reasons.append(error.problem)
        return [], b""


def _evr(fields: Fields) -> str:
    """``[epoch:]version-release``."""
    epoch = fields.get(_EPOCH, (0,))[0]
    version = f"{_text(fields, _VERSION)}-{_text(fields, _RELEASE)}"
    return f"{epoch}:{version}" if isinstance(epoch, int) and epoch else version


def _files(fields: Fields) -> Iterator[bytes]:
    directories = fields.get(_DIRECTORIES, ())
    for where, name in zip(fields.get(_DIRECTORY_OF, ()), fields.get(_BASE_NAMES, ()), strict=False):
        if isinstance(where, int) and where < len(directories):
            directory = directories[where]
            if isinstance(directory, bytes) and isinstance(name, bytes):
                yield directory + name


def _text(fields: Fields, tag: int) -> str:
    value = fields.get(tag, (b"",))[0]
    return text(value) if isinstance(value, bytes) else ""


def parse(blob: bytes) -> Fields:
    """The fields of a header that are used here, by tag. Raises :class:`Invalid`."""
    if len(blob) < 8:
        raise Invalid("a header is cut short")
    count, size = struct.unpack_from(">II", blob)
    start = 8 + 16 * count
    if not 0 < count <= _ENTRIES_LIMIT or start + size > len(blob):
        raise Invalid(f"a header says that it has {count} entries and {size} bytes, but has {len(blob)} bytes")
    data = blob[start : start + size]
    fields: dict[int, tuple[bytes | int, ...]] = {}
    for at in range(8, start, 16):
        tag, kind, offset, number = struct.unpack_from(">IIII", blob, at)
        if tag in _USED and tag not in fields:
            fields[tag] = _values(data, tag, kind, offset, number)
    return fields


def _values(data: bytes, tag: int, kind: int, offset: int, number: int) -> tuple[bytes | int, ...]:
    if not 0 < number <= _FILES_LIMIT or offset >= len(data):
        raise Invalid(f"a header's field {tag} is outside of it")
    if kind == _NUMBERS:
        if offset + 4 * number > len(data):
            raise Invalid(f"a header's field {tag} is outside of it")
        return struct.unpack_from(f">{number}I", data, offset)
    if kind not in _TEXTS:
        raise Invalid(f"a header's field {tag} has the type {kind}")
    if kind == 6:
        end = data.find(b"\0", offset)
        return (data[offset : end if end >= 0 else len(data)],)
    return tuple(data[offset:].split(b"\0", number)[:number])
