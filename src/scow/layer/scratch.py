"""Places to work in beside the store's things: nobody else's, and gone at the end."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from scow.layer.removal import remove


@contextlib.contextmanager
def scratch(ingest: Path, name: str) -> Iterator[Path]:
    """A new directory to work in, removed at the end; collection leaves it alone while it is held.

    It is nobody else's: a setuid program of a container's would be one of this machine's (CVE-2021-41091).
    """
    directory = ingest / f"{name}-{os.urandom(8).hex()}"
    directory.mkdir(0o700, parents=True)
    held = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    fcntl.flock(held, fcntl.LOCK_SH)  # says that somebody is at work here
    try:
        yield directory
    finally:
        remove(directory)
        os.close(held)
