"""Image configs (image-spec config.md, with docker's Healthcheck, OnBuild and Shell).

Reading gives typed values. Editing goes through the untyped document (:func:`document`), so that fields scow does not
know outlive it.
"""

# Annotations are not deferred: msgspec would compile each of them before the first document is read.

from typing import Any

import msgspec

from scow.oci.digest import DiffId
from scow.oci.documents import decode
from scow.oci.platform import Platform


class Healthcheck(msgspec.Struct, frozen=True, omit_defaults=True, rename="pascal"):
    """docker's health check; durations in nanoseconds."""

    test: tuple[str, ...] = ()
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0


class Process(msgspec.Struct, frozen=True, rename="pascal"):
    """How a container of the image starts: the ``config`` object."""

    user: str = ""
    env: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    working_dir: str = ""
    labels: dict[str, str] | None = None
    exposed_ports: dict[str, Any] | None = None
    volumes: dict[str, Any] | None = None
    stop_signal: str = ""
    healthcheck: Healthcheck | None = None
    on_build: tuple[str, ...] | None = None
    shell: tuple[str, ...] | None = None


class RootFS(msgspec.Struct, frozen=True):
    """The layers' diff_ids, lowest first."""

    type: str = "layers"
    diff_ids: tuple[DiffId, ...] | None = None


class History(msgspec.Struct, frozen=True, omit_defaults=True):
    """One step that made the image; ``empty_layer`` steps brought no layer."""

    created: str | None = None
    created_by: str = ""
    author: str = ""
    comment: str = ""
    empty_layer: bool = False


class Config(msgspec.Struct, frozen=True):
    """An image config."""

    architecture: str = ""
    os: str = ""
    variant: str | None = None
    os_version: str | None = msgspec.field(name="os.version", default=None)
    created: str | None = None
    author: str = ""
    config: Process | None = None
    rootfs: RootFS = RootFS()
    history: tuple[History, ...] | None = None

    @property
    def platform(self) -> Platform:
        """What the image runs on."""
        return Platform(self.architecture, self.os, self.variant, self.os_version).normalised()

    @property
    def process(self) -> Process:
        """How a container starts; empty when the image does not say."""
        return self.config or Process()

    @property
    def diff_ids(self) -> tuple[DiffId, ...]:
        """The layers' diff_ids, lowest first."""
        return self.rootfs.diff_ids or ()


def parse(raw: bytes, subject: str = "config") -> Config:
    """Read an image config; raises :class:`Invalid`."""
    return decode(raw, Config, subject)


def document(raw: bytes, subject: str = "config") -> dict[str, Any]:
    """The config as plain values, for editing."""
    return decode(raw, dict[str, Any], subject)
