"""Volume verbs of the library."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from scow.engine.texts import rfc3339
from scow.engine.values import Pruned, VolumeSummary
from scow.engine.volumes.records import Volume
from scow.engine.workplace import Noun
from scow.errors import Conflict
from scow.layer.usage import disk_usage

if TYPE_CHECKING:
    from scow.engine.workplace import Workplace

Users = dict[str, list[str]]


class Volumes(Noun):
    """``engine.volumes``."""

    def __init__(self, workplace: Workplace) -> None:
        super().__init__(workplace)
        self._records = workplace.volumes

    def create(self, name: str = "", labels: Mapping[str, str] | None = None) -> VolumeSummary:
        """Make a volume, unless there is one of that name; without a name it is an anonymous one.

        Raises :class:`~scow.errors.Invalid`.
        """
        now = rfc3339(time.time())
        with self._records.held():
            made = self._records.add(Volume(name or os.urandom(32).hex(), now, dict(labels or {}), not name))
        return self._summary(made, self._users())

    def list(self) -> tuple[VolumeSummary, ...]:
        """Every volume, by name."""
        users = self._users()
        return tuple(self._summary(volume, users) for volume in self._records)

    def find(self, name: str) -> VolumeSummary:
        """The volume of that name; raises :class:`~scow.errors.NotFound`."""
        return self._summary(self._records.require(name), self._users())

    def inspect(self, name: str) -> dict[str, Any]:
        """docker's JSON of a volume, as plain values."""
        found = self.find(name)
        return {
            "CreatedAt": found.created,
            "Driver": "local",
            "Labels": found.labels or None,
            "Mountpoint": found.mountpoint,
            "Name": found.name,
            "Options": None,
            "Scope": "local",
        }

    def size(self, name: str) -> int:
        """Bytes on disk."""
        return disk_usage(self._records.directory(name))

    def remove(self, name: str) -> str:
        """Delete a volume that no container uses, running or not. Raises :class:`~scow.errors.Conflict`."""
        with self._records.held():
            self._records.require(name)
            users = self._users().get(name)
            if users:
                problem = f"remove {name}: volume is in use - [{', '.join(users)}]"
                raise Conflict(problem, subject=name, named=True)
            self._records.remove(name)
        return name

    def prune(
        self, *, every: bool = False, chosen: Callable[[VolumeSummary], bool] = lambda _: True, dry_run: bool = False,
        without: Collection[str] = (),
    ) -> Pruned:  # fmt: skip
        """Delete the anonymous volumes that no container uses, or with ``every`` named ones too.

        The containers ``without`` do not count as users.
        """
        gone, freed = [], 0
        with self._records.held():
            users = self._users()
            for volume in self._records:
                used = set(users.get(volume.name, ())) - set(without)
                if used or not (every or volume.anonymous) or not chosen(self._summary(volume, users)):
                    continue
                freed += self.size(volume.name)
                gone.append(volume.name)
                if not dry_run:
                    self._records.remove(volume.name)
        return Pruned(volumes=tuple(gone), bytes=freed)

    def release(self, names: Collection[str]) -> None:
        """Delete those of ``names`` that are anonymous and that no container uses (any more)."""
        if not names:
            return
        with self._records.held():
            users = self._users()
            for name in names:
                volume = self._records.find(name)
                if volume and volume.anonymous and name not in users:
                    self._records.remove(name)

    def _users(self) -> Users:
        """Volume -> the ids of the containers that have it."""
        users: Users = {}
        for settings in self._workplace.containers:
            for name in volume_names(settings.spec):
                users.setdefault(name, []).append(settings.id)
        return users

    def _summary(self, volume: Volume, users: Users) -> VolumeSummary:
        return VolumeSummary(
            volume.name,
            volume.created,
            volume.labels,
            str(self._records.directory(volume.name)),
            volume.anonymous,
            tuple(users.get(volume.name, ())),
        )


def volume_names(spec: Mapping[str, Any]) -> list[str]:
    """The volumes in the options of a container's record."""
    return [mount["name"] for mount in spec.get("mounts", ()) if mount.get("kind") == "volume" and mount.get("name")]


def mount_names(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """The volumes, and the host's paths, in the options of a container's record."""
    shown = (mount for mount in spec.get("mounts", ()) if mount["kind"] != "tmpfs")
    return tuple(mount.get("name") or mount["source"] for mount in shown)
