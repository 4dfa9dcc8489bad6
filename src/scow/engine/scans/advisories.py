"""``engine.advisories``: the database that scans are matched against, and bringing it here."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from scow.content.target import Reader
from scow.engine.texts import rfc3339
from scow.engine.workplace import Noun
from scow.errors import Invalid, NotFound, Unavailable
from scow.oci.location import Location
from scow.scan.database import Database, require
from scow.scan.ecosystem import checked_root
from scow.scan.holding import MARKS, Holding
from scow.scan.sources import MARK_SOURCES, SOURCE

if TYPE_CHECKING:
    from scow.engine.workplace import Workplace
    from scow.scan.bulk import Document
    from scow.scan.feed import Feed
    from scow.scan.importing import Imported

_WEB: Final = ("https://", "http://")

Watch = Callable[["Imported"], None]


class Advisories(Noun):
    """``engine.advisories``."""

    def __init__(self, workplace: Workplace) -> None:
        super().__init__(workplace)
        self.database = Database(workplace.root / "advisories")

    def status(self) -> tuple[Holding, ...]:
        """What there is: for each ecosystem how many advisories, and how old they are."""
        return self.database.holdings()

    def update(
        self, ecosystems: Sequence[str] = (), *, source: str = SOURCE, watch: Watch = lambda imported: None
    ) -> tuple[Imported, ...]:
        """Bring ecosystems up to date from OSV's bulk data at ``source``; without any, those that are there.

        ``source`` is a URL, or a directory as for :meth:`import_`. ``kev`` and ``epss`` come from their own sources.
        Raises :class:`~scow.errors.NotFound` for an ecosystem that ``source`` does not have, ``Unavailable``.
        """
        from scow.scan.feed import Feed

        if not source.startswith(_WEB):
            return self.import_(source, only=ecosystems, watch=watch)
        wanted = [checked_root(one) for one in ecosystems] or [one.ecosystem for one in self.status()]
        if not wanted:
            raise Invalid("the advisory database is empty", hint="say which ecosystems: scow db update Debian PyPI")
        feed = Feed(source, self._opened)
        done: list[Imported] = []
        for one in wanted:
            imported = self.import_mark(one) if one in MARKS else self._updated(feed, one)
            watch(imported)
            done.append(imported)
        return tuple(done)

    def import_(
        self,
        path: str | os.PathLike[str],
        *,
        ecosystem: str | None = None,
        only: Sequence[str] = (),
        watch: Watch = lambda imported: None,
    ) -> tuple[Imported, ...]:
        """Import a zip or a directory of OSV documents, or a directory with one of these for each ecosystem.

        ``ecosystem`` says what a single one is about, where its name does not. ``only``: leave out all others.
        """
        wanted = {checked_root(one) for one in only}
        done: list[Imported] = []
        for name, place in _places(Path(path), ecosystem):
            if not wanted or name in wanted:
                imported = self._imported(name, place)
                watch(imported)
                done.append(imported)
        if not done:
            hint = "a directory holds DIR/Debian/all.zip; for a single zip: --ecosystem NAME"
            raise NotFound("holds no advisories of these ecosystems", subject=str(path), hint=hint)
        return tuple(done)

    def import_mark(self, kind: str, source: str = "") -> Imported:
        """Import CISA's catalogue (``kev``) or EPSS's scores (``epss``) from a file or URL."""
        from scow.scan.importing import import_marks
        from scow.scan.marks import READERS

        source = source or MARK_SOURCES[kind]

        def bring() -> Imported:
            with self._opened(source) if source.startswith(_WEB) else _file(source) as reader:
                return import_marks(
                    self.database, kind, READERS[kind](reader, source), now=rfc3339(time.time()), source=source
                )

        return self._workplace.transport.patiently(bring) if source.startswith(_WEB) else bring()

    def publish(self, target: str, ecosystems: Sequence[str] = ()) -> tuple[Holding, ...]:
        """Put the database, or some ecosystems of it, at a :class:`~scow.oci.location.Location` as an OCI artifact.

        ``docker://NAME`` pushes it, ``oci-archive:FILE`` makes one file of it.
        """
        from scow.content.copy import copy
        from scow.engine.registries import ends
        from scow.engine.scans.artifact import packed

        held = tuple(require(self.database, one) for one in ecosystems) or self.status()
        if not held:
            raise NotFound("the advisory database is empty", hint="scow db update Debian PyPI")
        location = Location.parse(target)
        with (
            packed({one: self.database.path(one.ecosystem) for one in held}) as (source, root),
            self._workplace.store.layout.working(),
            ends.target(self._workplace, location, lambda: self._workplace.registry, Location("")) as (sink, put),
        ):
            copy(source, sink, root, put=put)
        return held

    def fetch(self, source: str, ecosystems: Sequence[str] = ()) -> tuple[Holding, ...]:
        """The reverse of :meth:`publish`: take the database, or some ecosystems of it, from there."""
        from scow.engine.registries import ends
        from scow.engine.scans.artifact import unpacked
        from scow.scan.importing import adopt

        wanted = {checked_root(one) for one in ecosystems}
        layout = self._workplace.store.layout
        with (
            layout.working(),
            ends.source(self._workplace, Location.parse(source), lambda: self._workplace.registry) as (_, origin, root),
            unpacked(origin, root, layout.ingest, lambda name: not wanted or name in wanted) as files,
        ):
            held = tuple(adopt(self.database, checked_root(name), path) for name, path in files.items())
        if missing := wanted - {one.ecosystem for one in held}:
            raise NotFound("holds no advisories of this ecosystem", subject=", ".join(sorted(missing)))
        return held

    # -- parts ------------------------------------------------------------------------------------------------------

    def _updated(self, feed: Feed, ecosystem: str) -> Imported:
        """Once more from the beginning when the connection breaks off."""
        return self._workplace.transport.patiently(lambda: feed.update(self.database, ecosystem, rfc3339(time.time())))

    def _imported(self, name: str, place: Path) -> Imported:
        from scow.scan.bulk import plain, zipped
        from scow.scan.importing import import_documents

        def bring(documents: Iterator[Document]) -> Imported:
            source = os.fsencode(place.absolute()).decode(errors="backslashreplace")
            return import_documents(self.database, name, documents, now=rfc3339(time.time()), source=source)

        if place.is_dir():
            return bring(plain(place))
        with _file(str(place)) as file, zipped(file, str(place)) as documents:
            return bring(documents)

    @contextlib.contextmanager
    def _opened(self, url: str) -> Iterator[Reader]:
        from scow.registry.transport import Call

        if not url.startswith(_WEB):
            raise Invalid("not a URL", subject=url, hint="for a file or directory: scow db import")
        with self._workplace.transport.send(Call("GET", url)) as response:
            if response.status in (403, 404, 410):
                raise NotFound("no advisories there", subject=url)
            if response.status != 200:
                raise Unavailable(f"unexpected HTTP status {response.status}", subject=url)
            yield response


def _places(path: Path, ecosystem: str | None) -> Iterator[tuple[str, Path]]:
    """Ecosystem → the zip or directory of its documents."""
    if not path.exists():
        raise NotFound("no such file or directory", subject=str(path))
    if ecosystem:
        yield checked_root(ecosystem), path
    elif path.is_dir() and not _holds_documents(path):
        for child in sorted(path.iterdir()):
            if child.is_dir() and _holds_documents(child):
                yield _place(child)
    else:
        yield _place(path)


def _holds_documents(directory: Path) -> bool:
    return (directory / "all.zip").exists() or next(directory.glob("*.json"), None) is not None


def _place(path: Path) -> tuple[str, Path]:
    """The ecosystem is what the directory is called, or the zip if that has a name of its own."""
    place = path / "all.zip" if (path / "all.zip").exists() else path
    full = path.absolute()
    return checked_root(
        full.name if path.is_dir() else full.parent.name if path.name == "all.zip" else full.stem
    ), place


@contextlib.contextmanager
def _file(path: str) -> Iterator[BinaryIO]:
    try:
        with open(path, "rb") as file:
            yield file
    except FileNotFoundError:
        raise NotFound("no such file", subject=path) from None
    except OSError as error:
        raise Invalid(f"cannot be read: {(error.strerror or '').lower()}", subject=path) from None
