"""What the store takes, and giving it back."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from scow.engine.containers import Containers
from scow.engine.images import Images
from scow.engine.values import ImageSummary, Pruned, Usage
from scow.layer.store import disk_usage

if TYPE_CHECKING:
    from scow.engine.workplace import Workplace

#: Says of an image or container whether a prune with filters may take it.
Choose = Callable[[Any], bool]


def _everything(_thing: Any) -> bool:
    """The choice of a prune without filters."""
    return True


class System:
    """``engine.system``."""

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace
        self._store = workplace.store
        self._images, self._containers = Images(workplace), Containers(workplace)

    def usage(self) -> tuple[Usage, ...]:
        """Images, containers and build cache: how many, how many in use, bytes on disk and bytes to get back."""
        store = self._store
        summaries = self._images.list()
        containers = self._containers.list()
        running = [one for one in containers if one.status == "running"]
        homes = {one.id: disk_usage(self._workplace.containers.home(one.id)) for one in containers}
        total, shared = self._image_bytes()
        used = sum(one.containers > 0 for one in summaries)
        idle_images = 0 if used else total
        idle = sum(size for one in containers if one.status != "running" for size in (homes[one.id],))
        cache = [layer for _, layer in self._workplace.cache]
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
        for one in self._containers.list():
            if one.status != "running" and chosen(one):
                freed += disk_usage(self._workplace.containers.home(one.id))
                gone.append(one.id)
                if not dry_run:
                    self._workplace.containers.remove(one.id)
        return Pruned(containers=tuple(gone), bytes=freed)

    def prune_images(self, *, every: bool = False, chosen: Choose = _everything, dry_run: bool = False) -> Pruned:
        """Remove dangling images, or with ``every`` all that no container stands on."""
        gone = [one for one in self._images.list() if self._unused(one, every) and chosen(one)]
        told = [word for one in gone for word in (*(f"untagged: {name}" for name in one.names), f"deleted: {one.id}")]
        if dry_run:
            return Pruned(images=tuple(told), bytes=sum(one.size for one in gone))
        doomed = {one.id for one in gone}
        catalogue = self._workplace.catalogue()
        entries = {entry.digest for known in catalogue if known.image.id in doomed for entry in known.entries}
        if entries:
            self._store.layout.rename(lambda old: [entry for entry in old if entry.digest not in entries])
        return Pruned(images=tuple(told), bytes=self._workplace.collect().bytes)

    def prune_cache(self, *, every: bool = False, dry_run: bool = False) -> Pruned:
        """Forget the build cache: the records whose layers no image has, or with ``every`` all of them."""
        _, shared = self._image_bytes()
        gone = [name for name, layer in self._workplace.cache if every or layer.descriptor.digest not in shared]
        if dry_run:
            return Pruned(cache=tuple(gone))
        for name in gone:
            self._workplace.cache.forget(name)
        return Pruned(cache=tuple(gone), bytes=self._workplace.collect().bytes)

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
        containers = self._containers.list()
        running = sum(one.status == "running" for one in containers)
        uname = os.uname()
        try:
            choice = choose(here, self._workplace.runtime)
            runtime, why = choice.name, choice.reason
        except Exception as error:
            runtime, why = "none", str(error)
        return {
            "ID": "",
            "Containers": len(containers),
            "ContainersRunning": running,
            "ContainersPaused": 0,
            "ContainersStopped": len(containers) - running,
            "Images": len(self._images.list()),
            "Driver": "overlay",
            "DockerRootDir": str(self._workplace.root),
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
        store = self._store
        names: set[str] = set()
        total = 0
        for known in self._workplace.catalogue():
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
