"""What a planned stage is made of. Text was instructions; these are values with every variable replaced. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from scow.dockerfile.span import Span


class FromStage(msgspec.Struct, frozen=True):
    """Files come from an earlier stage."""

    index: int


class FromImage(msgspec.Struct, frozen=True):
    """Files come from an image."""

    name: str


class FromContext(msgspec.Struct, frozen=True):
    """Files come from the build context, or from the one the user gave that ``name``."""

    name: str = ""


class FromUrl(msgspec.Struct, frozen=True):
    """One file from the network, and what to call it. ``checksum`` is ``sha256:…``, or empty."""

    url: str
    checksum: str = ""
    name: str = "download"


class FromGit(msgspec.Struct, frozen=True):
    """The files of a repository at ``ref`` (empty: its default branch) below ``subdirectory``."""

    remote: str
    ref: str = ""
    subdirectory: str = ""
    keep_git: bool = False
    checksum: str = ""
    submodules: bool = True


Origin = FromStage | FromImage | FromContext | FromUrl | FromGit


class BindMount(msgspec.Struct, frozen=True):
    """``source`` of ``origin`` at ``target``; what is written to it is thrown away."""

    origin: Origin
    source: str
    target: str
    read_only: bool = True


class CacheMount(msgspec.Struct, frozen=True):
    """A directory that outlives the build. A new one holds ``source`` of ``origin``, or nothing."""

    id: str
    target: str
    sharing: str = "shared"
    read_only: bool = False
    mode: int = 0o755
    uid: int = 0
    gid: int = 0
    origin: Origin | None = None
    source: str = ""


class TmpfsMount(msgspec.Struct, frozen=True):
    """Memory; ``size`` is its limit in bytes."""

    target: str
    size: int | None = None


class SecretMount(msgspec.Struct, frozen=True):
    """The user's secret ``id`` as a file at ``target`` and as the variable ``env``; either may be empty."""

    id: str
    target: str
    env: str = ""
    required: bool = False
    mode: int = 0o400
    uid: int = 0
    gid: int = 0


class SshMount(msgspec.Struct, frozen=True):
    """The socket of the user's SSH agent ``id`` at ``target``."""

    id: str
    target: str
    required: bool = False
    mode: int = 0o600
    uid: int = 0
    gid: int = 0


Mount = BindMount | CacheMount | TmpfsMount | SecretMount | SshMount


class Ulimit(msgspec.Struct, frozen=True):
    """``name`` as in ``nofile``; -1 is unlimited."""

    name: str
    soft: int
    hard: int


class Surroundings(msgspec.Struct, frozen=True):
    """What every RUN of a build finds, as the user asked: ``hosts`` are ``name:address``, ``shm_size`` is in bytes;
    the ids of cache mounts are those of ``namespace``."""

    hosts: tuple[str, ...] = ()
    shm_size: int | None = None
    ulimits: tuple[Ulimit, ...] = ()
    hostname: str = ""
    namespace: str = ""


class RunOp(msgspec.Struct, frozen=True):
    """Run ``argv`` in the file system so far. ``hidden`` variables (proxies) are set but in no key or history.

    ``platform`` is that of the file system where it is not the building machine's, else empty.

    ``script`` is a file (a heredoc with a ``#!`` line) that lies at ``argv[-1]`` while the program runs.
    """

    argv: tuple[str, ...]
    env: tuple[str, ...]
    cwd: str
    user: str
    network: str
    hidden: tuple[str, ...] = ()
    mounts: tuple[Mount, ...] = ()
    insecure: bool = False
    script: bytes = b""
    around: Surroundings = Surroundings()
    platform: str = ""


class CopyOp(msgspec.Struct, frozen=True):
    """Copy ``sources`` (patterns) and ``files`` (name, content) of ``origin`` to ``target``, an absolute path.

    ``target`` ends in a slash when it must be a directory. ``unpack``: archives are unpacked (ADD). ``link``: what lies
    below is not looked at, so a target's symlinks are not followed. ``parents``: a source's directories are kept, from
    its ``/./`` on.
    """

    origin: Origin
    sources: tuple[str, ...]
    target: str
    files: tuple[tuple[str, bytes], ...] = ()
    chown: str = ""
    chmod: str = ""
    exclude: tuple[str, ...] = ()
    unpack: bool = False
    link: bool = False
    parents: bool = False


class MakeDirectoryOp(msgspec.Struct, frozen=True):
    """WORKDIR: make the directory, ``user``'s, when it is not there."""

    path: str
    user: str = ""


Op = RunOp | CopyOp | MakeDirectoryOp


class Step(msgspec.Struct, frozen=True):
    """One instruction: its ``op`` (``None`` when it only sets metadata), and how history tells it."""

    title: str
    created_by: str
    span: Span
    op: Op | None = None
    author: str = ""


class PlannedStage(msgspec.Struct, frozen=True):
    """``base`` is an image's key (:func:`~scow.build.plan.image_key`), an earlier stage's index, or ``None`` for
    scratch. ``process`` is the config object at the end, with docker's field names; ``platform`` is the stage's."""

    index: int
    title: str
    base: str | int | None
    steps: tuple[Step, ...]
    process: Mapping[str, Any]
    author: str = ""
    platform: str = ""


class Graph(msgspec.Struct, frozen=True):
    """The stages to build, each after those it needs; the last is the target. ``unused`` build arguments are told;
    ``epoch`` is the time that was asked for, in seconds since 1970."""

    stages: tuple[PlannedStage, ...]
    unused: tuple[str, ...] = ()
    epoch: int | None = None


def key(kind: str, parts: Iterable[str | bytes]) -> str:
    """A cache key: the sha256 of length-prefixed parts, so that no two lists of parts run together."""
    digest = hashlib.sha256()
    for part in (kind, *parts):
        data = part.encode("utf-8", "surrogateescape") if isinstance(part, str) else part
        digest.update(b"%d:" % len(data))
        digest.update(data)
    return digest.hexdigest()
