"""What the engine's methods return."""

from __future__ import annotations

from typing import Literal

import msgspec

from scow.oci.digest import Digest
from scow.oci.platform import Platform
from scow.runtime.spec.ports import Port

#: What a pull keeps of each layer: its compressed blob, its unpacked tree, or both.
Keep = Literal["both", "compressed", "unpacked"]


class Version(msgspec.Struct, frozen=True):
    """scow's version and what it runs on."""

    name: str
    version: str
    python: str
    os: str
    machine: str


class ImageSummary(msgspec.Struct, frozen=True):
    """One image of the store. ``created`` is RFC 3339 text; ``size`` the content of its layers in bytes."""

    id: Digest
    names: tuple[str, ...]
    digests: tuple[str, ...]
    created: str
    size: int
    labels: dict[str, str]
    platform: Platform
    containers: int = 0

    @property
    def dangling(self) -> bool:
        """Whether nothing names it."""
        return not self.names


class HistoryStep(msgspec.Struct, frozen=True):
    """One entry of an image's history, newest first. ``id`` is known for the newest only."""

    id: Digest | None
    created: str
    created_by: str
    size: int
    comment: str
    tags: tuple[str, ...] = ()


class Moved(msgspec.Struct, frozen=True):
    """What a pull or push came to. ``digest`` is what the registry calls it, ``size`` the bytes of that document;
    ``fresh``: it was not there before."""

    name: str
    digest: Digest
    id: Digest
    fresh: bool
    size: int = 0


class Copied(msgspec.Struct, frozen=True):
    """What a copy came to: where from, where to, digest and size of the manifest or index there, and the digests of
    the referrers that came along."""

    source: str
    target: str
    digest: Digest
    size: int
    referrers: tuple[Digest, ...] = ()


class Removed(msgspec.Struct, frozen=True):
    """What a removal took away: names, image ids (and layers as docker counts them), and the bytes given back."""

    untagged: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    bytes: int = 0


class ContainerSummary(msgspec.Struct, frozen=True):
    """One container. ``status`` is created, running, paused, restarting or exited; ``health`` is starting, healthy or
    unhealthy, "" where nothing is checked; times are RFC 3339 text, "" before. ``ports`` are published now; ``mounts``
    are sources on the host and names of ``volumes``, ``targets`` where they are inside."""

    id: str
    name: str
    image: str
    image_id: str
    command: tuple[str, ...]
    created: str
    status: str
    exit_code: int = 0
    started: str = ""
    finished: str = ""
    pid: int = 0
    labels: dict[str, str] = {}
    health: str = ""
    ports: tuple[Port, ...] = ()
    network: str = ""
    mounts: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()


class VolumeSummary(msgspec.Struct, frozen=True):
    """One volume. ``created`` is RFC 3339 text; ``containers`` are the ids of those that use it."""

    name: str
    created: str
    labels: dict[str, str]
    mountpoint: str
    anonymous: bool
    containers: tuple[str, ...] = ()


class NetworkSummary(msgspec.Struct, frozen=True):
    """One network. ``created`` is RFC 3339 text; bridge, host and none have no subnet."""

    name: str
    id: str
    driver: str
    created: str
    labels: dict[str, str] = {}
    subnet: str = ""
    gateway: str = ""
    internal: bool = False


class Usage(msgspec.Struct, frozen=True):
    """One line of ``system df``: how many there are, how many are used, and bytes."""

    kind: str
    total: int
    active: int
    size: int
    reclaimable: int


class Part(msgspec.Struct, frozen=True):
    """A part of the store and the bytes that it takes on disk."""

    name: str
    size: int


class CachePiece(msgspec.Struct, frozen=True):
    """A piece of the build cache: a layer with the ``keys`` of the steps that made it, or a cache mount with the
    ``name`` that the Dockerfile gives it. ``size`` is on disk, ``used`` the last time in unix seconds, ``in_image``
    whether an image has the layer too."""

    id: str
    kind: Literal["layer", "mount"]
    keys: tuple[str, ...]
    size: int
    used: float
    name: str = ""
    in_image: bool = False


class Pruned(msgspec.Struct, frozen=True):
    """What a prune took away, and the bytes given back."""

    containers: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    cache: tuple[str, ...] = ()
    bytes: int = 0
    volumes: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
