"""What the store takes, and giving it back."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from scow.build.cache import Records
from scow.engine.catalogue import Catalogue
from scow.engine.values import ImageSummary, Pruned, Usage
from scow.image.collect import Collected, collect
from scow.layer.store import disk_usage

if TYPE_CHECKING:
    from scow.engine import Engine

#: Says of an image or container whether a prune with filters may take it.
Choose = Callable[[Any], bool]


def _everything(_thing: Any) -> bool:
    """The choice of a prune without filters."""
    return True


class System:
    """``engine.system``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._records = Records(engine.root / "cache" / "build")

    def collect(self) -> Collected:
        """Delete what no image, container, cache record or running command needs."""
        containers = list(self._engine.containers.records)
        kept = [name for _, layer in self._records for name in (layer.descriptor.digest, layer.diff_id)]
        kept += [diff_id for settings in containers for diff_id in settings.diff_ids]
        return collect(self._engine.store, [settings.manifest for settings in containers], kept)

    def usage(self) -> tuple[Usage, ...]:
        """Images, containers and build cache: how many, how many in use, bytes on disk and bytes to get back."""
        store = self._engine.store
        summaries = self._engine.images.list()
        containers = self._engine.containers.list()
        running = [one for one in containers if one.status == "running"]
        homes = {one.id: disk_usage(self._engine.containers.records.home(one.id)) for one in containers}
        total, shared = self._image_bytes()
        used = sum(one.containers > 0 for one in summaries)
        idle_images = 0 if used else total
        idle = sum(size for one in containers if one.status != "running" for size in (homes[one.id],))
        cache = [layer for _, layer in self._records]
        own = {layer.descriptor.digest: layer for layer in cache if layer.descriptor.digest not in shared}
        cache_bytes = sum(disk_usage(store.layout.path(digest)) for digest in own)
        cache_bytes += sum(store.layers.size(layer.diff_id) for layer in own.values())
        return (
            Usage("Images", len(summaries), used, total, idle_images),
            Usage("Containers", len(containers), len(running), sum(homes.values()), idle),
            Usage("Local Volumes", 0, 0, 0, 0),
            Usage("Build Cache", len(cache), 0, cache_bytes, cache_bytes),
        )

    def prune_containers(self, *, chosen: Choose = _everything, dry_run: bool = False) -> Pruned:
        """Remove every container that does not run."""
        gone: list[str] = []
        freed = 0
        for one in self._engine.containers.list():
            if one.status != "running" and chosen(one):
                freed += disk_usage(self._engine.containers.records.home(one.id))
                gone.append(one.id)
                if not dry_run:
                    self._engine.containers.records.remove(one.id)
        return Pruned(containers=tuple(gone), bytes=freed)

    def prune_images(self, *, every: bool = False, chosen: Choose = _everything, dry_run: bool = False) -> Pruned:
        """Remove dangling images, or with ``every`` all that no container stands on."""
        gone = [one for one in self._engine.images.list() if self._unused(one, every) and chosen(one)]
        told = [word for one in gone for word in (*(f"untagged: {name}" for name in one.names), f"deleted: {one.id}")]
        if dry_run:
            return Pruned(images=tuple(told), bytes=sum(one.size for one in gone))
        doomed = {one.id for one in gone}
        catalogue = Catalogue(self._engine.store.layout, self._engine.images.platform)
        entries = {entry.digest for known in catalogue if known.image.id in doomed for entry in known.entries}
        if entries:
            self._engine.store.layout.rename(lambda old: [entry for entry in old if entry.digest not in entries])
        return Pruned(images=tuple(told), bytes=self.collect().bytes)

    def prune_cache(self, *, every: bool = False, dry_run: bool = False) -> Pruned:
        """Forget the build cache: the records whose layers no image has, or with ``every`` all of them."""
        _, shared = self._image_bytes()
        gone = [name for name, layer in self._records if every or layer.descriptor.digest not in shared]
        if dry_run:
            return Pruned(cache=tuple(gone))
        for name in gone:
            self._records.forget(name)
        return Pruned(cache=tuple(gone), bytes=self.collect().bytes)

    def prune(self, *, every: bool = False, chosen: Choose = _everything, dry_run: bool = False) -> Pruned:
        """Stopped containers, dangling images (with ``every``, all unused ones) and the build cache."""
        containers = self.prune_containers(chosen=chosen, dry_run=dry_run)
        images = self.prune_images(every=every, chosen=chosen, dry_run=dry_run)
        cache = self.prune_cache(every=every, dry_run=dry_run)
        total = containers.bytes + images.bytes + cache.bytes
        return Pruned(containers.containers, images.images, cache.cache, total)

    def info(self) -> dict[str, Any]:
        """docker's ``info`` document, with what this machine lets containers have (``Isolation``)."""
        from scow import __version__
        from scow.runtime.probe import probe
        from scow.runtime.runner import choose

        here = probe()
        containers = self._engine.containers.list()
        running = sum(one.status == "running" for one in containers)
        uname = os.uname()
        try:
            choice = choose(here, self._engine.runtime)
            runtime, why = choice.name, choice.reason
        except Exception as error:
            runtime, why = "none", str(error)
        return {
            "ID": "",
            "Containers": len(containers),
            "ContainersRunning": running,
            "ContainersPaused": 0,
            "ContainersStopped": len(containers) - running,
            "Images": len(self._engine.images.list()),
            "Driver": "overlay",
            "DockerRootDir": str(self._engine.root),
            "KernelVersion": uname.release,
            "OSType": uname.sysname.lower(),
            "Architecture": uname.machine,
            "NCPU": os.cpu_count() or 1,
            "MemTotal": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
            "Name": uname.nodename,
            "ServerVersion": __version__,
            "SystemTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "CgroupVersion": here.cgroups,
            "DefaultRuntime": runtime,
            "Isolation": {"Rung": here.rung, "Reasons": list(here.reasons), "Runtime": runtime, "RuntimeReason": why},
        }

    def _image_bytes(self) -> tuple[int, set[str]]:
        """Bytes on disk of everything that images name, each blob and layer once; and those names."""
        store = self._engine.store
        names: set[str] = set()
        total = 0
        for known in Catalogue(store.layout, self._engine.images.platform):
            for descriptor in (known.image.descriptor, *known.image.manifest.children):
                if descriptor.digest not in names:
                    names.add(descriptor.digest)
                    total += disk_usage(store.layout.path(descriptor.digest))
            for diff_id in known.image.diff_ids:
                if diff_id not in names:
                    names.add(diff_id)
                    total += store.layers.size(diff_id)
        return total, names

    def _unused(self, one: ImageSummary, every: bool) -> bool:
        return one.containers == 0 and (every or one.dangling)
