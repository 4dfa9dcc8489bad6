"""What the store takes, and giving it back."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from scow.content.layout import name_of
from scow.engine.builds import cachestock
from scow.engine.containers.records import ALIVE
from scow.engine.containers.verbs import Containers
from scow.engine.images.verbs import Images
from scow.engine.networks.verbs import Networks
from scow.engine.texts import rfc3339
from scow.engine.values import CachePiece, ImageSummary, Part, Pruned, Usage
from scow.engine.volumes.verbs import Volumes
from scow.engine.workplace import Noun
from scow.errors import Conflict, NotFound, Unsupported
from scow.layer.usage import disk_usage

if TYPE_CHECKING:
    from scow.engine.system.faults import Checked
    from scow.engine.workplace import Workplace
    from scow.runtime.examination import Finding

#: Says of an image or container whether a prune with filters may take it.
Choose = Callable[[Any], bool]


def _everything(_thing: Any) -> bool:
    """The choice of a prune without filters."""
    return True


class System(Noun):
    """``engine.system``."""

    def __init__(self, workplace: Workplace) -> None:
        super().__init__(workplace)
        self._store = workplace.store
        self._images, self._containers = Images(workplace), Containers(workplace)

    def usage(self) -> tuple[Usage, ...]:
        """Images, containers and build cache: how many, how many in use, bytes on disk and bytes to get back."""
        summaries = self._images.list()
        containers = self._containers.list()
        running = [one for one in containers if one.status in ALIVE]
        homes = {one.id: disk_usage(self._workplace.containers.home(one.id)) for one in containers}
        taken = self._image_bytes()
        unused = {one.id for one in summaries if not one.containers}
        idle_images = sum(taken.values()) - sum(self._image_bytes(unused).values())
        idle = sum(homes[one.id] for one in containers if one.status not in ALIVE)
        cache = self._cache_bytes()
        mounts = [disk_usage(place) for place in self._workplace.cache_mounts]
        cache_bytes = sum(size for name, size in cache.items() if name not in taken) + sum(mounts)
        return (
            Usage("Images", len(summaries), len(summaries) - len(unused), sum(taken.values()), idle_images),
            Usage("Containers", len(containers), len(running), sum(homes.values()), idle),
            self._volumes(),
            Usage("Build Cache", sum(1 for _ in self._workplace.cache) + len(mounts), 0, cache_bytes, cache_bytes),
        )

    def _volumes(self) -> Usage:
        """Volumes; those that no container has could be given back."""
        root = self._workplace.root / "volumes"
        sizes = [(one, disk_usage(root / one.name)) for one in Volumes(self._workplace).list()]
        used = sum(bool(one.containers) for one, _ in sizes)
        idle = sum(size for one, size in sizes if not one.containers)
        return Usage("Local Volumes", len(sizes), used, sum(size for _, size in sizes), idle)

    def parts(self) -> tuple[Part, ...]:
        """Everything below the root, part by part: the blocks on disk, which add up to what ``du`` says.

        As with ``du``, what is in a directory that this user cannot read is not counted.
        """
        root = self._workplace.root
        counted = [Part(one.kind, one.size) for one in self.usage()]
        shown = self._image_bytes() | self._cache_bytes()
        needed = self._workplace.marked()
        held = {*(digest for digest, _ in self._store.layout.blobs()), *self._store.layers}
        others = {name: self._store.room(name) for name in held if name not in shown}
        counted += [
            Part("Other platforms, artifacts", sum(size for name, size in others.items() if name in needed)),
            Part("Unneeded", sum(size for name, size in others.items() if name not in needed)),
            Part("Snapshots", disk_usage(root / "snapshots")),
            Part("Advisories", disk_usage(root / "advisories")),
            Part("What scans found", sum(disk_usage(root / "cache" / name) for name in ("scan", "size", "context"))),
            Part("Unfinished", disk_usage(root / "ingest")),
        ]
        rest = disk_usage(root) - sum(part.size for part in counted)
        return (*counted, Part("Names, locks, directories", rest))

    def prune_containers(self, *, chosen: Choose = _everything, dry_run: bool = False) -> Pruned:
        """Remove every container that does not run."""
        gone: list[str] = []
        freed = 0
        for one in self._containers.list():
            if one.status not in ALIVE and chosen(one):
                room = disk_usage(self._workplace.containers.home(one.id))
                with contextlib.suppress(Conflict, NotFound):  # somebody started it, or removed it
                    if not dry_run:
                        self._containers.remove(one.id)
                    freed += room
                    gone.append(one.id)
        return Pruned(containers=tuple(gone), bytes=freed)

    def prune_images(
        self, *, every: bool = False, chosen: Choose = _everything, unused_since: float | None = None,
        dry_run: bool = False, without: Collection[str] = (),
    ) -> Pruned:  # fmt: skip
        """Remove dangling images, or with ``every`` all that no container stands on (but those of ``without``).

        ``unused_since``: only what was not used since (unix seconds).
        """
        gone = self._doomed_images(every, chosen, without)
        if unused_since is not None:
            used = self._images.last_used()
            gone = [one for one in gone if used.get(one.id, 0.0) < unused_since]
        told = [word for one in gone for word in (*(f"untagged: {name}" for name in one.names), f"deleted: {one.id}")]
        if dry_run:
            return Pruned(images=tuple(told), bytes=self._freed({one.id for one in gone}, ()))
        doomed = {(one.id, one.names) for one in gone}  # one config may be under several manifests
        known = [one for one in self._workplace.catalogue() if (one.image.id, one.names) in doomed]
        entries = {(entry.digest, name_of(entry)) for one in known for entry in one.entries}
        if entries:  # and not what got a name meanwhile
            self._store.layout.rename(lambda old: [one for one in old if (one.digest, name_of(one)) not in entries])
        return Pruned(images=tuple(told), bytes=self._workplace.collect().bytes)

    def cache(self) -> tuple[CachePiece, ...]:
        """Every piece of the build cache, the one used longest ago first."""
        return cachestock.pieces(self._workplace)

    def prune_cache(
        self, *, every: bool = False, before: float | None = None, keep: int | None = None, most: int | None = None,
        free: int | None = None, only: cachestock.Only | None = None, dry_run: bool = False,
    ) -> Pruned:  # fmt: skip
        """Forget the build cache: the layers that no image has, or with ``every`` all, cache mounts too.

        ``before``: only what was not used since (unix seconds); ``only``: no more than the pieces that it is true of,
        among them cache mounts. ``keep`` bytes of it are left, or as many as ``most``, or as let ``free`` bytes of the
        disk be free.
        """
        found = self.cache()
        lacking = None if free is None else max(free - self._free(), 0)
        left = cachestock.left(sum(one.size for one in found), keep, most, lacking)
        chosen = cachestock.chosen(found, every=every, before=before, keep=left, only=only)
        gone = chosen if dry_run else cachestock.forget(self._workplace, chosen)
        freed = self._freed((), gone) if dry_run else self._workplace.collect().bytes + cachestock.mounted(gone)
        return Pruned(cache=cachestock.told(gone), bytes=freed)

    def _free(self) -> int:
        try:
            status = os.statvfs(self._workplace.root)
        except OSError:  # there is no store yet
            return 0
        return status.f_bavail * status.f_frsize

    def prune(
        self, *, every: bool = False, chosen: Choose = _everything, cache: bool = True, volumes: bool = False,
        dry_run: bool = False,
    ) -> Pruned:  # fmt: skip
        """Stopped containers, unused networks, dangling images (with ``every``, all unused ones) and the cache.

        With ``volumes`` also the anonymous volumes that no other container uses.
        """
        containers = self.prune_containers(chosen=chosen, dry_run=dry_run)
        doomed = containers.containers
        networks = Networks(self._workplace).prune(chosen=chosen, dry_run=dry_run, without=doomed).networks
        emptied = Pruned()
        if volumes:
            emptied = Volumes(self._workplace).prune(chosen=chosen, dry_run=dry_run, without=doomed)
        gone = {one.id for one in self._doomed_images(every, chosen, doomed)}
        images = self.prune_images(every=every, chosen=chosen, dry_run=dry_run, without=doomed)
        if dry_run:
            pieces = cachestock.chosen(cachestock.pieces(self._workplace, gone), every=every) if cache else ()
            freed = containers.bytes + self._freed(gone, pieces) + emptied.bytes
            return Pruned(doomed, images.images, cachestock.told(pieces), freed, emptied.volumes, networks)
        swept = self.prune_cache(every=every) if cache else Pruned()
        total = containers.bytes + images.bytes + swept.bytes + emptied.bytes
        return Pruned(doomed, images.images, swept.cache, total, emptied.volumes, networks)

    def check(self, *, repair: bool = False) -> Checked:
        """Look whether everything in the store is what it should be; with ``repair``, drop or fetch what is not."""
        from scow.engine.system.checking import Checking

        return Checking(self._workplace).run(repair=repair)

    def examine(self) -> tuple[int, tuple[Finding, ...]]:
        """The rung this machine stands on, and what is there and missing for each part of isolation."""
        from scow.runtime.examination import examine
        from scow.runtime.probe import probe

        return probe().rung, examine(probe(), self._workplace.root)

    def info(self) -> dict[str, Any]:
        """docker's ``info`` document, with what this machine lets containers have (``Isolation``)."""
        from scow import __version__
        from scow.runtime.probe import probe
        from scow.runtime.runner import choose

        here = probe()
        containers = self._containers.list()
        running, paused = (sum(one.status == word for one in containers) for word in ("running", "paused"))
        uname = os.uname()
        try:
            runtime = choose(here, self._workplace.runtime).name
        except Unsupported:
            runtime = "none"
        return {
            "ID": "",
            "Containers": len(containers),
            "ContainersRunning": running,
            "ContainersPaused": paused,
            "ContainersStopped": len(containers) - running - paused,
            "Images": len(self._images.list()),
            "Driver": "overlay",
            "DockerRootDir": str(self._workplace.root),
            "KernelVersion": uname.release,
            "OSType": uname.sysname.lower(),
            "Architecture": uname.machine,
            "NCPU": os.cpu_count() or 1,
            "MemTotal": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
            "OperatingSystem": _distribution(),
            "Name": uname.nodename,
            "CgroupDriver": "cgroupfs",
            "LoggingDriver": "json-file",
            "IndexServerAddress": "https://index.docker.io/v1/",
            "SecurityOptions": ["name=seccomp,profile=builtin", *(["name=rootless"] if here.rung in (2, 3) else [])],
            "Swarm": {"LocalNodeState": "inactive"},
            "ServerVersion": __version__,
            "SystemTime": rfc3339(time.time()),
            "CgroupVersion": here.cgroups,
            "DefaultRuntime": runtime,
            "Isolation": {"Rung": here.rung, "Able": here.able, "Reasons": list(here.reasons), "Runtime": runtime},
        }

    def _doomed_images(self, every: bool, chosen: Choose, without: Collection[str]) -> list[ImageSummary]:
        used = {one.image_id for one in self._containers.list() if one.id not in without}
        return [one for one in self._images.list() if one.id not in used and (every or one.dangling) and chosen(one)]

    def _freed(self, images: Collection[str], pieces: Collection[CachePiece]) -> int:
        """The bytes that come back with these images and pieces of the build cache."""
        before = self._image_bytes() | self._cache_bytes()
        after = self._image_bytes(images) | self._cache_bytes({key for one in pieces for key in one.keys})
        return sum(size for name, size in before.items() if name not in after) + cachestock.mounted(pieces)

    def _image_bytes(self, without: Collection[str] = ()) -> dict[str, int]:
        """Everything that images name -> its bytes on disk; but for what only those of ``without`` name."""
        store = self._store
        taken: dict[str, int] = {}
        for known in self._workplace.catalogue():
            if known.image.id in without:
                continue
            blobs = [known.image.descriptor, *known.image.manifest.children]
            for held in (*(descriptor.digest for descriptor in blobs), *known.image.diff_ids):
                if held not in taken:
                    taken[held] = store.room(held)
        return taken

    def _cache_bytes(self, without: Collection[str] = ()) -> dict[str, int]:
        """The same of the build cache, but for the records of ``without``."""
        store = self._store
        taken: dict[str, int] = {}
        for name, layer in self._workplace.cache:
            if name not in without:
                for held in (layer.descriptor.digest, layer.diff_id):
                    taken[held] = store.room(held)
        return taken


def _distribution() -> str:
    """What this machine calls its system, "" where it does not say."""
    from platform import freedesktop_os_release

    try:
        return freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        return ""
