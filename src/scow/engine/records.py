"""Containers on disk: a directory each, with what it was made of and how it is doing.

A container is running while somebody holds the flock of its ``alive`` file, so what ``ps`` says is true even after its
keeper was killed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from scow.errors import AlreadyExists, Conflict, NotFound, ScowError
from scow.layer.store import remove
from scow.oci.descriptor import Descriptor
from scow.oci.digest import DiffId
from scow.oci.documents import decode, encode

_SETTINGS: Final = "container.json"
_STATE: Final = "state.json"


class Settings(msgspec.Struct, frozen=True):
    """What a container was made of; never changes."""

    id: str
    name: str
    image: str
    image_id: str
    manifest: Descriptor
    diff_ids: tuple[DiffId, ...]
    args: tuple[str, ...]
    created: str
    labels: dict[str, str] = {}
    spec: dict[str, Any] = {}


class State(msgspec.Struct, frozen=True):
    """How it is doing. ``status``: created, running, exited."""

    status: str = "created"
    pid: int = 0
    exit_code: int = 0
    started: str = ""
    finished: str = ""


class Containers:
    """The containers below ``root``."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def home(self, container_id: str) -> Path:
        """A container's directory."""
        return self._root / container_id

    def add(self, settings: Settings) -> Path:
        """Make the directory and write the settings. Raises :class:`AlreadyExists` for a name that is taken."""
        for other in self:
            if other.name == settings.name:
                raise AlreadyExists(
                    f'Conflict. The container name "/{settings.name}" is already in use by container "{other.id}". '
                    "You have to remove (or rename) that container to be able to reuse that name."
                )
        home = self.home(settings.id)
        home.mkdir(parents=True)
        _write(home / _SETTINGS, encode(settings))
        self.note(settings.id, State())
        return home

    def update(self, settings: Settings) -> None:
        """Write the settings once more, before the first start."""
        _write(self.home(settings.id) / _SETTINGS, encode(settings))

    def note(self, container_id: str, state: State) -> None:
        """Write down how a container is doing."""
        _write(self.home(container_id) / _STATE, encode(state))

    def names(self) -> list[str]:
        """The ids of all containers, also of those whose settings cannot be read."""
        found = sorted(os.listdir(self._root)) if self._root.is_dir() else []
        return [name for name in found if not name.startswith(".")]

    def __iter__(self) -> Iterator[Settings]:
        for name in self.names():
            with contextlib.suppress(OSError, ScowError):
                yield decode((self._root / name / _SETTINGS).read_bytes(), Settings, name)

    def find(self, text: str) -> Settings:
        """By name, id, or the beginning of an id."""
        everything = list(self)
        exact = [one for one in everything if text.removeprefix("/") == one.name or text == one.id]
        found = exact or [one for one in everything if text and one.id.startswith(text)]
        if len(found) > 1:
            raise Conflict("multiple containers found with that prefix", subject=text, hint="give more of the id")
        if not found:
            raise NotFound(f"No such container: {text}")
        return found[0]

    def using(self, image_id: str) -> tuple[str, ...]:
        """The ids of the containers that stand on an image."""
        return tuple(settings.id for settings in self if settings.image_id == image_id)

    def images_in_use(self) -> Counter[str]:
        """Image id → how many containers stand on it."""
        return Counter(settings.image_id for settings in self)

    def state(self, container_id: str) -> State:
        """How it is doing, whatever its keeper managed to write."""
        try:
            state = decode((self.home(container_id) / _STATE).read_bytes(), State, container_id)
        except (OSError, ScowError):
            state = State()
        if state.status == "running" and not self.alive(container_id):
            return State("exited", 0, 137, state.started, state.finished)
        return state

    def alive(self, container_id: str) -> bool:
        """Whether somebody keeps it running."""
        try:
            fd = os.open(self.home(container_id) / "alive", os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(fd)
        return False

    @contextlib.contextmanager
    def keeping(self, container_id: str) -> Iterator[None]:
        """Say that the container is alive. Raises :class:`Conflict` when somebody keeps it already."""
        fd = os.open(self.home(container_id) / "alive", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError:
            raise Conflict("container is running", subject=container_id[:12]) from None
        finally:
            os.close(fd)

    def remove(self, container_id: str) -> None:
        """Delete it with everything it wrote."""
        home = self.home(container_id)
        doomed = self._root / f".{container_id}-{os.urandom(4).hex()}"
        with contextlib.suppress(FileNotFoundError):
            os.rename(home, doomed)
        remove(doomed)


def _write(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    temporary.write_bytes(data)
    os.rename(temporary, path)
