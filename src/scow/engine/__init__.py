"""The library: ``Engine(root)`` wires stores, registries and runtimes into verbs. Nothing prints, nothing reads the
environment.

>>> from scow import Engine
>>> import tempfile
>>> engine = Engine(tempfile.mkdtemp())
>>> engine.images.list()
()
>>> engine.version().name
'scow'
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from scow.engine.workplace import Workplace, default_root

if TYPE_CHECKING:
    from scow.engine.analysis.advising import Advisor
    from scow.engine.analysis.verbs import Sizes
    from scow.engine.containers.verbs import Containers
    from scow.engine.dockerfiles.verbs import Dockerfiles
    from scow.engine.images.files import Files
    from scow.engine.images.manifests import Manifests
    from scow.engine.images.verbs import Images
    from scow.engine.networks.verbs import Networks
    from scow.engine.registries.verbs import Registries
    from scow.engine.scans.advisories import Advisories
    from scow.engine.scans.verbs import Scanner
    from scow.engine.system.verbs import System
    from scow.engine.values import Version
    from scow.engine.volumes.verbs import Volumes
    from scow.registry.credentials import CredentialStore
    from scow.registry.hosts import Hosts, Proxies

__all__ = ["Engine", "default_root"]


class Engine:
    """Everything scow does, over one store at ``root`` (:func:`default_root` when not given).

    ``credentials``, ``hosts`` and ``proxies`` make what registries need when one is used for the first time; without
    them that is docker's ``~/.docker/config.json``, no settings and no proxies. ``runtime`` is ``crun``, ``runc``,
    ``sandbox``, a path, or ``None`` for the best of them here.
    """

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        *,
        credentials: Callable[[], CredentialStore] | None = None,
        hosts: Callable[[], Hosts] | None = None,
        proxies: Callable[[], Proxies] | None = None,
        runtime: str | None = None,
    ) -> None:
        place = Path(root).absolute() if root is not None else default_root()
        self.workplace = Workplace(place, credentials, hosts, proxies, runtime)

    def __getstate__(self) -> dict[str, Workplace]:
        """What goes to another process: where everything is, and nothing that is open."""
        return {"workplace": self.workplace}

    def __repr__(self) -> str:
        return f"Engine({str(self.root)!r})"

    @property
    def root(self) -> Path:
        """Where the store is."""
        return self.workplace.root

    @cached_property
    def advisor(self) -> Advisor:
        """What would make an image smaller, and the proof."""
        from scow.engine.analysis.advising import Advisor

        return Advisor(self.workplace)

    @cached_property
    def analysis(self) -> Sizes:
        """Where an image's bytes went, and getting them back."""
        from scow.engine.analysis.verbs import Sizes

        return Sizes(self.workplace)

    @cached_property
    def images(self) -> Images:
        """Pull, push, build, list, tag, remove … images."""
        from scow.engine.images.verbs import Images

        return Images(self.workplace)

    @cached_property
    def containers(self) -> Containers:
        """Run, list, remove, export … containers."""
        from scow.engine.containers.verbs import Containers

        return Containers(self.workplace)

    @cached_property
    def files(self) -> Files:
        """List, read and copy out the files of images, wherever these are."""
        from scow.engine.images.files import Files

        return Files(self.workplace)

    @cached_property
    def manifests(self) -> Manifests:
        """Make, annotate and push indexes by hand."""
        from scow.engine.images.manifests import Manifests

        return Manifests(self.workplace)

    @cached_property
    def dockerfiles(self) -> Dockerfiles:
        """Look at Dockerfiles and mend them; nothing is built."""
        from scow.engine.dockerfiles.verbs import Dockerfiles

        return Dockerfiles(self.workplace)

    @cached_property
    def registries(self) -> Registries:
        """Copy between places; list, look up and delete at registries."""
        from scow.engine.registries.verbs import Registries

        return Registries(self.workplace)

    @cached_property
    def scanner(self) -> Scanner:
        """What is in images."""
        from scow.engine.scans.verbs import Scanner

        return Scanner(self.workplace)

    @cached_property
    def system(self) -> System:
        """What the store takes, and giving it back."""
        from scow.engine.system.verbs import System

        return System(self.workplace)

    @cached_property
    def networks(self) -> Networks:
        """Create, list, inspect, remove, prune networks."""
        from scow.engine.networks.verbs import Networks

        return Networks(self.workplace)

    @cached_property
    def volumes(self) -> Volumes:
        """Create, list, inspect, remove, prune volumes."""
        from scow.engine.volumes.verbs import Volumes

        return Volumes(self.workplace)

    @cached_property
    def advisories(self) -> Advisories:
        """The database that scans are matched against."""
        from scow.engine.scans.advisories import Advisories

        return Advisories(self.workplace)

    def login(self, host: str, username: str, password: str) -> str:
        """Check the password with the registry and keep it; returns where it is kept.

        Raises :class:`~scow.errors.Denied` for a wrong one.
        """
        from scow.registry.credentials import Credential

        credential = self.workplace.registry.login(host, Credential(username, password))
        kept = self.workplace.credentials.store(host, credential)
        self.workplace.forget_logins()
        return kept

    def logout(self, host: str) -> bool:
        """Forget the password for ``host``; whether there was one."""
        erased = self.workplace.credentials.erase(host)
        self.workplace.forget_logins()
        return erased

    @staticmethod
    def version() -> Version:
        """What this is; no store is needed."""
        import platform

        from scow import __version__
        from scow.engine.values import Version

        uname = os.uname()
        return Version("scow", __version__, platform.python_version(), uname.sysname.lower(), uname.machine)
