"""What a command needs from outside: the engine, made from flags and environment, which only this module reads."""

from __future__ import annotations

import os
import sys
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

if TYPE_CHECKING:
    from typing import TextIO

    from scow.cli.progress import Display
    from scow.engine import Engine
    from scow.registry.credentials import CredentialStore
    from scow.registry.hosts import Hosts, Proxies


class Session(msgspec.Struct, dict=True):
    """One run of the command line. ``root``, ``runtime`` and ``insecure`` come from the global flags.

    With ``own_process`` the process of whoever may not mount becomes root of a user namespace when it needs the engine.
    """

    root: str | None = None
    runtime: str | None = None
    insecure: tuple[str, ...] = ()
    own_process: bool = False
    environment: dict[str, str] = msgspec.field(default_factory=lambda: dict(os.environ))

    @cached_property
    def engine(self) -> Engine:
        """The engine over the store that flags or environment name."""
        from scow.engine import Engine, default_root

        root = Path(self.root or self._default_root() or default_root()).absolute()
        if self.own_process and sys.platform == "linux":
            _enter(root)
        return Engine(
            root,
            credentials=self._credentials,
            hosts=self._hosts,
            proxies=self._proxies,
            runtime=self.runtime or self.environment.get("SCOW_RUNTIME") or None,
        )

    def progress(self, *, quiet: bool = False, stream: TextIO | None = None) -> Display:
        """Where progress goes: bars on a terminal, lines in a pipe, nowhere when quiet; to ``stream``, or to standard
        output."""
        from scow.cli.progress import choose

        stream = stream or sys.stdout
        return choose(stream, quiet=quiet, isatty=self.drawable(stream), no_color=not self.colour)

    @property
    def terminal(self) -> bool:
        """Whether standard output is a terminal that can be drawn on."""
        return self.drawable(sys.stdout)

    def drawable(self, stream: TextIO) -> bool:
        """Whether it is a terminal, and not a dumb one."""
        return stream.isatty() and self.environment.get("TERM") != "dumb"

    @property
    def colour(self) -> bool:
        """Whether nobody forbids it (https://no-color.org)."""
        return not self.environment.get("NO_COLOR")

    def _default_root(self) -> str | None:
        if root := self.environment.get("SCOW_ROOT"):
            return root
        data = self.environment.get("XDG_DATA_HOME")
        home = self.environment.get("HOME")
        if os.geteuid() == 0 or not (data or home):
            return None
        return os.path.join(data or os.path.join(str(home), ".local/share"), "scow")

    def _credentials(self) -> CredentialStore:
        from scow.registry.credentials import CredentialStore

        home = self._home()
        docker = Path(self.environment.get("DOCKER_CONFIG") or home / ".docker") / "config.json"
        files = [docker]
        if named := self.environment.get("REGISTRY_AUTH_FILE"):
            files.insert(0, Path(named))
        # podman's order (containers-auth.json(5)); root has no runtime directory, nor has whoever came by su
        runtime = self.environment.get("XDG_RUNTIME_DIR")
        own = Path(runtime, "containers") if runtime else Path(f"/run/containers/{os.getuid()}")
        places = [own] if os.access(own, os.X_OK) else []
        files += [place / "auth.json" for place in (*places, self._config() / "containers")]
        return CredentialStore(files, self.environment.get("DOCKER_AUTH_CONFIG"))

    def _hosts(self) -> Hosts:
        from scow.registry.hosts import Hosts, HostSettings, settings_of, told_together
        from scow.registry.routefiles import read_certificates, read_rules

        rules = read_rules(self._registries_files())
        named = {*self.insecure, *filter(None, self.environment.get("SCOW_INSECURE_REGISTRIES", "").split(","))}
        home = self._home()
        places = (home / ".config/containers/certs.d", Path("/etc/containers/certs.d"), Path("/etc/docker/certs.d"))
        known = told_together(read_certificates(places), settings_of(rules), named)
        authorities = tuple(filter(None, [self.environment.get("SCOW_CA_FILE")]))
        return Hosts(known, HostSettings(ca_files=authorities), rules)

    def _registries_files(self) -> list[Path]:
        """Where rules for registries may stand; the first that speaks of a registry counts."""
        config = self._config()
        theirs = [config / "containers", Path("/etc/containers")]
        files = [config / "scow/registries.toml", Path("/etc/scow/registries.toml")]
        if named := self.environment.get("CONTAINERS_REGISTRIES_CONF"):
            return [*files, Path(named)]
        return files + [place / name for place in theirs for name in ("registries.conf.d", "registries.conf")]

    def _config(self) -> Path:
        return Path(self.environment.get("XDG_CONFIG_HOME") or self._home() / ".config")

    def _home(self) -> Path:
        return Path(self.environment.get("HOME") or "/")

    def _proxies(self) -> Proxies:
        from scow.registry.hosts import Proxies

        def first(*names: str) -> str | None:
            return next((value for name in names if (value := self.environment.get(name))), None)

        exempt = first("no_proxy", "NO_PROXY") or ""
        return Proxies(
            first("http_proxy", "HTTP_PROXY"),
            first("https_proxy", "HTTPS_PROXY"),
            tuple(filter(None, (entry.strip() for entry in exempt.split(",")))),
        )


def _enter(root: Path) -> None:
    """Whoever may not mount works in a user namespace, where there is one to be had."""
    from scow.held import may_mount

    if os.geteuid() != 0 or not may_mount():
        from scow.engine.containers.mapping import enter

        enter(root)


pass_session = click.make_pass_decorator(Session, ensure=True)
