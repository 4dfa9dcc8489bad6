"""The user's SSH agent inside a build step: a socket of the step's own, every connection handed on to the agent's."""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from scow.errors import Unavailable
from scow.layer.entry import Entry
from scow.layer.rights import rights

_PIECE: Final = 1 << 16
_NAME: Final = "agent"


@contextlib.contextmanager
def forwarded(agent: Path, directory: Path, *, mode: int, uid: int, gid: int) -> Iterator[Path]:
    """A socket in ``directory`` (made here) that is ``agent`` as long as this is entered."""
    directory.mkdir()
    path = directory / _NAME
    with socket.socket(socket.AF_UNIX) as listener, _short(directory) as short:
        listener.bind(f"{short}/{_NAME}")
        os.chmod(path, mode)
        _own(path, Entry(b"", "file", mode, uid, gid))
        listener.listen()
        thread = threading.Thread(target=_serve, args=(listener, agent), daemon=True)
        thread.start()
        try:
            yield path
        finally:
            listener.shutdown(socket.SHUT_RDWR)  # wakes the thread, which a close would not
            thread.join()


def check(agent: Path) -> None:
    """Raise :class:`Unavailable` where no agent listens."""
    try:
        with socket.socket(socket.AF_UNIX) as client, _short(agent.parent) as short:
            client.connect(f"{short}/{agent.name}")
    except OSError as error:
        raise Unavailable(f"no SSH agent answers: {error.strerror}", subject=str(agent)) from None


@contextlib.contextmanager
def _short(directory: Path) -> Iterator[str]:
    """Another name for a directory: a socket's path may have 107 bytes."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{fd}"
    finally:
        os.close(fd)


def _own(path: Path, entry: Entry) -> None:
    parent = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        rights().own_link(os.fsencode(path.name), parent, entry)
    finally:
        os.close(parent)


def _serve(listener: socket.socket, agent: Path) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_hand_on, args=(client, agent), daemon=True).start()


def _hand_on(client: socket.socket, agent: Path) -> None:
    """Copy both ways until one side ends."""
    with client, socket.socket(socket.AF_UNIX) as server, contextlib.suppress(OSError):
        with _short(agent.parent) as short:
            server.connect(f"{short}/{agent.name}")
        other = {client: server, server: client}
        with selectors.DefaultSelector() as ready:
            for side in other:
                ready.register(side, selectors.EVENT_READ)
            while True:
                for chosen, _ in ready.select():
                    here = client if chosen.fileobj is client else server
                    data = here.recv(_PIECE)
                    if not data:
                        return
                    other[here].sendall(data)
