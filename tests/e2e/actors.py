"""Who runs the commands: whoever runs the suite, or an ordinary user; each with a directory and a store of its own."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tests.support.cli import Result, run_scow
from tests.support.users import User

#: of a store, what a command that failed must leave as it was; ``ingest`` may keep what a next try resumes
KEPT = ("index.json", "oci-layout", "blobs", "layers", "containers", "cache")


@dataclass(frozen=True)
class Actor:
    """``actor("pull", "debian:12")`` runs one command in ``directory``; ``user`` is None for whoever runs the suite."""

    directory: Path
    user: User | None = None
    root: Path | None = None

    @property
    def store(self) -> Path:
        """Where the images are."""
        return self.root or self.directory / "store"

    @property
    def docker_config(self) -> Path:
        """The directory of the credentials."""
        return self.directory / "docker"

    def __call__(
        self,
        *argv: str,
        stdin: bytes | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float = 300,
    ) -> Result:
        return run_scow(
            *argv, root=self.store, home=self.directory, user=self.user, stdin=stdin, timeout=timeout,
            env={"DOCKER_CONFIG": str(self.docker_config), **(env or {})}, cwd=cwd or self.directory,
        )  # fmt: skip

    def on(self, name: str) -> Actor:
        """The same actor with another store, ``name`` beneath the directory."""
        return replace(self, root=self.directory / name)

    def file(self, name: str, content: str | bytes = "", mode: int = 0o644) -> Path:
        """A file of the actor's beneath the directory, with its parents; a time that no clock decides."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(mode)
        self.own(self.directory / Path(name).parts[0])
        return path

    def copy(self, source: Path, name: str) -> Path:
        """A copy of ``source`` that the actor can read."""
        path = Path(shutil.copyfile(source, self.directory / name))
        self.own(path)
        return path

    def own(self, path: Path) -> None:
        """Give ``path`` and what is beneath it to the actor."""
        if self.user is None:
            return
        os.chown(path, self.user.uid, self.user.gid, follow_symlinks=False)
        for directory, names, files in os.walk(path):
            for name in names + files:
                os.chown(os.path.join(directory, name), self.user.uid, self.user.gid, follow_symlinks=False)

    def blobs(self) -> list[str]:
        """What lies in the store's blob directory."""
        return sorted(path.name for path in (self.store / "blobs").rglob("*") if path.is_file())


def listing(store: Path) -> dict[str, str]:
    """Every path of a store that must survive a failed command, with a digest of what it holds."""
    found = {}
    for top in KEPT:
        start = store / top
        for path in [start, *sorted(start.rglob("*"))] if start.is_dir() else [start] * start.exists():
            if path.is_symlink() or not path.exists():
                found[str(path.relative_to(store))] = f"link {os.readlink(path)}"
            elif path.is_file():
                with path.open("rb") as stream:
                    found[str(path.relative_to(store))] = hashlib.file_digest(stream, "sha256").hexdigest()
            else:
                found[str(path.relative_to(store))] = "other"
    return found
