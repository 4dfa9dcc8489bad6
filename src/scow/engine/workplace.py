"""What the verbs share: the store, the containers' records, registries, and how to run things here."""

from __future__ import annotations

import contextlib
import os
import pwd
import sys
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from scow.content.disk import ANOTHER_ROOT, check_owner
from scow.engine.containers.records import ContainerRecords
from scow.errors import NotFound
from scow.files import read, renew

if TYPE_CHECKING:
    from scow.build.cache import Records
    from scow.build.caches import Caches
    from scow.engine.images.catalogue import Catalogue
    from scow.engine.networks.records import NetworkRecords
    from scow.engine.volumes.records import VolumeRecords
    from scow.image.collect import Collected
    from scow.image.store import Store
    from scow.oci.descriptor import Descriptor
    from scow.oci.digest import Digest
    from scow.oci.platform import Platform
    from scow.oci.reference import Reference
    from scow.registry.credentials import CredentialStore
    from scow.registry.hosts import Hosts, Proxies
    from scow.registry.remote import Registry
    from scow.registry.repository import Repository
    from scow.registry.transport import Transport


def default_root() -> Path:
    """``/var/lib/scow`` for root, else ``~/.local/share/scow``. Raises :class:`NotFound` for a user without a home."""
    if os.geteuid() == 0:
        return Path("/var/lib/scow")
    if (home := _home()) is None:
        raise NotFound(f"user {os.geteuid()} has no home directory for a store", hint=ANOTHER_ROOT)
    return home / ".local/share/scow"


def _home() -> Path | None:
    """What the system has for this user; pods run users that it knows nothing of."""
    try:
        return Path(pwd.getpwuid(os.geteuid()).pw_dir)
    except KeyError:
        return None


class Workplace:
    """One store, and the way to registries and runtimes. Each part is made when somebody asks for it.

    Raises :class:`Denied` when the store is another user's.
    """

    def __init__(
        self,
        root: Path,
        credentials: Callable[[], CredentialStore] | None,
        hosts: Callable[[], Hosts] | None,
        proxies: Callable[[], Proxies] | None,
        runtime: str | None,
    ) -> None:
        check_owner(root)
        self.root = root
        self.runtime = runtime
        self.containers = ContainerRecords(root / "containers")
        self._ids: dict[Digest, Digest] = {}
        self._credentials, self._hosts, self._proxies = credentials, hosts, proxies

    def __reduce__(self) -> tuple[Any, ...]:
        """What another process makes the same of: it opens the store for itself."""
        return Workplace, (self.root, self._credentials, self._hosts, self._proxies, self.runtime)

    @cached_property
    def store(self) -> Store:
        """The images' blobs, layers and snapshots."""
        from scow.content.disk import shut
        from scow.image.store import Store
        from scow.oci.reference import Reference

        shut(self.root)
        return Store(self.root, lambda: self.mounts, lambda name: self.registry.repository(Reference.parse(name)))

    @cached_property
    def volumes(self) -> VolumeRecords:
        """The volumes' records."""
        from scow.engine.volumes.records import VolumeRecords

        return VolumeRecords(self.root / "volumes")

    @cached_property
    def networks(self) -> NetworkRecords:
        """The networks' records."""
        from scow.engine.networks.records import NetworkRecords

        return NetworkRecords(self.root / "networks")

    def beside(self, root: Path) -> Workplace:
        """The same over another store."""
        return Workplace(root, self._credentials, self._hosts, self._proxies, self.runtime)

    @cached_property
    def platform(self) -> Platform:
        """What this machine runs; containers of a Mac are Linux's."""
        from scow.oci.platform import Platform

        system, machine = os.uname().sysname.lower(), os.uname().machine
        return Platform(machine, "linux" if system == "darwin" else system).normalised()

    def wanted(self, platform: str | None) -> Platform:
        """The platform that ``platform`` asks for on this machine; this machine's where it says nothing."""
        from scow.oci.platform import wanted

        return wanted(platform or None, self.platform)

    @cached_property
    def stacks(self) -> bool:
        """Whether overlayfs can be had on the store's file system."""
        from scow.runtime.probe import probe

        return probe().rung < 4 and self._tried("overlay")

    @cached_property
    def mounts(self) -> bool:
        """Whether layers are unpacked as files to mount: where the store's file system allows it, and off Linux, where
        they are only read, and no file system may take two of their names for one."""
        return sys.platform != "linux" or self._tried("mountable")

    def _tried(self, what: str) -> bool:
        """Tried once a boot by each kind of user, as it costs a process: root may or may not be allowed to mount. On
        another file system, where somebody took the store, it is tried anew."""
        from scow.held import may_mount

        known = self.root / f"{what}-{self.store.layers.flavour}{'' if may_mount() else '-confined'}"
        with contextlib.suppress(OSError):
            where, _, answer = read(known).decode().rpartition(" ")
            if where == self._where():
                return answer == "yes"
        from scow.runtime import probe

        with contextlib.suppress(OSError):
            self.root.mkdir(parents=True, exist_ok=True)
        works = {"overlay": probe.stacks, "mountable": probe.mounts}[what](self.root)
        with contextlib.suppress(OSError):
            renew(known, f"{self._where()} {'yes' if works else 'no'}".encode())
        return works

    def _where(self) -> str:
        """The boot, and the file system of the store."""
        return f"{self.store.boot} {self.root.stat().st_dev}"

    @cached_property
    def cache(self) -> Records:
        """The build cache's records."""
        from scow.build.cache import Records

        return Records(self.root / "cache" / "build")

    @cached_property
    def cache_mounts(self) -> Caches:
        """The directories of RUN --mount=type=cache."""
        from scow.build.caches import Caches

        return Caches(self.root / "cache" / "mounts")

    @cached_property
    def credentials(self) -> CredentialStore:
        """Where logins are kept."""
        if self._credentials is not None:
            return self._credentials()
        from scow.registry.credentials import CredentialStore

        home = _home()
        return CredentialStore((home / ".docker/config.json",) if home else ())

    @cached_property
    def transport(self) -> Transport:
        """The way to the network."""
        from scow.registry.hosts import Hosts, Proxies
        from scow.registry.transport import Transport

        hosts = self._hosts() if self._hosts else Hosts()
        proxies = self._proxies() if self._proxies else Proxies()
        return Transport(hosts, proxies)

    @cached_property
    def registry(self) -> Registry:
        """Every registry."""
        return self.registry_with(self.credentials)

    def forget_logins(self) -> None:
        """Ask anew who may do what at registries: there was a login, or a logout."""
        self.__dict__.pop("registry", None)

    def pushing(self, reference: Reference) -> Repository:
        """Where an image goes; repositories there that the store's other names say may lend it parts."""
        from scow.content.layout import name_of
        from scow.oci.reference import Reference

        others = (Reference.parse(known) for one in self.catalogue().entries if (known := name_of(one)))
        elsewhere = {other.path for other in others if other.host == reference.host}
        mounts = tuple(sorted(elsewhere - {reference.path}))[:4]
        return self.registry.repository(reference, push=True, mount_from=mounts)

    def registry_with(self, credentials: CredentialStore) -> Registry:
        """Every registry, asked with other credentials than the user's own."""
        from scow.registry.remote import Registry

        return Registry(self.transport, credentials, self.store.layout.ingest)

    def catalogue(self) -> Catalogue:
        """A fresh look at the store's images."""
        from scow.engine.images.catalogue import Catalogue

        return Catalogue(self.store.layout, self.platform, self._ids)

    def needed(self) -> tuple[list[Descriptor], list[str]]:
        """What containers and cache records need: manifests with all below them, and single blobs and layers."""
        containers = list(self.containers)
        names: list[str] = [name for _, layer in self.cache for name in (layer.descriptor.digest, layer.diff_id)]
        names += [diff_id for settings in containers for diff_id in settings.diff_ids]
        return [settings.manifest for settings in containers], names

    def marked(self) -> set[str]:
        """The names of all blobs, layers and snapshots that no collection would take now."""
        from scow.image.collect import Marked

        images, names = self.needed()
        layout = self.store.layout
        with layout.exclusive():
            marked = Marked(set(names) | layout.leased())
            for descriptor in (*layout.entries(), *images):
                marked.image(self.store, descriptor)
        return marked.names

    def collect(self) -> Collected:
        """Delete what no image, container, cache record or running command needs."""
        from scow.engine.system.sweeping import sweep
        from scow.image.collect import collect

        freed = sweep(self.root, self.store.layout.ingest)
        collected = collect(self.store, *self.needed())
        return msgspec.structs.replace(collected, bytes=collected.bytes + freed)


class Noun:
    """What an engine has of one kind (``engine.images``): verbs over its :class:`Workplace`."""

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {str(self._workplace.root)!r}>"

    def __reduce__(self) -> tuple[Any, ...]:
        """To another process without what is open, as the workplace."""
        return type(self), (self._workplace,)
