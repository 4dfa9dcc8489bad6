"""Build contexts that lie elsewhere: a git repository, a tar, or a lone Dockerfile, brought to a directory here."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from scow.build import arriving, remote
from scow.build.ops import FromGit, FromUrl
from scow.build.sources import is_git, is_web, repository
from scow.dockerfile.parser import LARGEST
from scow.errors import Invalid, Limit, Unavailable, Unsupported

if TYPE_CHECKING:
    from scow.registry.transport import Transport


class Fetched(msgspec.Struct, frozen=True):
    """A context that was fetched. ``alone``: what came was a Dockerfile, and there are no other files. ``time``: when
    its commit was made, or what came was last changed, in seconds since 1970."""

    root: Path
    alone: bytes | None = None
    time: int | None = None


class Fetching(msgspec.Struct, frozen=True):
    """Brings contexts below ``directory``; ``agents`` are the sockets of the user's SSH agents."""

    directory: Path
    transport: Transport
    agents: Mapping[str, Path] = {}

    def fetch(self, url: str, *, keep_git: bool = False) -> Fetched:
        """What lies at ``url``; ``keep_git``: a repository's ``.git``, too.

        Raises :class:`~scow.errors.NotFound`, ``Denied``, ``Unavailable``, ``Invalid``.
        """
        place = self.directory / f"context-{os.urandom(8).hex()}"
        place.mkdir()
        if is_git(url):
            return self._git(repository(url, keep_git=keep_git), place)
        if is_web(url):
            return self._web(url, place)
        raise Unsupported("not a context that can be fetched", subject=url.partition(":")[0])

    def _git(self, origin: FromGit, place: Path) -> Fetched:
        mine = ("file",) if origin.remote.lower().startswith("file:") else ()
        git = remote.Git(place, self.agents.get("default"), protocols=(*remote.PROTOCOLS, *mine))
        top = place / "files"
        directory = git.checkout(origin, git.commit(origin), top)
        when = git.time(top)
        if not origin.keep_git:
            for found in [*top.rglob(".git")]:
                shutil.rmtree(found) if found.is_dir() and not found.is_symlink() else found.unlink()
        return Fetched(directory, time=when)

    def _web(self, url: str, place: Path) -> Fetched:
        got = remote.download(self.transport, FromUrl(url), place / "download")
        files = place / "files"
        files.mkdir()
        when = got.modified // 10**9 if got.modified > 0 else None
        with got.path.open("rb") as file:
            head = file.read(arriving.HEAD)
            file.seek(0)
            if arriving.is_archive(head):
                arriving.unpack(file, head, files)
                return Fetched(files, time=when)
            text = file.read(LARGEST + 1)
        if len(text) > LARGEST:
            raise Limit("what came is no tar, and too large for a Dockerfile", subject=url.partition("?")[0])
        return Fetched(files, alone=text, time=when)


def commit_time(directory: Path, scratch: Path) -> int:
    """When the commit that a local context stands on was made. Raises :class:`Invalid` where it is no repository."""
    try:
        return remote.Git(scratch, protocols=()).time(directory)
    except Unavailable as error:
        raise Invalid(
            f"SOURCE_DATE_EPOCH=context: no commit to take the time of: {error.problem}", subject=str(directory)
        ) from None
