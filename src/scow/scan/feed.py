"""OSV's bulk data on a web server: ``BASE/Debian/all.zip``, and what changed since.

``BASE/Debian/modified_id.csv`` lists all ids, and when each was changed: where that differs from what is here in a few
documents, only these are fetched. The newest moment here does not tell what is missing: an advisory is exported some
time after it was written, and may come behind one that is newer. A mirror needs nothing but the zips.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, cast
from urllib.parse import quote

from scow.content.disk import disk_error
from scow.content.target import Reader
from scow.content.verify import read_all
from scow.errors import Limit, NotFound
from scow.scan.advisory import ADVISORY_LIMIT
from scow.scan.bulk import Document, zipped
from scow.scan.database import Database
from scow.scan.importing import Imported, import_documents
from scow.scan.lines import lines

#: Opens a URL. Raises :class:`~scow.errors.NotFound` for what is not there, ``Unavailable``, ``Denied``.
Open = Callable[[str], AbstractContextManager[Reader]]
#: More changed documents than this are fetched as one zip.
FEW: Final = 200
_ZIP_LIMIT: Final = 8 << 30
_CHUNK: Final = 1 << 20


class Feed:
    """The bulk data at ``base``."""

    def __init__(self, base: str, opened: Open) -> None:
        self._base = base.rstrip("/")
        self._open = opened

    def update(self, database: Database, ecosystem: str, now: str) -> Imported:
        """Bring the file of one ecosystem up to date."""
        old = database.holding(ecosystem)
        changed = self._changed(database, ecosystem) if old and old.source == self._base else None
        if changed is not None:
            with contextlib.suppress(NotFound):  # one is gone since it was listed
                return self._parts(database, ecosystem, changed, now)
        return self._whole(database, ecosystem, now)

    def _changed(self, database: Database, ecosystem: str) -> list[str] | None:
        """What is listed with another moment than we have; None when that is much or not known, or when something that
        we have is no longer listed."""
        names: list[str] = []
        ours = database.moments(ecosystem)
        try:
            with self._open(self._url(ecosystem, "modified_id.csv")) as reader:
                for line in lines(reader, "modified_id.csv"):
                    moment, _, where = line.partition(",")
                    name = where.rpartition("/")[2]
                    if _instant(ours.pop(name, "")) != _instant(moment):
                        names.append(name)
                        if len(names) > FEW:
                            return None
        except NotFound:
            return None
        return None if ours else names

    def _parts(self, database: Database, ecosystem: str, changed: list[str], now: str) -> Imported:
        documents = (Document(name, None, partial(self._one, ecosystem, name)) for name in changed)
        return import_documents(database, ecosystem, documents, now=now, source=self._base, whole=False)

    def _one(self, ecosystem: str, name: str) -> bytes:
        with self._open(self._url(ecosystem, f"{name}.json")) as reader:
            return read_all(reader, ADVISORY_LIMIT + 1)

    def _whole(self, database: Database, ecosystem: str, now: str) -> Imported:
        url = self._url(ecosystem, "all.zip")
        with self._fetched(url, database.directory) as file, zipped(file, url) as documents:
            return import_documents(database, ecosystem, documents, now=now, source=self._base)

    @contextlib.contextmanager
    def _fetched(self, url: str, directory: Path) -> Iterator[BinaryIO]:
        with _room(directory) as file:
            try:
                with self._open(url) as reader:
                    while chunk := reader.read(_CHUNK):
                        file.write(chunk)
                        if file.tell() > _ZIP_LIMIT:
                            raise Limit(f"longer than {_ZIP_LIMIT >> 30} GiB", subject=url)
                file.seek(0)
            except OSError as error:
                raise disk_error(error, directory) from None
            yield file

    def _url(self, ecosystem: str, name: str) -> str:
        return f"{self._base}/{quote(ecosystem)}/{quote(name)}"


def _instant(moment: str) -> str:
    """An RFC 3339 time of UTC in the one form that has no zeros to spare: writers differ in how many they give."""
    whole, _, fraction = moment.removesuffix("Z").partition(".")
    return f"{whole}.{fraction.rstrip('0')}"


def _room(directory: Path) -> BinaryIO:
    """A file without a name, on the disk that the database is on."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        return cast("BinaryIO", tempfile.TemporaryFile(dir=directory))
    except OSError as error:
        raise disk_error(error, directory) from None
