"""OSV's documents as they come in bulk: a zip of them, or a directory."""

from __future__ import annotations

import contextlib
import lzma
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from scow.content.disk import on_disk
from scow.errors import Invalid, Limit
from scow.scan.advisory import ADVISORY_LIMIT

#: what zipfile says of an archive that is damaged, or was never a good one
_BROKEN: Final = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error,
    EOFError, NotImplementedError, RuntimeError, ValueError,
)  # fmt: skip


class Document(NamedTuple):
    """One OSV document: its file's name, its CRC (None: read it to know), and how to read it."""

    name: str
    crc: int | None
    read: Callable[[], bytes]


@contextlib.contextmanager
def zipped(file: BinaryIO, subject: str) -> Iterator[Iterator[Document]]:
    """The documents of one of OSV's ``all.zip``. Raises :class:`~scow.errors.Invalid` when it is no zip."""
    try:
        archive = zipfile.ZipFile(file)
    except _BROKEN as error:
        raise Invalid(f"not a readable zip of advisories: {error}", subject=subject) from None
    with archive:
        yield _members(archive)


def _members(archive: zipfile.ZipFile) -> Iterator[Document]:
    for member in archive.infolist():
        if member.filename.endswith(".json"):
            name = os.path.basename(member.filename).removesuffix(".json")
            yield Document(name, member.CRC, partial(_member, archive, member))


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    if member.file_size > ADVISORY_LIMIT:
        raise Limit(f"is longer than {ADVISORY_LIMIT} bytes", subject=member.filename)
    try:
        with archive.open(member) as file:
            return file.read(ADVISORY_LIMIT + 1)
    except (*_BROKEN, OSError) as error:
        raise Invalid(f"cannot be read from the zip: {error}", subject=member.filename) from None


def plain(directory: Path) -> Iterator[Document]:
    """The documents of a directory of JSON files, and of the directories in it."""
    for base, directories, files in os.walk(directory):
        directories.sort()
        for name in sorted(files):
            if name.endswith(".json"):
                told = os.fsencode(name).decode(errors="backslashreplace")
                yield Document(told.removesuffix(".json"), None, partial(_file, Path(base, name)))


def _file(path: Path) -> bytes:
    """What the disk cannot give is no unreadable document: without it the database would lack what it had before."""
    with on_disk(path):
        try:
            with path.open("rb") as file:
                return file.read(ADVISORY_LIMIT + 1)
        except (FileNotFoundError, PermissionError) as error:
            raise Invalid(f"cannot be read: {error.strerror}", subject=str(path)) from None
