"""Files from the network: one over HTTP, or those of a git repository through the git program.

Nothing of the user's goes along: no credentials for other hosts, no git configuration, no prompt. Size and time are
bounded.
"""

from __future__ import annotations

import email.utils
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import msgspec

from scow.build import epoch
from scow.build.ops import FromGit, FromUrl
from scow.errors import Denied, Integrity, Limit, NotFound, Unavailable, Unsupported
from scow.layer.entry import Entry
from scow.layer.pack import Content
from scow.oci.digest import Digest

if TYPE_CHECKING:
    from scow.registry.transport import Transport

LARGEST: Final = 16 << 30  # bytes
_GIT_SECONDS: Final = 1800
_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
#: what a repository elsewhere is reached by
PROTOCOLS: Final = ("http", "https", "git", "ssh")


class Download(msgspec.Struct, frozen=True):
    """A file that was fetched. As a listing it holds the one file, with mode 0600 (Dockerfile reference, "ADD").

    ``modified`` is its Last-Modified in nanoseconds, 0 where the server does not say.
    """

    path: Path
    name: bytes
    sha256: bytes
    modified: int

    def find(self, path: bytes) -> Entry | None:
        """The file, or the root that it lies in."""
        if path == self.name:
            return Entry(self.name, "file", 0o600, size=self.path.stat().st_size)
        return None if path else Entry(b"", "dir", 0o755)

    def children(self, path: bytes) -> list[bytes]:
        """The file."""
        return [] if path else [self.name]

    def content(self, entry: Entry) -> Content:
        """The file's bytes."""
        return lambda: os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)

    def digest(self, entry: Entry) -> bytes:
        """The raw sha256."""
        return self.sha256

    def learn(self, entry: Entry, digest: bytes) -> None:
        """It is known."""

    def identity(self, entry: Entry) -> object | None:
        """It has one name."""
        return None


def download(transport: Transport, origin: FromUrl, target: Path) -> Download:
    """Fetch a file to ``target``, a path that is not there yet.

    Raises :class:`NotFound`, :class:`Denied`, :class:`Unavailable`, :class:`Limit`, and :class:`Integrity` when the
    content does not have the checksum.
    """
    digest, modified = transport.patiently(lambda: _fetch(transport, origin.url, target))
    if origin.checksum:
        _check(origin, target, digest)
    return Download(target, origin.name.encode("utf-8", "surrogateescape"), digest, modified)


def _fetch(transport: Transport, url: str, target: Path) -> tuple[bytes, int]:
    from scow.registry import protocol
    from scow.registry.transport import Call

    digest, size = hashlib.sha256(), 0
    with transport.send(Call("GET", url), retry=False) as response:
        _judge(response.status, url)
        with target.open("wb") as file:
            while data := response.read():
                size += len(data)
                if size > LARGEST:
                    raise Limit(f"file is larger than {LARGEST} bytes", subject=_host(url))
                digest.update(data)
                file.write(data)
        if protocol.length(response.headers) not in (None, size):
            raise Unavailable("the download ended early", subject=_host(url))
        return digest.digest(), _modified(response.headers)


def _judge(status: int, url: str) -> None:
    if status == 200:
        return
    if status in (401, 403):
        raise Denied(f"the server answered {status}", subject=_shown(url))
    if status in (404, 410):
        raise NotFound(f"the server answered {status}", subject=_shown(url))
    raise Unavailable(f"the server answered {status}", subject=_shown(url))


def _modified(headers: Mapping[str, str]) -> int:
    try:
        seconds = int(email.utils.parsedate_to_datetime(headers["last-modified"]).timestamp())
    except (KeyError, ValueError, TypeError, OverflowError):
        return 0
    return seconds * 10**9 if abs(seconds) <= epoch.LATEST else 0


def _check(origin: FromUrl, path: Path, sha256: bytes) -> None:
    wanted = Digest(origin.checksum)
    actual = sha256.hex()
    if wanted.algorithm != "sha256":
        with path.open("rb") as file:
            actual = hashlib.file_digest(file, wanted.algorithm).hexdigest()
    if actual != wanted.hex:
        raise Integrity(
            "digest mismatch", subject=_shown(origin.url), expected=str(wanted), actual=f"{wanted.algorithm}:{actual}"
        )


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]


def _shown(url: str) -> str:
    """The URL without what may be secret in it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{_host(url)}{parts.path}"


class Commit(msgspec.Struct, frozen=True):
    """A commit by its hash, that of the annotated tag that led to it (else the same), and the reference's full name,
    where it is one."""

    id: str
    tag: str
    name: str = ""


# -- git --------------------------------------------------------------------------------------------------------------


class Git:
    """The git program, in an empty environment; ``agent`` is the SSH agent's socket that it may use.

    ``protocols`` are those that it may speak; with ``file``, repositories of this machine may be read. What a
    repository asks for (submodules, the rest of a partial clone) comes by no other.
    """

    def __init__(self, home: Path, agent: Path | None = None, *, protocols: Sequence[str] = PROTOCOLS) -> None:
        found = shutil.which("git", path=os.defpath)
        if found is None:
            raise Unsupported("a git repository needs the git program", hint="apt-get install git")
        self._git, self._home, self._local = found, home, "file" in protocols
        self._env = {
            "PATH": os.defpath,
            "HOME": str(home),
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": ":".join(protocols),
            "GIT_SSH_COMMAND": "ssh -o BatchMode=yes",
            **({"SSH_AUTH_SOCK": str(agent)} if agent else {}),
        }

    def commit(self, origin: FromGit) -> Commit:
        """The commit that the reference is now. Raises :class:`NotFound`, and :class:`Integrity` for the checksum."""
        ref = origin.ref or "HEAD"
        found = Commit(ref, ref) if _COMMIT.fullmatch(ref) else self._resolved(origin, ref)
        wanted = origin.checksum.removeprefix("sha256:")
        if not found.id.startswith(wanted) and not found.tag.startswith(wanted):
            raise Integrity("commit mismatch", subject=_shown_git(origin), expected=wanted, actual=found.id)
        return found

    def checkout(self, origin: FromGit, commit: Commit, target: Path) -> Path:
        """The files at ``commit``, submodules and all, below ``target``; returns the directory that is asked for."""
        target.mkdir()
        self._run(origin, "init", "--quiet", "--template=", cwd=target)
        self._run(origin, "remote", "add", "origin", "--", origin.remote, cwd=target)
        try:
            self._run(origin, "fetch", "--quiet", "--depth=1", "--no-tags", "origin", commit.id, cwd=target)
        except Unavailable:  # an old server gives out names only
            self._run(origin, "fetch", "--quiet", "--", "origin", origin.ref or "HEAD", cwd=target)
        self._run(origin, "checkout", "--quiet", "--detach", commit.id, cwd=target)
        if origin.submodules:
            self._run(origin, "submodule", "--quiet", "update", "--init", "--recursive", "--depth=1", cwd=target)
        if origin.keep_git:
            self._keep(origin, commit, target)
        directory = (target / origin.subdirectory).resolve()
        if not directory.is_relative_to(target.resolve()) or not directory.is_dir():
            raise NotFound(f"no directory {origin.subdirectory!r}", subject=_shown_git(origin))
        return directory

    def time(self, directory: Path) -> int:
        """When the commit that is checked out there was made, in seconds since 1970. Raises :class:`Unavailable`."""
        shown = self._run(FromGit(str(directory)), "log", "-1", "--no-show-signature", "--format=%ct", cwd=directory)
        return int(shown)

    def _keep(self, origin: FromGit, commit: Commit, target: Path) -> None:
        """Make its ``.git`` what is kept: with the branch or tag that was asked for, and nothing of now and here."""
        if commit.name.startswith("refs/"):
            name = f"+{commit.name}:{commit.name}"
            self._run(origin, "fetch", "--quiet", "--depth=1", "--no-tags", "origin", name, cwd=target)
        forget_times = "git read-tree HEAD"  # an index tells when its files were written, and their inodes
        self._run(origin, "read-tree", "HEAD", cwd=target)
        self._run(origin, "submodule", "--quiet", "foreach", "--recursive", forget_times, cwd=target)
        for found in [*(target / ".git").rglob("FETCH_HEAD"), *(target / ".git").rglob("logs")]:
            shutil.rmtree(found) if found.is_dir() else found.unlink()

    def _resolved(self, origin: FromGit, ref: str) -> Commit:
        lines = self._run(origin, "ls-remote", "--exit-code", "--", origin.remote, ref, f"{ref}^{{}}").splitlines()
        named = {name: commit for commit, _, name in (line.partition("\t") for line in lines)}
        wanted = ("HEAD" if ref == "HEAD" else "", f"refs/{ref.removeprefix('refs/')}", f"refs/heads/{ref}")
        name = next((name for name in (*wanted, f"refs/tags/{ref}") if name in named), "")
        tag = named.get(name, "")
        found = named.get(f"{name}^{{}}", tag)
        if not _COMMIT.fullmatch(found):
            raise NotFound(f"no reference {ref!r}", subject=_shown_git(origin))
        return Commit(found, tag, name)

    def _run(self, origin: FromGit, *words: str, cwd: Path | None = None) -> str:
        options = (
            "-c",
            "core.hooksPath=/dev/null",
            "-c",
            f"protocol.file.allow={'always' if self._local else 'never'}",
            "-c",
            "core.fsmonitor=false",
            "-c",
            "advice.detachedHead=false",
        )
        try:
            done = subprocess.run(
                [self._git, *options, *words],
                cwd=cwd or self._home, env=self._env, stdin=subprocess.DEVNULL, capture_output=True,
                timeout=_GIT_SECONDS, check=False, umask=0o022,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise Unavailable("git took too long", subject=_shown_git(origin)) from None
        if done.returncode == 0:
            return done.stdout.decode("utf-8", "replace")
        if words[0] == "ls-remote" and done.returncode == 2:
            return ""
        told = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise Unavailable(f"git {words[0]} failed: {told}", subject=_shown_git(origin))


def _shown_git(origin: FromGit) -> str:
    scheme, found, rest = origin.remote.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}" if found else origin.remote
