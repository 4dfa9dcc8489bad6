"""Containers on disk: a directory each, with what it was made of and how it is doing.

A container is running while somebody holds the lock of its ``alive`` file, so what ``ps`` says is true even after its
keeper was killed. The lock belongs to the open file (an OFD lock): everything of the container has it, and asking who
holds it takes nothing.
"""

# Annotations are not deferred: msgspec would compile each of them before the first document is read.

import contextlib
import fcntl
import os
import struct
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from scow.content.disk import on_disk
from scow.errors import AlreadyExists, Conflict, Invalid, Limit, NotFound, Unavailable
from scow.files import read, renew
from scow.oci.descriptor import Descriptor
from scow.oci.digest import DiffId
from scow.oci.documents import decode, encode
from scow.runtime.spec.keeping import Keeping

_SETTINGS: Final = "container.json"
_STATE: Final = "state.json"
_ALIVE: Final = "alive"
_PAUSED: Final = "paused"  # a monitor makes no health checks while it is there
ALIVE: Final = frozenset({"running", "paused", "restarting"})
"""The states in which somebody keeps a container."""
#: struct flock: type, whence, start, length, pid; the whole file.
_FLOCK: Final = "hhqqi4x"
_FIRST_PAUSE: Final = 0.002
_LONGEST_PAUSE: Final = 0.05
_PATIENCE: Final = 20.0  # seconds, with another command that starts, fills or removes it


class Settings(msgspec.Struct, frozen=True):
    """What a container was made of: ``spec`` are its options, ``keeping`` says how it is kept."""

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
    keeping: Keeping = Keeping()
    stdin_once: bool = False
    runtime: str = ""


class Check(msgspec.Struct, frozen=True):
    """One health check that was made; times are RFC 3339 text."""

    start: str
    end: str
    exit_code: int
    output: str


class Health(msgspec.Struct, frozen=True):
    """``status``: starting, healthy, unhealthy; ``failing`` checks in a row; the latest checks."""

    status: str = "starting"
    failing: int = 0
    log: tuple[Check, ...] = ()


class State(msgspec.Struct, frozen=True):
    """How it is doing. ``status``: created, running, paused, restarting, exited.

    ``born`` is when process ``pid`` was started, in ticks since the boot: the two name it; so it is with ``launcher``,
    the process above it, and with ``monitor``, the one that keeps it (0 when the command that started it does).
    ``restarts`` counts those of the policy.
    """

    status: str = "created"
    pid: int = 0
    exit_code: int = 0
    started: str = ""
    finished: str = ""
    born: int = 0
    monitor: int = 0
    monitor_born: int = 0
    launcher: int = 0
    launcher_born: int = 0
    restarts: int = 0
    error: str = ""
    health: Health | None = None


class ContainerRecords:
    """The containers below ``root``."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def home(self, container_id: str) -> Path:
        """A container's directory."""
        return self._root / container_id

    def add(self, settings: Settings) -> None:
        """Make the directory and write the settings. Raises :class:`AlreadyExists` for a name that is taken."""
        draft = self._root / f".{settings.id}"
        with on_disk(self._root):
            self._root.mkdir(parents=True, exist_ok=True)
        with self._alone(), on_disk(self._root):
            self._check_free(settings.name)
            try:
                draft.mkdir(mode=0o700)  # its environment is nobody else's business
                (draft / _SETTINGS).write_bytes(encode(settings))
                (draft / _STATE).write_bytes(encode(State()))
                (draft / _ALIVE).touch(mode=0o644)
                os.rename(draft, self.home(settings.id))
            except BaseException:
                _remove(draft)
                raise

    def rename(self, settings: Settings, name: str) -> None:
        """Write another name. Raises :class:`AlreadyExists` for one that is taken."""
        with self._alone():
            self._check_free(name)
            self._change(settings.id, lambda old: msgspec.structs.replace(old, name=name))

    def _check_free(self, name: str) -> None:
        for other in self:
            if other.name == name:
                raise AlreadyExists(
                    f'Conflict. The container name "/{name}" is already in use by container "{other.id}". '
                    "You have to remove (or rename) that container to be able to reuse that name.",
                    subject=name, named=True,
                )  # fmt: skip

    def update(self, container_id: str, change: Callable[[Settings], Settings]) -> None:
        """Write the settings once more, as ``change`` makes them of what they are by now."""
        with self._alone():
            self._change(container_id, change)

    def _change(self, container_id: str, change: Callable[[Settings], Settings]) -> None:
        if not (raw := _read(self.home(container_id) / _SETTINGS)):
            raise _missing(container_id)
        self._write(container_id, _SETTINGS, encode(change(decode(raw, Settings, container_id))))

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else gives names or changes settings meanwhile."""
        with on_disk(self._root):
            fd = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)

    def note(self, container_id: str, state: State) -> None:
        """Write down how a container is doing."""
        self._write(container_id, _STATE, encode(state))

    def _write(self, container_id: str, name: str, data: bytes) -> None:
        home = self.home(container_id)
        with on_disk(home):
            renew(home / name, data)

    def names(self) -> list[str]:
        """The ids of all containers, also of those whose settings cannot be read."""
        with on_disk(self._root):
            found = sorted(os.listdir(self._root)) if self._root.is_dir() else []
        return [name for name in found if not name.startswith(".")]

    def mark_paused(self, container_id: str, *, paused: bool) -> None:
        """Write down that it is held, or that it is not any more."""
        if paused:
            (self.home(container_id) / _PAUSED).touch()
        else:
            (self.home(container_id) / _PAUSED).unlink(missing_ok=True)

    def __iter__(self) -> Iterator[Settings]:
        """Every container whose settings can be read. Raises :class:`Unavailable` where only the disk cannot give them
        just now: what they stand on would be taken for unused."""
        for name in self.names():
            with contextlib.suppress(Invalid, Limit):
                if raw := _read(self._root / name / _SETTINGS):
                    yield decode(raw, Settings, name)

    def find(self, text: str) -> Settings:
        """By name, id, or the beginning of an id."""
        everything = list(self)
        exact = [one for one in everything if text.removeprefix("/") == one.name or text == one.id]
        found = exact or [one for one in everything if text and one.id.startswith(text)]
        if len(found) > 1:
            raise Conflict("multiple containers found with that prefix", subject=text, hint="give more of the id")
        if not found:
            raise _missing(text)
        return found[0]

    def using(self, image_id: str) -> tuple[str, ...]:
        """The ids of the containers that stand on an image."""
        return tuple(settings.id for settings in self if settings.image_id == image_id)

    def images_in_use(self) -> Counter[str]:
        """Image id → how many containers stand on it."""
        return Counter(settings.image_id for settings in self)

    def state(self, container_id: str) -> State:
        """How it is doing, whatever its keeper managed to write."""
        state = self._noted(container_id)
        if state.status not in ALIVE:
            return state
        if not self.alive(container_id):
            return _killed(state)
        if (self.home(container_id) / _PAUSED).exists():
            return msgspec.structs.replace(state, status="paused")
        return state

    def _noted(self, container_id: str) -> State:
        with contextlib.suppress(Invalid, Limit):
            if raw := _read(self.home(container_id) / _STATE):
                return decode(raw, State, container_id)
        return State()

    def alive(self, container_id: str) -> bool:
        """Whether anything of it is left that runs."""
        with on_disk(self.home(container_id)):
            try:
                fd = os.open(self.home(container_id) / _ALIVE, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                return False
        try:
            told = fcntl.fcntl(fd, fcntl.F_OFD_GETLK, struct.pack(_FLOCK, fcntl.F_WRLCK, 0, 0, 0, 0))
            return bool(struct.unpack(_FLOCK, told)[0] != fcntl.F_UNLCK)
        finally:
            os.close(fd)

    @contextlib.contextmanager
    def keeping(self, container_id: str, patience: float = _PATIENCE) -> Iterator[int]:
        """Keep the container: the descriptor that holds its lock, until it and all its copies are closed.

        Raises :class:`Conflict` when somebody keeps it already, :class:`NotFound` when it was removed.
        """
        fd = self._taken(container_id, patience)
        try:
            noted = self._noted(container_id)
            if noted.status in ALIVE:  # of a run that was killed: it is not what holds the lock from here on
                with contextlib.suppress(Unavailable):  # it can be removed on a full disk
                    self.note(container_id, _killed(noted))
            self.mark_paused(container_id, paused=False)
            yield fd
        finally:
            os.close(fd)

    def _taken(self, container_id: str, patience: float) -> int:
        """The descriptor that holds its lock. Who has it without running the container, to start it, to copy or to
        remove, is waited for."""
        deadline = time.monotonic() + patience
        try:
            fd = os.open(self.home(container_id) / _ALIVE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except FileNotFoundError:
            raise _missing(container_id) from None
        try:
            while not _locked(fd):
                if self.state(container_id).status in ALIVE:
                    raise Conflict("container is running", subject=container_id[:12])
                if time.monotonic() >= deadline:
                    raise Conflict("another command is at work on the container", subject=container_id[:12])
                time.sleep(_LONGEST_PAUSE)
            if not self.home(container_id).exists():
                raise _missing(container_id)
        except BaseException:
            os.close(fd)
            raise
        return fd

    def ended(self, container_id: str, patience: float | None) -> bool:
        """Wait for the end of everything it runs, ``patience`` seconds at most (None: for ever); whether it came."""
        deadline = None if patience is None else time.monotonic() + patience
        pause = _FIRST_PAUSE
        while self.alive(container_id):
            if deadline is not None and time.monotonic() >= deadline:
                return False
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)
        return True

    def remove(self, container_id: str, patience: float = _PATIENCE) -> None:
        """Delete it with everything it wrote; one that is gone is fine. Raises :class:`Conflict` when it runs."""
        with contextlib.suppress(NotFound), self.keeping(container_id, patience):
            self.tear(container_id)

    def tear(self, container_id: str) -> None:
        """The same, whoever is at work on it."""
        doomed = self._root / f".{container_id}-{os.urandom(4).hex()}"
        with on_disk(self._root):
            with contextlib.suppress(FileNotFoundError):
                os.rename(self.home(container_id), doomed)
            _remove(doomed)


def _missing(text: str) -> NotFound:
    return NotFound(f"No such container: {text}", subject=text, named=True)


def _killed(state: State) -> State:
    return msgspec.structs.replace(state, status="exited", pid=0, exit_code=137)


def _remove(directory: Path) -> None:
    from scow.layer.removal import remove  # which most verbs do without

    remove(directory)


def _locked(fd: int) -> bool:
    """Take the lock, if nobody has it."""
    try:
        fcntl.fcntl(fd, fcntl.F_OFD_SETLK, struct.pack(_FLOCK, fcntl.F_WRLCK, 0, 0, 0, 0))
    except (BlockingIOError, PermissionError):
        return False
    return True


def _read(path: Path) -> bytes:
    """What it holds; nothing for one that is not there, or is another user's."""
    with on_disk(path.parent):
        try:
            return read(path)
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return b""
