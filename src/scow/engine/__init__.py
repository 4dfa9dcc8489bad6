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
import pwd
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from scow.engine.values import Version
from scow.image.store import Store

if TYPE_CHECKING:
    from scow.engine.containers import Containers
    from scow.engine.images import Images
    from scow.engine.system import System
    from scow.registry.credentials import Credential, CredentialStore
    from scow.registry.hosts import Hosts, Proxies
    from scow.registry.remote import Registry

__all__ = ["Engine", "default_root"]


def default_root() -> Path:
    """``/var/lib/scow`` for root, ``~/.local/share/scow`` for everybody else."""
    if os.geteuid() == 0:
        return Path("/var/lib/scow")
    return Path(pwd.getpwuid(os.geteuid()).pw_dir) / ".local/share/scow"


class Engine:
    """Everything scow does, over one store at ``root``.

    ``credentials`` and ``hosts`` are for registries (docker's ``~/.docker/config.json`` when not given); ``runtime`` is
    ``crun``, ``runc``, ``sandbox``, a path, or ``None`` for the best of them here.
    """

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        *,
        credentials: CredentialStore | None = None,
        hosts: Callable[[], Hosts] | None = None,
        proxies: Callable[[], Proxies] | None = None,
        runtime: str | None = None,
    ) -> None:
        self.root = Path(root).absolute() if root is not None else default_root()
        self.store = Store(self.root)
        self.runtime = runtime
        self._credentials = credentials
        self._hosts, self._proxies = hosts, proxies

    @cached_property
    def images(self) -> Images:
        """Pull, push, build, list, tag, remove … images."""
        from scow.engine.images import Images

        return Images(self)

    @cached_property
    def containers(self) -> Containers:
        """Run, list, remove, export … containers."""
        from scow.engine.containers import Containers

        return Containers(self)

    @cached_property
    def system(self) -> System:
        """What the store takes, and giving it back."""
        from scow.engine.system import System

        return System(self)

    @cached_property
    def credentials(self) -> CredentialStore:
        """Where logins are kept."""
        if self._credentials is not None:
            return self._credentials
        from scow.registry.credentials import CredentialStore

        return CredentialStore((Path(pwd.getpwuid(os.geteuid()).pw_dir) / ".docker/config.json",))

    @cached_property
    def registry(self) -> Registry:
        """Every registry."""
        from scow.registry.hosts import Hosts, Proxies
        from scow.registry.remote import Registry
        from scow.registry.transport import Transport

        hosts = self._hosts() if self._hosts else Hosts()
        proxies = self._proxies() if self._proxies else Proxies()
        return Registry(Transport(hosts, proxies), self.credentials)

    def login(self, host: str, username: str, password: str) -> str:
        """Check the password with the registry and keep it; returns where it is kept.

        Raises :class:`~scow.errors.Denied` for a wrong one.
        """
        from scow.registry.credentials import Credential

        credential: Credential = self.registry.login(host, Credential(username, password))
        return self.credentials.store(host, credential)

    def logout(self, host: str) -> bool:
        """Forget the password for ``host``; whether there was one."""
        return self.credentials.erase(host)

    def version(self) -> Version:
        """What this is."""
        import platform

        from scow import __version__

        uname = os.uname()
        return Version("scow", __version__, platform.python_version(), uname.sysname.lower(), uname.machine)
